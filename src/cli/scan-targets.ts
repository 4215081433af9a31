/** The files that a scan is asked for: those that are named, URLs, standard input, and what lies below folders. */

import type { Dirent } from "node:fs"
import { closeSync, fstatSync, openSync, readdirSync, realpathSync, statSync } from "node:fs"
import { join, sep } from "node:path"
import { FileSource } from "../node/file-source.ts"
import type { AnyCheckpointError, CheckpointInput } from "../node/index.ts"
import { isCheckpointError } from "../node/index.ts"
import { inheritedFile } from "../node/open-file.ts"
import { readFailed } from "../node/system-errors.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import type { Terminal } from "./terminal.ts"
import { readUrl, shownInput } from "./url-input.ts"
import { isUrl } from "./url-name.ts"
import { UsageError } from "./usage-error.ts"

/** What a report calls standard input. */
export const STANDARD_INPUT = "standard input"

/** Something in a folder that is not looked into. */
export class LeftOut {
  readonly reason: "symbolic-link" | "link-to-folder" | "broken-link" | "special-file"

  constructor(reason: LeftOut["reason"]) {
    this.reason = reason
  }
}

/** Something to scan, or why it cannot be. */
export interface ScanTarget {
  /** The path as it was named, or the folder's and the way from there; a URL without its query; or `standard input`. */
  readonly file: string
  readonly isStandardInput: boolean
  /** Whether it was found in a folder, where other files are expected beside checkpoints. */
  readonly isFound: boolean
  readonly input: CheckpointInput | AnyCheckpointError | LeftOut
}

/**
 * One target after the other; folders are read as their turn comes, in the order of code units.
 *
 * @throws UsageError when standard input is a keyboard or is named twice, and for URLs that are none, before anything is
 *   scanned.
 */
export function scanTargets(files: readonly string[], terminal: Terminal): Iterable<ScanTarget> {
  for (const file of files) if (isUrl(file)) readUrl(file)
  const streams = files.filter((file) => file === STANDARD_STREAM).length
  if (streams > 1) throw new UsageError("standard input is scanned once, and - was named more often")
  const standardInput = streams === 0 ? undefined : openInput(STANDARD_STREAM, terminal)
  return terminal.handed === undefined ? walk(files, standardInput) : handedTargets(files, terminal)
}

/** In an isolated process: what it was handed, folders among them none. */
function* handedTargets(
  files: readonly string[],
  terminal: Terminal,
): Generator<ScanTarget, void, undefined> {
  for (const file of files) {
    const isStandardInput = file === STANDARD_STREAM
    const target = { file: isStandardInput ? STANDARD_INPUT : file, isStandardInput, isFound: false }
    yield { ...target, input: openHanded(file, terminal) }
  }
}

function openHanded(file: string, terminal: Terminal): ScanTarget["input"] {
  try {
    return openInput(file, terminal)
  } catch (error) {
    if (isCheckpointError(error)) return error
    throw error
  }
}

function* walk(
  files: readonly string[],
  standardInput: CheckpointInput | undefined,
): Generator<ScanTarget, void, undefined> {
  for (const file of files) {
    if (file === STANDARD_STREAM && standardInput !== undefined) {
      yield { file: STANDARD_INPUT, isStandardInput: true, isFound: false, input: standardInput }
    } else if (isUrl(file)) {
      yield { file: shownInput(file), isStandardInput: false, isFound: false, input: readUrl(file) }
    } else if (isFolder(file)) yield* walkFolder(file)
    else yield { file, isStandardInput: false, isFound: false, input: file }
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Whatever keeps it from being looked at keeps it from being read, and is told then.
    return false
  }
}

/**
 * Every file below `folder`, and what is left out there. A link to a file elsewhere is that file; one to a file below the
 * folder is left out, because that is scanned by itself. Links to folders are not followed: they may lead anywhere, and
 * back. The stack is this one's own: folders may be nested deeper than calls.
 */
function* walkFolder(folder: string): Generator<ScanTarget, void, undefined> {
  const root = realPathOf(folder)
  const found = { isStandardInput: false, isFound: true }
  const waiting: Place[] = [{ file: folder, path: Buffer.from(folder), kind: "folder" }]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { file, path, kind } = place
    if (kind === "folder") {
      const places = readFolder(file, path)
      if (isCheckpointError(places)) yield { ...found, file, input: places }
      else waiting.push(...places.reverse())
    } else if (kind === "link") {
      const input = followLink(path, root)
      yield { ...found, file, input: input === "file" ? file : input }
    } else if (kind === "special") yield { ...found, file, input: new LeftOut("special-file") }
    else if (path.equals(Buffer.from(file))) yield { ...found, file, input: file }
    else yield* openOddName(file, path)
  }
}

/** Something in a folder. `path` is `file` as the system has it, which may be no text. */
interface Place {
  readonly file: string
  readonly path: Buffer
  readonly kind: "folder" | "file" | "link" | "special"
}

/** In the order of code units. */
function readFolder(folder: string, path: Buffer): Place[] | AnyCheckpointError {
  let entries: Dirent<Buffer>[]
  try {
    entries = readdirSync(path, { withFileTypes: true, encoding: "buffer" })
  } catch (cause) {
    return readFailed(folder, cause)
  }
  const places = entries.map((entry) => ({
    file: join(folder, entry.name.toString()),
    path: Buffer.concat([path, Buffer.from(sep), entry.name]),
    kind: kindOf(entry),
  }))
  return places.sort((a, b) => (a.file < b.file ? -1 : 1))
}

function kindOf(entry: Dirent<Buffer>): Place["kind"] {
  if (entry.isSymbolicLink()) return "link"
  if (entry.isDirectory()) return "folder"
  return entry.isFile() ? "file" : "special"
}

/** What becomes of a link: its file is scanned, or why it is left out. */
function followLink(path: Buffer, root: string | undefined): "file" | LeftOut {
  try {
    const status = statSync(path)
    if (status.isDirectory()) return new LeftOut("link-to-folder")
    if (!status.isFile()) return new LeftOut("special-file")
    const target = realpathSync(path)
    const isBelow = root !== undefined && target.startsWith(root.endsWith(sep) ? root : root + sep)
    return isBelow ? new LeftOut("symbolic-link") : "file"
  } catch {
    return new LeftOut("broken-link")
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** A file whose name is no UTF-8 cannot be opened by the text that stands for it. */
function* openOddName(file: string, path: Buffer): Generator<ScanTarget, void, undefined> {
  const found = { file, isStandardInput: false, isFound: true }
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, "r")
    yield { ...found, input: new FileSource(inheritedFile(descriptor), file, fstatSync(descriptor)) }
  } catch (cause) {
    if (descriptor !== undefined) throw cause
    yield { ...found, input: readFailed(file, cause) }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
