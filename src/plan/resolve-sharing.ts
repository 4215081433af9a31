/**
 * What to do where tensors share memory. safetensors has no views, so each name is either written with bytes of its
 * own or recorded in the metadata as another name for the same tensor.
 */

import { coalesce, OVERLAPPING } from "../bytes/coalesce.ts"
import { atOnce, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { NAME_DUPLICATE } from "../safetensors/errors.ts"
import { compareUtf8 } from "../safetensors/name-order.ts"
import { spanOf } from "../strided/view.ts"
import type { NamedTensor, Tensor } from "../tensors/tensor.ts"
import { TENSORS_SHARED } from "./errors.ts"

/**
 * `alias`: of tensors that are the same to the last stride, one name is kept and the others are recorded in the
 * metadata; all else is copied. `copy`: every name gets bytes of its own. `error`: sharing is refused.
 */
export type SharingPolicy = "alias" | "copy" | "error"

/** What no name may hold. Such a tensor is not recorded as an alias: writing it says what is wrong with its name. */
const UNWRITABLE = /[\0\ud800-\udfff]/u

/** A name that is not written, and the name whose tensor it stands for. */
export interface Alias {
  readonly dropped: string
  readonly kept: string
}

export interface ResolvedSharing<Named extends NamedTensor> {
  readonly written: readonly Named[]
  /** Sorted by the dropped name. */
  readonly aliases: readonly Alias[]
}

/** What is said of names beside the policy. */
export interface SharingWishes<Named> {
  /** Metadata keys that are taken or mean something: a name that equals one cannot be recorded, so its tensor is written. */
  readonly reserved: ReadonlySet<string>
  /** Names that are kept rather than others of the same tensor. */
  readonly preferred?: ReadonlySet<Named> | undefined
}

/**
 * `tensors` are in the order of the checkpoint: of names for one tensor the first is kept.
 *
 * @throws `tensors-shared` under the policy `error`, with every group of names that overlap; `name-duplicate` where
 *   something is shared: it is resolved by name. What is shared with nothing is left to whoever writes the header.
 */
export function* resolveSharingSteps<Named extends NamedTensor>(
  tensors: readonly Named[],
  policy: SharingPolicy,
  { reserved, preferred }: SharingWishes<Named>,
): Steps<ResolvedSharing<Named>> {
  if (policy === "copy") return { written: tensors, aliases: [] }
  const shared = yield* groupByStorage(tensors)
  if (shared.length > 0) yield* requireDistinctNames(tensors)
  if (policy === "error") {
    const byName = (a: NamedTensor, b: NamedTensor): number => compareUtf8(a.name, b.name)
    const groups = shared.flatMap((group) => overlappingNames([...group].sort(byName)))
    if (groups.length > 0) throw new CheckpointError(TENSORS_SHARED, { groups })
    return { written: tensors, aliases: [] }
  }
  const aliases = shared
    .flatMap((group) => aliasesOf(group, preferred))
    .filter(({ dropped }) => !reserved.has(dropped) && !UNWRITABLE.test(dropped))
  if (aliases.length === 0) return { written: tensors, aliases }
  const dropped = new Set(aliases.map((alias) => alias.dropped))
  return {
    written: tensors.filter(({ name }) => !dropped.has(name)),
    aliases: aliases.sort((a, b) => compareUtf8(a.dropped, b.dropped)),
  }
}

function* requireDistinctNames(tensors: readonly NamedTensor[]): Steps<void> {
  const names = new Set<string>()
  for (const { name } of tensors) {
    if (names.has(name))
      throw new CheckpointError(NAME_DUPLICATE, { name, problem: "two tensors have this name" })
    names.add(name)
    if (names.size % STEP_ITEMS === 0) yield
  }
}

/** Storages that more than one tensor with elements lies in. Empty tensors share nothing. */
function* groupByStorage<Named extends NamedTensor>(
  tensors: readonly Named[],
): Steps<readonly (readonly Named[])[]> {
  // Most storages hold one tensor: only those that turn out to hold more get a group.
  const firsts: (Named | undefined)[] = []
  const groups = new Map<number, Named[]>()
  let position = -1
  for (const named of tensors) {
    position++
    if (position % STEP_ITEMS === 0) yield
    const { storage, elementCount } = named.tensor
    if (elementCount === 0) continue
    const { index } = storage
    while (firsts.length <= index) firsts.push(undefined)
    const first = firsts[index]
    if (first === undefined) {
      firsts[index] = named
      continue
    }
    const group = groups.get(index)
    if (group === undefined) groups.set(index, [first, named])
    else group.push(named)
  }
  return [...groups.values()]
}

/**
 * Of tensors that are the same in every respect the first preferred name is kept, or else the first. State dicts are in
 * the order of use: the first name is the embedding's and not the head's, which loaders of a model without a head need.
 */
function aliasesOf<Named extends NamedTensor>(
  group: readonly Named[],
  preferred: ReadonlySet<Named> | undefined,
): readonly Alias[] {
  const kept = new Map<string, Named>()
  const identities = group.map((named) => {
    const identity = identityOf(named.tensor)
    const first = kept.get(identity)
    const isBetter = preferred?.has(named) === true && first !== undefined && !preferred.has(first)
    if (first === undefined || isBetter) kept.set(identity, named)
    return identity
  })
  return group.flatMap((named, index) => {
    const first = kept.get(identities[index] ?? "")
    return first === undefined || first === named ? [] : [{ dropped: named.name, kept: first.name }]
  })
}

function identityOf({ dtype, shape, strides, elementOffset, transform }: Tensor): string {
  // Of one dtype and one storage, transforms differ in nothing else.
  const view = [elementOffset, shape.join(","), strides.join(",")]
  return [dtype.name, ...view, transform?.negate].join(";")
}

/** Names of tensors that overlap in memory, in chains. Tensors without elements share nothing. */
export function sharedNames(tensors: readonly NamedTensor[]): readonly (readonly string[])[] {
  return atOnce(groupByStorage(tensors)).flatMap(overlappingNames)
}

/** Of tensors of one storage. */
function overlappingNames(tensors: readonly NamedTensor[]): readonly (readonly string[])[] {
  const ordered = [...tensors].sort((a, b) => startOf(a) - startOf(b))
  return Array.from(coalesce(ordered, startOf, endOf, OVERLAPPING), ({ items }) =>
    items.map(({ name }) => name),
  ).filter((names) => names.length > 1)
}

function startOf({ tensor }: NamedTensor): number {
  return tensor.elementOffset * tensor.dtype.itemBytes
}

function endOf({ tensor }: NamedTensor): number {
  return (tensor.elementOffset + spanOf(tensor)) * tensor.dtype.itemBytes
}
