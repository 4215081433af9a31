/** Turns what the machine refused into what an error can show: every global, its place, and what refers to it. */

import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { GLOBAL_NAME_BYTES } from "./decode.ts"
import type { RefusedGlobal } from "./errors.ts"
import { listGlobalsSteps } from "./list-globals.ts"
import { type MachineState, MOST_REFUSED } from "./machine-state.ts"
import { type GlobalMention, globalOf } from "./symbolic-stack.ts"
import type { PickleObject, PickleValue } from "./values.ts"
import { PickleDict, PickleList, PickleSet, PickleTuple, RefusedObject, RefusedReference } from "./values.ts"

/** Keys of a path, and characters of a key, that are kept: what a message can show. */
const PATH_KEYS = 16
const KEY_UNITS = 80

/** A part of a value: under a key, by index, or neither. */
interface Part {
  readonly key: string | undefined
  readonly value: PickleValue
}

/** A value on the way to where the search stands, and its parts that are still to be looked at. */
interface Frame {
  readonly key: string | undefined
  readonly parts: Iterator<Part>
  /** The refused global that would have made it. */
  readonly reference: RefusedReference | undefined
  /** The tensor that all below it is a part of. */
  readonly partOf: string | undefined
  /** Tensors met below it. */
  tensorCount: number
}

/** Where a refused global is found in the value, and what tensors it concerns. */
interface Place {
  readonly path: string | undefined
  readonly partOf: string | undefined
  tensorCount: number
}

/** What the machine made of a pickle until it stopped. */
export interface StoppedMachine {
  readonly state: MachineState
  readonly bytes: Uint8Array
  readonly start: number
  /** The values to look for references in. */
  readonly roots: readonly PickleValue[]
}

/** What the search for paths takes for a container that it has looked at: an entry of a set that doubles. */
const SEEN_BYTES = 64

/**
 * One row a mention of a refused global, in the order of the pickle: those that the machine met, and those behind the
 * place where it gave up.
 *
 * Shared containers are looked at once and nothing is looked at below `maxNesting`, so the search for what refers to
 * them is linear in the size of the pickle. All of it is charged to what the machine may still take: where that is at an
 * end, those that it met are all, and no more paths are found.
 */
export function* refusedGlobalsSteps({
  state,
  bytes,
  start,
  roots,
}: StoppedMachine): Steps<readonly RefusedGlobal[]> {
  const { decoder, limits, policy } = state
  const { within } = decoder
  const met = new Map(state.refused.map((reference) => [reference.at, reference]))
  const mentions: GlobalMention[] = []
  const isRefused = ({ at, module, name, isNamed }: GlobalMention): boolean => {
    if (at < decoder.at) return met.has(at)
    // Where the machine could not read on, that is what is wrong. A scan lists what unpicklers read there all the same.
    if (decoder.opcode === undefined) return false
    const length = Math.max(module.length, name.length)
    return met.has(at) || (isNamed && length <= GLOBAL_NAME_BYTES && !policy.resolveGlobal(module, name))
  }
  const { fault } = yield* listGlobalsSteps(bytes, {
    within,
    limits,
    start,
    budget: { opcodes: 0, memory: state.memory },
    onMention: (mention) => {
      if (isRefused(mention)) mentions.push(mention)
      return mentions.length < MOST_REFUSED ? mention : undefined
    },
  })
  if (fault !== undefined) return refusedSoFar(state, mentions)
  const places = yield* findPlacesSteps(roots, state)
  return mentions.map((mention) => {
    const reference = met.get(mention.at)
    return refusedGlobal(mention, within, reference === undefined ? undefined : places.get(reference))
  })
}

/** Without another look at the pickle: what the listing came to, and what the machine met behind that. */
function refusedSoFar(
  { refused, decoder }: MachineState,
  mentions: readonly GlobalMention[],
): readonly RefusedGlobal[] {
  const end = mentions.at(-1)?.at ?? -1
  const met = refused.filter(({ at }) => at > end).map((reference) => ({ ...reference, isNamed: true }))
  return [...mentions, ...met].slice(0, MOST_REFUSED).map((mention) => refusedGlobal(mention, decoder.within))
}

/** The row of a mention. What is known of the global is found out later: see `GlobalKnowledge`. */
export function refusedGlobal(
  mention: Pick<GlobalMention, "module" | "name" | "isNamed" | "at" | "use">,
  pickle: string,
  place?: Place,
): RefusedGlobal {
  const { module, name, at, use } = mention
  const { path: referredToBy, partOf, tensorCount = 0 } = place ?? {}
  const known = { verdict: "unknown", danger: undefined, about: undefined } as const
  return {
    global: globalOf(mention),
    module,
    name,
    pickle,
    at,
    use,
    referredToBy,
    tensorCount,
    partOf,
    ...known,
  }
}

function* findPlacesSteps(
  roots: readonly PickleValue[],
  { limits, policy, memory }: MachineState,
): Steps<ReadonlyMap<RefusedReference, Place>> {
  const places = new Map<RefusedReference, Place>()
  const seen = new Set<PickleValue>()
  const rest = { key: undefined, reference: undefined, partOf: undefined }
  const frames: Frame[] = [{ ...rest, parts: unkeyed(roots), tensorCount: 0 }]
  let nodes = 0
  for (let frame = frames.at(-1); frame !== undefined && nodes < limits.maxNodes; frame = frames.at(-1)) {
    const part = frame.parts.next()
    if (part.done === true) {
      leave(frames, places)
      continue
    }
    nodes += 1
    if (nodes % STEP_ITEMS === 0) yield
    const { key, value } = part.value
    if (typeof value !== "object" || value === null || seen.has(value)) continue
    seen.add(value)
    memory.taken += SEEN_BYTES
    if (memory.taken > memory.allowed) break
    const reference =
      value instanceof RefusedObject ? value.reference : value instanceof RefusedReference ? value : undefined
    if (reference !== undefined && !places.has(reference)) {
      places.set(reference, { path: pathOf(frames, key) || undefined, partOf: frame.partOf, tensorCount: 0 })
    }
    const tensor = "kind" in value ? policy.describeTensor?.(value as PickleObject) : undefined
    if (tensor !== undefined) frame.tensorCount += 1
    if (frames.length > limits.maxNesting) continue
    const parts = tensor === undefined ? partsOf(value) : unkeyed(tensor.parts)
    const partOf = tensor?.what ?? frame.partOf
    const made = value instanceof RefusedObject ? value.reference : undefined
    frames.push({ key, parts, reference: made, partOf, tensorCount: 0 })
  }
  while (frames.length > 0) leave(frames, places)
  return places
}

/** What was met below a value was met below all that it is in. */
function leave(frames: Frame[], places: ReadonlyMap<RefusedReference, Place>): void {
  const frame = frames.pop()
  const place = frame?.reference === undefined ? undefined : places.get(frame.reference)
  const count = frame?.tensorCount ?? 0
  if (place !== undefined) place.tensorCount += count
  const above = frames.at(-1)
  if (above !== undefined) above.tensorCount += count
}

/** One at a time: a list of all parts would take more memory than the value. */
function* partsOf(value: PickleValue): Generator<Part, void> {
  if (value instanceof PickleDict) {
    for (const { key, value: part } of value.entries()) {
      yield { key: undefined, value: key }
      yield { key: keyText(key), value: part }
    }
  } else if (value instanceof PickleList || value instanceof PickleTuple || value instanceof PickleSet) {
    for (const [index, item] of value.items.entries()) yield { key: String(index), value: item }
  } else if (value instanceof RefusedObject) {
    yield { key: undefined, value: value.reference }
    yield* unkeyed(value.parts)
  }
}

function* unkeyed(values: readonly PickleValue[]): Generator<Part, void> {
  for (const value of values) yield { key: undefined, value }
}

function keyText(key: PickleValue): string {
  if (typeof key === "string") return key.slice(0, KEY_UNITS)
  return typeof key === "number" ? String(key) : "?"
}

function pathOf(frames: readonly Frame[], last: string | undefined): string {
  const keys = [...frames.map(({ key }) => key), last].filter((key) => key !== undefined)
  return keys.slice(0, PATH_KEYS).join(".")
}
