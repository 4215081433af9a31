/** Turns what the machine refused into what an error can show: every global, its place, and what refers to it. */

import type { RefusedGlobal } from "../errors.ts"
import type { Limits } from "../limits.ts"
import type { PickleDecoder } from "./decode.ts"
import type { PicklePolicy } from "./policy.ts"
import type { PickleValue } from "./values.ts"
import { PickleDict, PickleList, PickleSet, PickleTuple, RefusedObject, RefusedReference } from "./values.ts"

/** A value that is still to be looked at, and how it was reached. Paths are linked so that they cost nothing. */
interface Step {
  readonly value: PickleValue
  readonly key: string | undefined
  readonly parent: Step | undefined
}

/**
 * One row a refused global, in the order in which the pickle names them.
 *
 * `roots` are the values to look for references in. Shared containers are looked at once, so the search is linear in
 * the size of the pickle.
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
 * Globals in the part of a pickle that the machine could not interpret. Operands of STACK_GLOBAL that come from the
 * memo are not followed: the pickle is refused in any case, this only makes the message more complete.
 */
export function findRemainingGlobals(
  decoder: PickleDecoder,
  policy: PicklePolicy,
): readonly RefusedReference[] {
  const found: RefusedReference[] = []
  const consider = (module: string, name: string): void => {
    if (policy.resolveGlobal(module, name) !== undefined) return
    found.push(new RefusedReference(module, name, decoder.at))
  }
  let texts: [string, string] = ["", ""]
  try {
    // Where an opcode could not be read, nothing behind it can be trusted to begin at an opcode.
    for (let opcode = decoder.opcode; opcode !== undefined && opcode.name !== "STOP"; ) {
      opcode = decoder.next()
      if (opcode.name === "GLOBAL" || opcode.name === "INST") consider(String(decoder.operand), decoder.name)
      else if (opcode.name === "STACK_GLOBAL") consider(...texts)
      else if (typeof decoder.operand === "string") texts = [texts[1], decoder.operand]
    }
  } catch {
    // The rest cannot be decoded: what was found so far is what can be said.
  }
  return found
}

function findPaths(roots: readonly PickleValue[], limits: Limits): ReadonlyMap<RefusedReference, string> {
  const paths = new Map<RefusedReference, string>()
  const seen = new Set<PickleValue>()
  const pending: Step[] = roots.map((value) => ({ value, key: undefined, parent: undefined }))
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    const { value } = step
    if (typeof value !== "object" || value === null || seen.has(value)) continue
    seen.add(value)
    if (seen.size > limits.maxNodes) break
    const reference =
      value instanceof RefusedObject ? value.reference : value instanceof RefusedReference ? value : undefined
    if (reference !== undefined && !paths.has(reference)) {
      const path = pathOf(step)
      if (path !== "") paths.set(reference, path)
    }
    const children = childrenOf(value, step)
    for (let i = children.length - 1; i >= 0; i--) pending.push(children[i] as Step)
  }
  return paths
}

function childrenOf(value: PickleValue, parent: Step): readonly Step[] {
  if (value instanceof PickleDict) {
    return [...value.entries()].flatMap(({ key, value: child }) => [
      { value: key, key: undefined, parent },
      { value: child, key: keyText(key), parent },
    ])
  }
  if (value instanceof PickleList || value instanceof PickleTuple || value instanceof PickleSet) {
    return value.items.map((item, index) => ({ value: item, key: String(index), parent }))
  }
  if (value instanceof RefusedObject) {
    return [
      { value: value.reference, key: undefined, parent },
      ...value.parts.map((part) => ({ value: part, key: undefined, parent })),
    ]
  }
  return []
}

function keyText(key: PickleValue): string {
  return typeof key === "string" || typeof key === "number" ? String(key) : "?"
}

/** Deepest keys last; only as many as a message can show. */
function pathOf(step: Step): string {
  const keys: string[] = []
  for (let at: Step | undefined = step; at !== undefined; at = at.parent) {
    if (at.key !== undefined) keys.push(at.key)
  }
  return keys.reverse().slice(0, 16).join(".")
}
