/**
 * What a checkpoint holds that its conversion leaves behind. torch saves the whole storage of a slice, and an archive
 * takes any member: such bytes are seen by nobody who looks at the tensors, and may be private data or a payload.
 */

import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import {
  type ByteLattice,
  type Coverage,
  type CoverageBudget,
  coverageOf,
  latticeOf,
} from "../strided/coverage.ts"
import { isContiguous } from "../strided/view.ts"
import {
  type FoundTensor,
  isTensor,
  type NamedTensor,
  type Storage,
  type Tensor,
  tensorByteLength,
} from "../tensors/tensor.ts"
import type { CheckpointContents } from "../torch/checkpoint-contents.ts"
import type { StorageReference } from "../torch/torch-tensors.ts"
import type { Container } from "./child-cursor.ts"
import type { Holding } from "./holding.ts"
import { visitStorageUsers } from "./walk-tensors.ts"

/**
 * Bytes of the checkpoint that are part of no tensor of the output. Each byte of a storage or an extra member counts in
 * one of the four parts, inflated; what the archive and the pickle take themselves counts in none.
 */
export interface UnreferencedBytes {
  /** The four parts together. */
  readonly byteLength: number
  /** False where working it out would have cost too much: then `byteLength` is the most that it can be. */
  readonly exact: boolean
  /** Seen by tensors of the checkpoint, none of which is written: outside the root, filtered or unsupported. */
  readonly leftOut: number
  /** In storages that tensors use, seen by none of them. */
  readonly behindViews: number
  /** In storages that no tensor uses, whether the pickle names them or not. */
  readonly unusedStorages: number
  /** In members of the archive that are neither the pickle, nor a storage, nor a small record as torch writes it. */
  readonly extraMembers: number
  /** Storages with bytes behind views, the most hidden bytes first. At most 20. */
  readonly hiding: readonly HidingStorage[]
  /** How many such storages there are. */
  readonly hidingCount: number
  readonly unusedStorageCount: number
  /** The extra members, largest first. At most 20. */
  readonly members: readonly ExtraMember[]
  /** How many extra members there are. */
  readonly memberCount: number
}

/** A storage that holds more than its tensors show. */
export interface HidingStorage {
  /** As the pickle names it. */
  readonly key: string
  readonly byteLength: number
  readonly hiddenBytes: number
  /** Names under the root, as in the checkpoint, of tensors in front of them. At most 3. */
  readonly tensors: readonly string[]
  /** How many tensors of the whole checkpoint lie in it. */
  readonly tensorCount: number
}

/** A member of the archive that torch does not write. */
export interface ExtraMember {
  readonly name: string
  /** As the archive declares them: inflated, or as stored where that is more. Nobody has read them. */
  readonly byteLength: number
}

/** What is known of the tensors when a plan is made. */
export interface PlannedTensors {
  /** What each container holds. */
  readonly census: ReadonlyMap<Container, Holding>
  /** Those under the root. */
  readonly found: readonly FoundTensor[]
  readonly written: readonly NamedTensor[]
  /** By index of the storage: 1 where a written tensor is a copy of all of it. */
  readonly copiedWhole: Uint8Array
}

/** Storages and members that are listed one by one. */
const LISTED = 20

/** Names that are listed of one storage. */
const LISTED_NAMES = 3

/** Some 30 ms of work, beyond what grows with the number of tensors. */
const BASE_BUDGET = 2 ** 18

/** Tensors have two dimensions, or four. */
const DIMENSIONS_PER_TENSOR = 8

const NOTHING: UnreferencedBytes = /* @__PURE__ */ Object.freeze({
  byteLength: 0,
  exact: true,
  leftOut: 0,
  behindViews: 0,
  unusedStorages: 0,
  extraMembers: 0,
  hiding: [],
  hidingCount: 0,
  unusedStorageCount: 0,
  members: [],
  memberCount: 0,
})

/** What becomes of a storage as a whole, where one tensor alone decides it. */
const UNDECIDED = 0
const ALL_SEEN = 1
const ALL_WRITTEN = 2

/** The tensors and parts of unsupported tensors that use a storage. */
interface Uses {
  readonly written: Tensor[]
  readonly others: (Tensor | StorageReference)[]
}

interface Hiding {
  readonly storage: Storage
  readonly hiddenBytes: number
  readonly userCount: number
}

/** Finds the bytes of `contents` that belong to no written tensor. Reads nothing. */
export function* findUnreferencedSteps(
  contents: CheckpointContents,
  tensors: PlannedTensors,
): Steps<UnreferencedBytes> {
  const { storages, unclaimed } = contents
  // The usual checkpoint ends here: each of its storages is one tensor.
  const isUsual = unclaimed.storages.length + unclaimed.members.length === 0
  if (isUsual && !tensors.copiedWhole.includes(0)) return NOTHING

  const decided = tensors.copiedWhole.map((whole) => (whole === 0 ? UNDECIDED : ALL_WRITTEN))
  const uses = yield* usesOfUndecided(contents, tensors, decided)
  const budget: CoverageBudget = {
    dimensions: BASE_BUDGET + DIMENSIONS_PER_TENSOR * userCountOf(uses),
    runs: BASE_BUDGET,
  }
  const hiding: Hiding[] = []
  let leftOut = 0
  let behindViews = 0
  let exact = true
  const unused = unclaimed.storages.map(({ byteLength }) => byteLength)
  for (const storage of storages) {
    const { index, byteLength } = storage
    if (index % STEP_ITEMS === 0) yield
    if (decided[index] === ALL_WRITTEN || byteLength === 0) continue
    const { written, others } = uses.get(storage) ?? { written: [], others: [] }
    if (decided[index] === UNDECIDED && written.length + others.length === 0) {
      unused.push(byteLength)
      continue
    }
    const writes = yield* coverageOfUsers(written, budget)
    const seen =
      decided[index] === ALL_SEEN
        ? { byteLength, exact: true }
        : others.length === 0
          ? writes
          : yield* coverageOfUsers([...written, ...others], budget)
    const seenBytes = Math.max(seen.byteLength, writes.byteLength)
    leftOut += seenBytes - writes.byteLength
    behindViews += byteLength - seenBytes
    exact &&= seen.exact && writes.exact
    const userCount = written.length + others.length
    if (seenBytes < byteLength) hiding.push({ storage, hiddenBytes: byteLength - seenBytes, userCount })
  }
  const unusedStorages = sumOf(unused)
  const extraMembers = sumOf(unclaimed.members.map(({ byteLength }) => byteLength))
  const byteLength = leftOut + behindViews + unusedStorages + extraMembers
  return {
    byteLength,
    // An archive may declare more than a number holds.
    exact: exact && Number.isSafeInteger(byteLength),
    leftOut,
    behindViews,
    unusedStorages,
    extraMembers,
    hiding: yield* largestHiding(hiding, tensors.found),
    hidingCount: hiding.length,
    unusedStorageCount: unused.length,
    members: [...unclaimed.members].sort((a, b) => b.byteLength - a.byteLength).slice(0, LISTED),
    memberCount: unclaimed.members.length,
  }
}

function coversItsStorage(tensor: Tensor): boolean {
  return tensorByteLength(tensor) === tensor.storage.byteLength && isContiguous(tensor)
}

/** Who uses the storages that are not written whole. Notes in `decided` those that one tensor sees whole. */
function* usesOfUndecided(
  { value }: CheckpointContents,
  { census, written }: PlannedTensors,
  decided: Uint8Array,
): Steps<ReadonlyMap<Storage, Uses>> {
  const uses = new Map<Storage, Uses>()
  const usesOf = (storage: Storage): Uses => {
    const known = uses.get(storage) ?? { written: [], others: [] }
    uses.set(storage, known)
    return known
  }
  const known = new Set<Tensor | StorageReference>()
  let position = -1
  for (const { tensor } of written) {
    position++
    if (position % STEP_ITEMS === 0) yield
    const { index } = tensor.storage
    if (decided[index] === ALL_WRITTEN || known.has(tensor)) continue
    if (coversItsStorage(tensor)) {
      decided[index] = ALL_WRITTEN
      continue
    }
    known.add(tensor)
    usesOf(tensor.storage).written.push(tensor)
  }
  yield* visitStorageUsers(value, census, (user) => {
    const { index } = user.storage
    if (decided[index] !== UNDECIDED || known.has(user)) return
    if (isTensor(user) && coversItsStorage(user)) {
      decided[index] = ALL_SEEN
      return
    }
    known.add(user)
    usesOf(user.storage).others.push(user)
  })
  return uses
}

function* coverageOfUsers(
  users: readonly (Tensor | StorageReference)[],
  budget: CoverageBudget,
): Steps<Coverage> {
  const lattices: ByteLattice[] = []
  let exact = true
  let index = -1
  for (const user of users) {
    index++
    if (index % STEP_ITEMS === STEP_ITEMS - 1) yield
    budget.dimensions -= 1 + (isTensor(user) ? user.shape.length : 0)
    if (budget.dimensions < 0) {
      exact = false
      break
    }
    const lattice = isTensor(user) ? latticeOf(user, user.dtype.itemBytes) : latticeOfPart(user)
    if (lattice !== undefined) lattices.push(lattice)
  }
  const coverage = yield* coverageOf(lattices, budget)
  return { byteLength: coverage.byteLength, exact: exact && coverage.exact }
}

/** An unsupported tensor is taken to see all of the storage that it is made from. */
function latticeOfPart({ dtype, elementOffset, elementCount }: StorageReference): ByteLattice | undefined {
  return latticeOf({ shape: [elementCount], strides: [1], elementOffset }, dtype?.itemBytes ?? 1)
}

function* largestHiding(
  hiding: readonly Hiding[],
  found: readonly FoundTensor[],
): Steps<readonly HidingStorage[]> {
  if (hiding.length === 0) return []
  const largest = [...hiding].sort((a, b) => b.hiddenBytes - a.hiddenBytes).slice(0, LISTED)
  const named = new Map(largest.map(({ storage }) => [storage, { names: [] as string[], count: 0 }]))
  const records = new Map(largest.map(({ storage }) => [storage, new Set<Tensor>()]))
  let index = -1
  for (const { name, tensor } of found) {
    index++
    if (index % STEP_ITEMS === 0) yield
    const entry = isTensor(tensor) ? named.get(tensor.storage) : undefined
    if (!isTensor(tensor) || entry === undefined) continue
    if (entry.count++ < LISTED_NAMES) entry.names.push(name)
    records.get(tensor.storage)?.add(tensor)
  }
  return largest.map(({ storage, hiddenBytes, userCount }) => {
    const { names, count } = named.get(storage) ?? { names: [], count: 0 }
    // One tensor may have several names, and those outside the root have none here.
    const tensorCount = count + userCount - (records.get(storage)?.size ?? 0)
    return { key: storage.key, byteLength: storage.byteLength, hiddenBytes, tensors: names, tensorCount }
  })
}

function userCountOf(uses: ReadonlyMap<Storage, Uses>): number {
  let count = 0
  for (const { written, others } of uses.values()) count += written.length + others.length
  return count
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
