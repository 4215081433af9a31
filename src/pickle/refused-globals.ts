/** Turns what the machine refused into what an error can show: every global, its place, and what refers to it. */

import type { RefusedGlobal } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { GLOBAL_NAME_BYTES } from "./decode.ts"
import type { MachineState } from "./machine-state.ts"
import { MOST_REFUSED } from "./machine-state.ts"
import type { PickleValue } from "./values.ts"
import { PickleDict, PickleList, PickleSet, PickleTuple, RefusedObject, RefusedReference } from "./values.ts"

/** Keys of a path, and characters of a key, that are kept: what a message can show. */
const PATH_KEYS = 16
const KEY_UNITS = 80

/** Opcodes that may stand between the operands of STACK_GLOBAL and it, since they push nothing. */
const PUSHES_NOTHING: ReadonlySet<string> = new Set(["BINPUT", "LONG_BINPUT", "MEMOIZE", "FRAME"])

/** A part of a value: under a key, by index, or neither. */
interface Part {
  readonly key: string | undefined
  readonly value: PickleValue
}

/** A value on the way to where the search stands, and its parts that are still to be looked at. */
interface Frame {
  readonly key: string | undefined
  readonly parts: Iterator<Part>
}

/**
 * One row a refused global, in the order in which the pickle names them.
 *
 * `roots` are the values to look for references in. Shared containers are looked at once and nothing is looked at
 * below `maxNesting`, so the search is linear in the size of the pickle.
 */
export function refusedGlobals(
  refused: readonly RefusedReference[],
  roots: readonly PickleValue[],
  pickle: string,
  limits: Limits,
): readonly RefusedGlobal[] {
  const paths = findPaths(roots, limits)
  return refused.map((reference) => ({
    global: `${reference.module}.${reference.name}`,
    pickle,
    at: reference.at,
    use: reference.use,
    referredToBy: paths.get(reference),
  }))
}

/**
 * Globals in the part of a pickle that the machine could not interpret. STACK_GLOBAL counts where two texts stand right
 * before it, not where they come from the memo: the pickle is refused in any case, this only makes the message more
 * complete.
 */
export function findRemainingGlobals({
  decoder,
  policy,
  refused,
}: MachineState): readonly RefusedReference[] {
  const found: RefusedReference[] = []
  const consider = (module: string, name: string): void => {
    if (Math.max(module.length, name.length) > GLOBAL_NAME_BYTES) return
    if (policy.resolveGlobal(module, name) !== undefined) return
    found.push(new RefusedReference(module, name, decoder.at))
  }
  /** What the last two opcodes pushed, where it was text. */
  let texts: [string | undefined, string | undefined] = [undefined, undefined]
  try {
    // Where an opcode could not be read, nothing behind it can be trusted to begin at an opcode.
    let opcode = decoder.opcode
    while (opcode !== undefined && opcode.name !== "STOP" && refused.length + found.length < MOST_REFUSED) {
      opcode = decoder.next()
      if (PUSHES_NOTHING.has(opcode.name)) continue
      const { operand } = decoder
      const [module, name] = texts
      if (opcode.name === "GLOBAL" || opcode.name === "INST") consider(String(operand), decoder.name)
      else if (opcode.name === "STACK_GLOBAL" && module !== undefined && name !== undefined)
        consider(module, name)
      texts = [name, typeof operand === "string" ? operand : undefined]
    }
  } catch {
    // The rest cannot be decoded: what was found so far is what can be said.
  }
  return found
}

function findPaths(roots: readonly PickleValue[], limits: Limits): ReadonlyMap<RefusedReference, string> {
  const paths = new Map<RefusedReference, string>()
  const seen = new Set<PickleValue>()
  const frames: Frame[] = [{ key: undefined, parts: unkeyed(roots) }]
  let nodes = 0
  for (let frame = frames.at(-1); frame !== undefined && nodes < limits.maxNodes; frame = frames.at(-1)) {
    const part = frame.parts.next()
    if (part.done === true) {
      frames.pop()
      continue
    }
    nodes += 1
    const { key, value } = part.value
    if (typeof value !== "object" || value === null || seen.has(value)) continue
    seen.add(value)
    const reference =
      value instanceof RefusedObject ? value.reference : value instanceof RefusedReference ? value : undefined
    if (reference !== undefined && !paths.has(reference)) {
      const path = pathOf(frames, key)
      if (path !== "") paths.set(reference, path)
    }
    if (frames.length <= limits.maxNesting) frames.push({ key, parts: partsOf(value) })
  }
  return paths
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
