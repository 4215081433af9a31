/** The files that a scan is asked for: those that are named, URLs, standard input, and what lies below folders. */

import { closeSync, type Dirent, fstatSync, openSync, readdirSync, realpathSync, statSync } from "node:fs"
import { join, sep } from "node:path"
import { inheritedSource, readFailed } from "../../node/for-command-line.ts"
import { type AnyCheckpointError, type CheckpointInput, isCheckpointError } from "../../node/index.ts"
import { UsageError } from "../endings.ts"
import { isFolder, openInput, STANDARD_STREAM } from "../input.ts"
import type { Terminal } from "../terminal/streams.ts"
import { isUrl, readUrl, shownInput } from "../urls.ts"
import { LeftOut, STANDARD_INPUT } from "./outcome.ts"

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
  return walk(files, terminal, standardInput)
}

function* walk(
  files: readonly string[],
  terminal: Terminal,
  standardInput: CheckpointInput | undefined,
): Generator<ScanTarget, void, undefined> {
  for (const file of files) {
    if (file === STANDARD_STREAM && standardInput !== undefined) {
      yield { file: STANDARD_INPUT, isStandardInput: true, isFound: false, input: standardInput }
      // An isolated process was handed files, folders among them none.
    } else if (terminal.handed === undefined && !isUrl(file) && isFolder(file)) yield* walkFolder(file)
    else yield { file: shownInput(file), isStandardInput: false, isFound: false, input: open(file, terminal) }
  }
}

function open(file: string, terminal: Terminal): ScanTarget["input"] {
  try {
    return openInput(file, terminal)
  } catch (error) {
    if (isCheckpointError(error)) return error
    throw error
  }
}

/**
 * Every file below `folder`, and what is left out there. A link to a file elsewhere is that file; one to a file below the
 * folder is left out, because that is scanned by itself. Links to folders are not followed: they may lead anywhere, and
 * back. The stack is this one's own: folders may be nested deeper than calls.
 */
function* walkFolder(folder: string): Generator<ScanTarget, void, undefined> {
  let root: string | undefined
  try {
    root = realpathSync(folder)
  } catch {
    // Reading it fails too, and is told.
  }
  const waiting: Place[] = [{ file: folder, path: Buffer.from(folder), kind: "folder" }]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { file, path, kind } = place
    if (kind === "folder") {
      const places = readFolder(file, path)
      if (isCheckpointError(places)) yield found(file, places)
      else waiting.push(...places.reverse())
    } else if (kind === "link") {
      yield found(file, followLink(path, root) ?? file)
    } else if (kind === "special") yield found(file, new LeftOut("special-file"))
    else if (path.equals(Buffer.from(file))) yield found(file, file)
    else yield* openOddName(file, path)
  }
}

function found(file: string, input: ScanTarget["input"]): ScanTarget {
  return { file, isStandardInput: false, isFound: true, input }
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

/** Why a link is left out; undefined where its file is scanned. */
function followLink(path: Buffer, root: string | undefined): LeftOut | undefined {
  try {
    const status = statSync(path)
    if (status.isDirectory()) return new LeftOut("link-to-folder")
    if (!status.isFile()) return new LeftOut("special-file")
    const target = realpathSync(path)
    const isBelow = root !== undefined && target.startsWith(root.endsWith(sep) ? root : root + sep)
    return isBelow ? new LeftOut("symbolic-link") : undefined
  } catch {
    return new LeftOut("broken-link")
  }
}

/** A file whose name is no UTF-8 cannot be opened by the text that stands for it. */
function* openOddName(file: string, path: Buffer): Generator<ScanTarget, void, undefined> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, "r")
    yield found(file, inheritedSource(descriptor, file, fstatSync(descriptor)))
  } catch (cause) {
    if (descriptor !== undefined) throw cause
    yield found(file, readFailed(file, cause))
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
