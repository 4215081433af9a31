/**
 * Names of archive members. Nothing is ever extracted to a path, but a name that means something else to another
 * tool (a parent folder, a drive, a string that ends early) has no place in a checkpoint.
 */

import { CheckpointError } from "../errors.ts"
import { quoteText } from "../quote-text.ts"

/** Longest name in bytes; torch's own stay below 300 (TorchScript source paths). */
const MAX_NAME_BYTES = 4096

const UTF8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** What no name may hold, and how to say it. */
const NAME_RULES: readonly (readonly [RegExp, string])[] = [
  [/[\p{Cc}]/u, "it holds a control character"],
  [/\\/, "it holds a backslash"],
  [/^\//, "it is an absolute path"],
  [/^[A-Za-z]:/, "it begins with a drive letter"],
  [/(?:^|\/)\.\.(?:\/|$)/, "it climbs to a parent folder"],
]

/**
 * The text of a member's name. `at` is where its header stands in the file.
 *
 * @throws `zip-name`.
 */
export function readZipName(bytes: Uint8Array, at: number): string {
  if (bytes.length === 0) throw new CheckpointError("zip-name", { at, problem: "a member has an empty name" })
  if (bytes.length > MAX_NAME_BYTES) {
    const problem = `a member's name has ${bytes.length} bytes, more than ${MAX_NAME_BYTES}`
    throw new CheckpointError("zip-name", { at, problem })
  }
  const name = decodeName(bytes, at)
  if (isPlain(bytes)) return name
  for (const [pattern, problem] of NAME_RULES) {
    if (pattern.test(name)) throw new CheckpointError("zip-name", { within: name, at, problem })
  }
  return name
}

/** True when no rule can be broken: visible ASCII without backslash, colon, a leading slash, or two dots in a row. */
function isPlain(bytes: Uint8Array): boolean {
  let previous = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte < 0x20 || byte > 0x7e || byte === 0x5c || byte === 0x3a) return false
    if (byte === 0x2e && previous === 0x2e) return false
    previous = byte
  }
  return bytes[0] !== 0x2f
}

function decodeName(bytes: Uint8Array, at: number): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    const problem = `the name ${quoteText(new TextDecoder().decode(bytes))} is not UTF-8`
    throw new CheckpointError("zip-name", { at, problem }, { cause })
  }
}

/** Takes names one by one and refuses one that was there, in whatever case: torch's own reader ignores case. */
export class NameRegister {
  readonly #names = new Set<string>()

  /** @throws `zip-duplicate`. */
  add(name: string, at: number): void {
    const before = this.#names.size
    this.#names.add(name.toLowerCase())
    if (this.#names.size > before) return
    throw new CheckpointError("zip-duplicate", {
      within: name,
      at,
      problem: "another member has this name (upper and lower case do not differ)",
    })
  }
}
