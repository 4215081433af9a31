/**
 * Names of archive members. Nothing is ever extracted to a path, but a name that means something else to another
 * tool (a parent folder, a drive, a string that ends early) has no place in a checkpoint, and two names that another
 * tool would write to one file are two readings.
 */

import type { ByteCursor } from "../bytes/byte-cursor.ts"
import type { AnyFaultRow } from "../errors/all-errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { quoteText } from "../text/quote-text.ts"
import { ZIP_DUPLICATE, ZIP_NAME } from "./errors.ts"
import { FLAG_UTF8 } from "./zip-format.ts"

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

/**
 * Folders that are remembered for each member, at most, and besides. What torch writes has fewer folders than members;
 * without a bound a name of 4 KiB could stand for two thousand.
 */
const FOLDERS_PER_MEMBER = 4
const MORE_FOLDERS = 64

/** Names that stand for themselves but for their case: the usual ones, which cost a fourth of the second form. */
const PLAIN = /^[\w+=/-]*$/
const SIMPLE = /^[\w+=/-]*(?:\.[\w+=-][\w+=/-]*)*$/

const NOT_ASCII = /[^\0-\x7f]/

/** What the last character of a part is not taken for. */
const DROPPED_AT_END = /[\s.]/

/** What is looked at in a row of the directory. */
interface NamedEntry {
  readonly name: string
  /** File offset of the row. */
  readonly at: number
  readonly flags: number
}

/**
 * Takes names one by one, numbers them from 0, and refuses one that is another's path to some tool, and a file that is
 * also a folder. torch's own reader ignores case.
 */
export class NameRegister {
  readonly #numbers = new Map<string, number>()
  /** Every folder that a member lies in, by its path. */
  readonly #folders = new Set<string>()
  /** The folder of the last name, with its slash. */
  #folder = ""
  /** Whether names that are not ASCII are marked as UTF-8. */
  #areMarked: boolean | undefined

  /** The number of the name whose path is that of `name`. */
  numberOf(name: string): number | undefined {
    return this.#numbers.get(pathOf(name))
  }

  /** @throws `zip-duplicate`, `zip-name`. */
  add(entry: NamedEntry): void {
    const path = pathOf(entry.name)
    const number = this.#numbers.size
    this.#numbers.set(path, number)
    if (this.#numbers.size === number) {
      throw fault(ZIP_DUPLICATE, entry, "another member has this name, or one that other tools take for it")
    }
    if (this.#folders.has(path))
      throw fault(ZIP_DUPLICATE, entry, "it is a file, and other members lie in it")
    if (NOT_ASCII.test(entry.name)) this.#requireOneReading(entry)
    this.#addFolders(path, entry)
  }

  /** The folders that `path` lies in, from the innermost up to one that is known. */
  #addFolders(path: string, entry: NamedEntry): void {
    let end = path.lastIndexOf("/")
    // Most members lie in the folder of the one before.
    if (end + 1 === this.#folder.length && path.startsWith(this.#folder)) return
    this.#folder = path.slice(0, end + 1)
    for (; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end)
      if (this.#folders.has(folder)) break
      this.#folders.add(folder)
      if (this.#numbers.has(folder)) {
        throw fault(ZIP_DUPLICATE, entry, "a folder that it lies in is a file as well")
      }
    }
    if (this.#folders.size <= FOLDERS_PER_MEMBER * this.#numbers.size + MORE_FOLDERS) return
    const problem = `${this.#folders.size} folders are named for ${this.#numbers.size} members`
    throw fault(ZIP_NAME, entry, problem)
  }

  /**
   * A name that is not marked as UTF-8 is UTF-8 to some readers (Info-ZIP's zip writes it so) and code page 437 to
   * others (Python's zipfile), where it can be what a marked one says.
   */
  #requireOneReading(entry: NamedEntry): void {
    const isMarked = (entry.flags & FLAG_UTF8) !== 0
    this.#areMarked ??= isMarked
    if (this.#areMarked === isMarked) return
    throw fault(ZIP_NAME, entry, "some names that are not ASCII are marked as UTF-8, and others are not")
  }
}

/**
 * The same text for all names that may be one path: to torch and Windows, which ignore case; to macOS, which composes
 * characters before it compares them, and on older disks passes over those that are not seen; to Windows, which leaves
 * dots and blanks at the end of a part away (only top folders have them here, see zip-names.ts); to tools that write
 * an underline for what Windows cannot have in a name, and cut a drive off. It goes further than any one of them, so
 * that it need not follow each: names that differ in no more than this are not met in checkpoints.
 */
function pathOf(name: string): string {
  if (PLAIN.test(name) || SIMPLE.test(name)) return name.toLowerCase()
  const folded = name
    .normalize("NFKC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    // First down, then up: U+1E9E stays one letter in capitals, and its small form, the sharp s, becomes two.
    .toLowerCase()
    .toUpperCase()
    .normalize("NFKC")
    .toLowerCase()
    .replace(/^[a-z]:/, "")
    .replace(/[<>:"|?*]/g, "_")
  const parts = folded.split("/").map(withoutEnd)
  return (parts.length > 1 && parts[0] === "" ? parts.slice(1) : parts).join("/")
}

function withoutEnd(part: string): string {
  let end = part.length
  while (end > 0 && DROPPED_AT_END.test(part.charAt(end - 1))) end--
  return part.slice(0, end)
}

function fault(row: AnyFaultRow, { name, at }: NamedEntry, problem: string): CheckpointError {
  return new CheckpointError(row, { within: name, at, problem })
}
