/** JSON for programs, from reports and from the values of a checkpoint. */

import { CheckpointError, DEFAULT_LIMITS } from "../node/index.ts"

/** Valid only inside a JSON string, which is where `JSON.stringify` leaves them as they are. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * `value` as JSON in one line. Integers beyond 2^53 and numbers that are not finite become text; a Map becomes an
 * object when all its keys are text and a list of pairs otherwise; a Set a list; bytes `{ kind, base64 }`.
 *
 * @throws `limit-exceeded` (`maxNodes`): parts of a checkpoint that are shared are written as often as they occur.
 */
export function jsonText(value: unknown): string {
  const { maxNodes } = DEFAULT_LIMITS
  let nodes = 0
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (++nodes > maxNodes) {
      throw new CheckpointError("limit-exceeded", { limit: "maxNodes", allowed: maxNodes, wanted: nodes })
    }
    return plain(part)
  })
  return text.replace(UNSAFE, escapeUnits)
}

function plain(part: unknown): unknown {
  if (typeof part === "bigint") return String(part)
  if (typeof part === "number") return Number.isFinite(part) ? part : String(part)
  if (part instanceof Map) {
    const pairs: readonly (readonly [unknown, unknown])[] = [...part]
    // From entries, so that `__proto__` becomes a key like any other.
    return pairs.every(isTextPair) ? Object.fromEntries(pairs) : pairs
  }
  if (part instanceof Set) return [...part]
  if (part instanceof Uint8Array) return { kind: "bytes", base64: Buffer.from(part).toString("base64") }
  return part
}

function isTextPair(pair: readonly [unknown, unknown]): pair is readonly [string, unknown] {
  return typeof pair[0] === "string"
}

function escapeUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")
}
