/**
 * Names of archive members. Nothing is ever extracted to a path, but a name that means something else to another
 * tool (a parent folder, a drive, a string that ends early) has no place in a checkpoint.
 */

import type { ByteCursor } from "../bytes/byte-cursor.ts"
import { CheckpointError } from "../errors.ts"
import { quoteText } from "../quote-text.ts"

/** Longest name in bytes; torch's own stay below 300 (TorchScript source paths). */
const MAX_NAME_BYTES = 4096

const UTF8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const DOT = 0x2e
const SLASH = 0x2f
const COLON = 0x3a
const BACKSLASH = 0x5c

/** What no name may hold, and how to say it. */
const NAME_RULES: readonly (readonly [RegExp, string])[] = [
  [/[\p{Cc}]/u, "it holds a control character"],
  [/\\/, "it holds a backslash"],
  [/^\//, "it is an absolute path"],
  [/^[A-Za-z]:/, "it begins with a drive letter"],
  [/(?:^|\/)\.\.(?:\/|$)/, "it climbs to a parent folder"],
]

/**
 * The member's name that stands at `cursor` and takes `length` bytes, all of which are there. `at` is where its header
 * stands in the file.
 *
 * @throws `zip-name`.
 */
export function readZipName(cursor: ByteCursor, length: number, at: number): string {
  if (length === 0) throw new CheckpointError("zip-name", { at, problem: "a member has an empty name" })
  if (length > MAX_NAME_BYTES) {
    const problem = `a member's name has ${length} bytes, more than ${MAX_NAME_BYTES}`
    throw new CheckpointError("zip-name", { at, problem })
  }
  const name = cursor.readShortText(length) ?? decodeName(cursor.readBytes(length), at)
  if (isPlain(name)) return name
  for (const [pattern, problem] of NAME_RULES) {
    if (pattern.test(name)) throw new CheckpointError("zip-name", { within: name, at, problem })
  }
  return name
}

/** True when no rule can be broken: visible ASCII without backslash, colon, a leading slash, or two dots in a row. */
function isPlain(name: string): boolean {
  if (name.charCodeAt(0) === SLASH) return false
  let previous = 0
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e || unit === BACKSLASH || unit === COLON) return false
    if (unit === DOT && previous === DOT) return false
    previous = unit
  }
  return true
}

function decodeName(bytes: Uint8Array, at: number): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    const problem = `the name ${quoteText(new TextDecoder().decode(bytes))} is not UTF-8`
    throw new CheckpointError("zip-name", { at, problem }, { cause })
  }
}

/**
 * Takes names one by one, numbers them from 0, and refuses one that was there, in whatever case: torch's own reader
 * ignores case.
 */
export class NameRegister {
  readonly #numbers = new Map<string, number>()

  /** The number of the name that is `name` but for its case. */
  numberOf(name: string): number | undefined {
    return this.#numbers.get(name.toLowerCase())
  }

  /** @throws `zip-duplicate`. */
  add(name: string, at: number): void {
    const number = this.#numbers.size
    this.#numbers.set(name.toLowerCase(), number)
    if (this.#numbers.size > number) return
    throw new CheckpointError("zip-duplicate", {
      within: name,
      at,
      problem: "another member has this name (upper and lower case do not differ)",
    })
  }
}
