/**
 * What a distributed tensor (`DTensor`) is saved with: a device mesh, a placement for each of its dimensions, and the local
 * shard. They are kept so that a refusal can say what the tensor is; nothing is made of them.
 *
 * torch 2.13, `torch/distributed/tensor/_api.py`, `_dtensor_spec.py`, `placement_types.py`, `device_mesh.py`,
 * `_mesh_layout.py`; up to 2.4 in `torch/distributed/_tensor`. torch lets all of them pass `weights_only`.
 */

import { PickleDict, PickleTuple, type PickleValue } from "../pickle/values.ts"
import { isTensor, type Tensor } from "../tensors/tensor.ts"
import { plainText } from "../text/quote-text.ts"
import type { UnsupportedTorchTensor } from "./torch-tensors.ts"

/** The parts' modules, old and new, and the classes in them. */
export const DISTRIBUTED_CLASSES: readonly (readonly [modules: string, classes: string])[] = [
  ["torch.distributed.device_mesh torch.distributed._tensor.device_mesh", "DeviceMesh"],
  ["torch.distributed._mesh_layout", "_MeshLayout _FlatLayout"],
  [
    "torch.distributed.tensor.placement_types torch.distributed._tensor.placement_types torch.distributed.tensor._dtensor_spec torch.distributed._tensor._dtensor_spec",
    "DTensorSpec TensorMeta ShardOrderEntry Shard Replicate Partial _Partial _StridedShard",
  ],
]

/** The class itself, by the names that it has had. */
export const DTENSOR_MODULES: readonly string[] = [
  "torch.distributed.tensor",
  "torch.distributed.tensor._api",
  "torch.distributed._tensor",
  "torch.distributed._tensor.api",
]

/** Dimensions of a mesh, and placements, that are told. */
const MOST_TOLD = 8

/** One of these objects. Where it stands by itself it is no tensor that could be written either. */
export class DistributedPart implements UnsupportedTorchTensor {
  readonly kind = "object:unsupported-tensor"
  readonly reason = "a part of a distributed tensor (DTensor)"
  readonly name: string
  /** What it is made of: arguments first, then what it is given as its state. */
  readonly parts: PickleValue[]

  constructor(name: string, args: PickleTuple) {
    this.name = name
    this.parts = [args]
  }

  /** A field of its state; of a tuple of fields, as `TensorMeta` is, none has a name. */
  field(name: string): PickleValue | undefined {
    for (const part of this.parts)
      if (part instanceof PickleDict && part.get(name) !== undefined) return part.get(name)
    return undefined
  }
}

/** What a tensor is, going by the state of a `DTensor`; undefined where it has none. Of slots, it is the second of two. */
export function describeDistributed(state: PickleValue | undefined): string | undefined {
  const dicts = state instanceof PickleTuple ? state.items : [state]
  const spec = dicts.flatMap((dict) => (dict instanceof PickleDict ? [dict.get("_spec")] : [])).find(isPart)
  if (spec === undefined) return undefined
  const placements = placementsOf(spec.field("placements"))
  const isShard = placements.some((placement) => placement.includes("Shard"))
  const placed = placements.length === 0 ? "" : `, ${placements.join(", ")}`
  return `${isShard ? "a shard of " : ""}a distributed tensor (DTensor)${meshOf(spec.field("mesh"))}${placed}`
}

function isPart(value: PickleValue | undefined): value is DistributedPart {
  return value instanceof DistributedPart
}

/** `Shard(0)`, `Replicate()`, as torch shows them. */
function placementsOf(value: PickleValue | undefined): readonly string[] {
  if (!(value instanceof PickleTuple)) return []
  return value.items.slice(0, MOST_TOLD).map((placement) => {
    if (!(placement instanceof DistributedPart)) return "?"
    const detail = placement.field("dim") ?? placement.field("reduce_op")
    const shown = typeof detail === "number" || typeof detail === "string" ? plainText(String(detail)) : ""
    return `${placement.name.replace(/^_/, "")}(${shown})`
  })
}

/**
 * `, mesh of 2 x 4 (dp, tp)`. Newer meshes say their layout by dimension, older ones are a tensor of ranks; of either only
 * the shape is read.
 */
function meshOf(mesh: PickleValue | undefined): string {
  if (!(mesh instanceof DistributedPart)) return ""
  const sizes = sizesOf(mesh)
  if (sizes === undefined) return ""
  const names = mesh.field("_mesh_dim_names") ?? mesh.field("mesh_dim_names")
  const told =
    names instanceof PickleTuple && names.items.every((name) => typeof name === "string")
      ? ` (${names.items
          .slice(0, MOST_TOLD)
          .map((name) => plainText(String(name)))
          .join(", ")})`
      : ""
  return `, mesh of ${sizes.length === 0 ? 1 : sizes.slice(0, MOST_TOLD).join(" x ")}${told}`
}

function sizesOf(mesh: DistributedPart): readonly number[] | undefined {
  const ranks = [mesh.field("mesh"), mesh.field("_mesh")].find(isTensor) as Tensor | undefined
  if (ranks !== undefined) return ranks.shape
  const layout = mesh.field("_layout")
  if (!(layout instanceof DistributedPart)) return undefined
  const axes = layout.field("axes")
  if (axes instanceof PickleTuple)
    return axes.items.map((axis) => (axis instanceof DistributedPart ? sizeOf(axis) : 1))
  // A layout of torch 2.9 to 2.12 has its shape itself.
  const shape = layout.field("shape")
  if (typeof shape === "number") return [shape]
  return shape instanceof PickleTuple
    ? shape.items.map((size) => (typeof size === "number" ? size : 1))
    : undefined
}

/** An axis has the sizes that it was flattened from; of one process it has none. */
function sizeOf(axis: DistributedPart): number {
  const shape = axis.field("shape")
  if (typeof shape === "number") return shape
  if (!(shape instanceof PickleTuple)) return 1
  return shape.items.reduce<number>((size, each) => size * (typeof each === "number" ? each : 1), 1)
}
