import { describe, expect, it } from "vitest"
import { scan, toSafetensorsBytes } from "../../src/index.ts"
import { torchArchive } from "../archive/zip-builder.ts"
import { type Part, pickle2 } from "../pickle/assemble.ts"
import { storage, text, vector } from "./legacy-file.ts"

const TENSOR = vector(storage("0", 2, []), 2)

const dict = (...entries: readonly (readonly [string, readonly Part[]])[]): readonly Part[] => [
  ...["EMPTY_DICT", "MARK"],
  ...entries.flatMap(([key, value]) => [text(key), ...value]),
  "SETITEMS",
]
const tuple = (...items: readonly (readonly Part[])[]): readonly Part[] => ["MARK", ...items.flat(), "TUPLE"]
const part = (module: string, name: string, state: readonly Part[]): readonly Part[] => [
  ...[["GLOBAL", module, name] as const, "EMPTY_TUPLE", "NEWOBJ"],
  ...state,
  "BUILD",
]
const int = (value: number): readonly Part[] => [["BININT1", value]]

const PLACEMENTS = "torch.distributed.tensor.placement_types"
const shard = (dim: number): readonly Part[] => part(PLACEMENTS, "Shard", dict(["dim", int(dim)]))
const replicate = part(PLACEMENTS, "Replicate", ["EMPTY_DICT"])
const partial = part(PLACEMENTS, "Partial", dict(["reduce_op", [text("sum")]]))

const flat = (size: number): readonly Part[] =>
  part(
    "torch.distributed._mesh_layout",
    "_FlatLayout",
    dict(["shape", size === 1 ? ["EMPTY_TUPLE"] : int(size)]),
  )
const mesh = (sizes: readonly number[], names?: readonly string[]): readonly Part[] =>
  part(
    "torch.distributed.device_mesh",
    "DeviceMesh",
    dict(
      [
        "_layout",
        part("torch.distributed._mesh_layout", "_MeshLayout", dict(["axes", tuple(...sizes.map(flat))])),
      ],
      ["_mesh_dim_names", names === undefined ? ["NONE"] : tuple(...names.map((name) => [text(name)]))],
    ),
  )

interface Spec {
  readonly mesh: readonly Part[]
  readonly placements: readonly Part[]
  readonly module?: string
  readonly specModule?: string
}

/** What torch makes of `DTensor.__reduce_ex__`: a wrapper subclass, with its spec in the state. */
function distributed({ mesh, placements, module, specModule }: Spec): readonly Part[] {
  const spec = part(
    specModule ?? "torch.distributed.tensor._dtensor_spec",
    "DTensorSpec",
    dict(["mesh", mesh], ["placements", placements]),
  )
  const type = ["GLOBAL", module ?? "torch.distributed.tensor", "DTensor"] as const
  return [
    ["GLOBAL", "torch._tensor", "_rebuild_from_type_v2"],
    ...["MARK", ["GLOBAL", "torch._utils", "_rebuild_wrapper_subclass"] as const, type, "EMPTY_TUPLE"],
    ...tuple(["NONE"], dict(["_local_tensor", [TENSOR].flat() as readonly Part[]], ["_spec", spec])),
    ...["TUPLE", "REDUCE"],
  ]
}

function file(value: readonly Part[]): Uint8Array {
  const object = pickle2("EMPTY_DICT", "MARK", text("fine"), TENSOR, text("w"), ...value, "SETITEMS")
  return torchArchive({ "a/data.pkl": object, "a/data/0": new Uint8Array(8) })
}

describe("a distributed tensor", () => {
  it.each<[words: string, spec: Spec]>([
    [
      "a shard of a distributed tensor (DTensor), mesh of 1, Shard(0)",
      { mesh: mesh([1]), placements: tuple(shard(0)) },
    ],
    [
      "a shard of a distributed tensor (DTensor), mesh of 8, Shard(1)",
      { mesh: mesh([8]), placements: tuple(shard(1)) },
    ],
    [
      "a shard of a distributed tensor (DTensor), mesh of 2 x 4 (dp, tp), Replicate(), Shard(0)",
      { mesh: mesh([2, 4], ["dp", "tp"]), placements: tuple(replicate, shard(0)) },
    ],
    [
      "a distributed tensor (DTensor), mesh of 4, Partial(sum)",
      { mesh: mesh([4]), placements: tuple(partial) },
    ],
    [
      "a shard of a distributed tensor (DTensor), mesh of 2, Shard(0)",
      {
        ...{
          placements: tuple(
            part("torch.distributed._tensor.placement_types", "Shard", dict(["dim", int(0)])),
          ),
        },
        ...{
          module: "torch.distributed._tensor.api",
          specModule: "torch.distributed._tensor.placement_types",
        },
        mesh: part(
          "torch.distributed._tensor.device_mesh",
          "DeviceMesh",
          dict(["mesh", [TENSOR].flat() as readonly Part[]]),
        ),
      },
    ],
    ["a distributed tensor (DTensor)", { mesh: ["NONE"], placements: ["NONE"] }],
    ["a distributed tensor (DTensor), mesh of 3, ?", { mesh: mesh([3]), placements: tuple(["NONE"]) }],
  ])("is refused by name: %s", async (words, spec) => {
    const bytes = file(distributed(spec))
    await expect(toSafetensorsBytes(bytes)).rejects.toMatchObject({
      code: "tensor-unsupported",
      message: expect.stringContaining(`"w": it is ${words}`),
    })
    const { report } = await toSafetensorsBytes(bytes, { exclude: "w" })
    expect(report.tensors.map(({ name }) => name)).toEqual(["fine"])
    const scanned = await scan(bytes)
    expect(scanned).toMatchObject({
      verdict: "clean",
      findings: [{ severity: "note", code: "tensor-unsupported" }],
    })
  })

  it("that is in its own state is looked at once", async () => {
    const loop: readonly Part[] = [
      ...[["GLOBAL", PLACEMENTS, "Shard"] as const, "EMPTY_TUPLE", "NEWOBJ", ["BINPUT", 9] as const],
      ...["EMPTY_DICT", text("self"), ["BINGET", 9] as const, "SETITEM", "BUILD"],
    ]
    await expect(
      toSafetensorsBytes(file(distributed({ mesh: mesh([1]), placements: tuple(loop) }))),
    ).rejects.toMatchObject({
      code: "tensor-unsupported",
    })
  })
})

describe("a tensor that torch saved by way of NumPy", () => {
  it.each(["xla:0", "hpu", "mtia:3", "\u001b[31m"])("is told from other arrays: %j", async (device) => {
    const array: readonly Part[] = [
      ["GLOBAL", "numpy.core.multiarray", "_reconstruct"],
      "EMPTY_TUPLE",
      "REDUCE",
    ]
    const value: readonly Part[] = [
      ["GLOBAL", "torch._utils", "_rebuild_device_tensor_from_numpy"],
      ...tuple(array, [["GLOBAL", "torch", "float32"]], [text(device)], ["NEWFALSE"]),
      "REDUCE",
    ]
    const error: unknown = await toSafetensorsBytes(file(value)).catch((reason: unknown) => reason)
    const shown = device.startsWith("\u001b") ? "\\u001b[31m" : device
    expect(error).toMatchObject({
      code: "global-not-allowed",
      message: expect.stringContaining(
        `found under "w", a part of a tensor of the device "${shown}", which torch saved as a NumPy array`,
      ),
      nextStep: expect.stringContaining("move these tensors to the CPU"),
    })
  })
})
