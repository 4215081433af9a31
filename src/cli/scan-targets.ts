/** The files that a scan is asked for: those that are named, URLs, standard input, and what lies below folders. */

import type { Dirent } from "node:fs"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { AnyCheckpointError, CheckpointInput } from "../node/index.ts"
import { CheckpointError, isCheckpointError } from "../node/index.ts"
import { reasonOf } from "../node/system-errors.ts"
import { openInput, STANDARD_STREAM } from "./input.ts"
import type { Terminal } from "./terminal.ts"
import { isUrl, readUrl, shownInput } from "./url-input.ts"
import { UsageError } from "./usage-error.ts"

/** What a report calls standard input. */
export const STANDARD_INPUT = "standard input"

/** Something to scan, or why it cannot be. */
export interface ScanTarget {
  /** The path as it was named, or the folder's and the way from there; a URL without its query; or `standard input`. */
  readonly file: string
  readonly isStandardInput: boolean
  /** Whether it was found in a folder, where other files are expected beside checkpoints. */
  readonly isFound: boolean
  readonly input: CheckpointInput | AnyCheckpointError | "symbolic-link"
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

/** Every regular file below `folder`. Devices, pipes and sockets are passed over. */
function* walkFolder(folder: string): Generator<ScanTarget, void, undefined> {
  const found = { isStandardInput: false, isFound: true }
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    const error = new CheckpointError("read-failed", { path: folder, reason: reasonOf(cause) }, { cause })
    yield { ...found, file: folder, input: error as AnyCheckpointError }
    return
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isSymbolicLink()) yield { ...found, file: path, input: "symbolic-link" }
    else if (entry.isDirectory()) yield* walkFolder(path)
    else if (entry.isFile()) yield { ...found, file: path, input: path }
  }
}
