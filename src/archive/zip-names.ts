/**
 * Names of archive members. Nothing is ever extracted to a path, but a name that means something else to another
 * tool (a parent folder, a drive, a string that ends early) has no place in a checkpoint, and two names that another
 * tool would write to one file are two readings.
 */

import type { ByteCursor } from "../bytes/byte-cursor.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { quoteText } from "../text/quote-text.ts"
import { ZIP_NAME } from "./errors.ts"

/** Longest name in bytes; torch's own stay below 300 (TorchScript source paths). */
const MAX_NAME_BYTES = 4096

const UTF8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const BLANK = 0x20
const DOT = 0x2e
const SLASH = 0x2f
const COLON = 0x3a
const BACKSLASH = 0x5c
const TILDE = 0x7e

type NameRule = readonly [pattern: RegExp, problem: string]

/** What no name may hold, and how to say it. */
const NAME_RULES: readonly NameRule[] = [
  [/[\p{Cc}]/u, "it holds a control character"],
  [/\\/, "it holds a backslash"],
  [/^\//, "it is an absolute path"],
  [/^[A-Za-z]:(?:\/|$)/, "it begins with a drive letter"],
  [/(?:^|\/)\.\.(?:\/|$)/, "it climbs to a parent folder"],
  [/\/\//, "nothing stands between two of its slashes"],
  [/(?:^|\/)[. ]+(?:\/|$)/, "a part of it is nothing but dots and blanks"],
]

/**
 * What no name may hold below its top folder. torch names that folder after the file, so `my model .pt`, `v1..pt` and
 * `loss:0.5.pt` give folders that Windows would call something else; but all members of a checkpoint lie in the one
 * folder, so its name makes no two of them one. Names of devices (`aux`, `con`) are let through: TorchScript writes
 * `code/__torch__/aux.py`, and Windows makes no file of such a name, so it takes the place of none.
 */
const LOWER_RULES: readonly NameRule[] = [
  [/[. ](?:\/|$)/, "a part of it ends in a dot or a blank, which Windows leaves away"],
  [/:/, "it holds a colon, which on Windows names a stream of another file"],
  [
    /(?:^|\/)[^/.~]{1,6}~\d+(?:\.[^/.]{0,3})?(?:\/|$)/,
    "a part of it has the form of a short name of Windows",
  ],
]

/**
 * The member's name that stands at `cursor` and takes `length` bytes, all of which are there. `at` is where its header
 * stands in the file.
 *
 * @throws `zip-name`.
 */
export function readZipName(cursor: ByteCursor, length: number, at: number): string {
  if (length === 0) throw new CheckpointError(ZIP_NAME, { at, problem: "a member has an empty name" })
  if (length > MAX_NAME_BYTES) {
    const problem = `a member's name has ${length} bytes, more than ${MAX_NAME_BYTES}`
    throw new CheckpointError(ZIP_NAME, { at, problem })
  }
  const name = cursor.readShortText(length) ?? decodeName(cursor.readBytes(length), at)
  if (isPlain(name)) return name
  const refuse = (problem: string): never => {
    throw new CheckpointError(ZIP_NAME, { within: name, at, problem })
  }
  for (const [pattern, problem] of NAME_RULES) if (pattern.test(name)) refuse(problem)
  const lower = name.slice(name.indexOf("/") + 1)
  for (const [pattern, problem] of LOWER_RULES) if (pattern.test(lower)) refuse(problem)
  return name
}

/**
 * True when no rule can be broken: visible ASCII without backslash, colon and tilde, no leading slash, no slash or dot
 * behind a slash or dot, and neither dot nor blank at the end of a part.
 */
function isPlain(name: string): boolean {
  let previous = SLASH
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    if (unit < BLANK || unit > TILDE || unit === BACKSLASH || unit === COLON || unit === TILDE) return false
    if (unit === SLASH && (previous === SLASH || previous === DOT || previous === BLANK)) return false
    if (unit === DOT && previous === DOT) return false
    previous = unit
  }
  return previous !== DOT && previous !== BLANK
}

function decodeName(bytes: Uint8Array, at: number): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    const problem = `the name ${quoteText(new TextDecoder().decode(bytes))} is not UTF-8`
    throw new CheckpointError(ZIP_NAME, { at, problem }, { cause })
  }
}
