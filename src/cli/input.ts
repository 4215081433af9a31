/** What a command reads: a file, a URL, or standard input; its digest, as far as that is asked for; where it goes. */

import { fstatSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { Readable } from "node:stream"
import { version } from "../../package.json"
import type { FileSource } from "../node/for-command-line.ts"
import {
  CONVERTED_BY,
  ERROR_ROWS,
  FORMAT,
  inheritedSource,
  openNodeInput,
  readFailed,
  SOURCE_BYTES,
  SOURCE_SHA256,
  sha256Of,
  watchStatusOf,
} from "../node/for-command-line.ts"
import type { ByteSource, CheckpointInput, ConvertOptions, ErrorCode } from "../node/index.ts"
import { CheckpointError } from "../node/index.ts"
import type { OptionValues } from "./command-line.ts"
import { UsageError } from "./endings.ts"
import type { HandedError, HandedFiles } from "./isolation/handed-files.ts"
import type { Terminal } from "./terminal/streams.ts"
import { quoted } from "./terminal/words.ts"
import { isUrl, nameOf, readUrl } from "./urls.ts"

/** Stands for standard input, and as an output for standard output. */
export const STANDARD_STREAM = "-"

/** The same file as standard input, opened anew, on every system but Windows. */
const STANDARD_INPUT_PATH = "/dev/stdin"

/**
 * A file that was redirected (`< model.pt`) is read in place; a pipe is taken in through a temporary file.
 *
 * @throws UsageError when standard input is a keyboard, and for a URL that is none.
 */
export function openInput(file: string, { stdin, handed }: Terminal): CheckpointInput {
  if (handed !== undefined) return handedInput(file, handed)
  if (isUrl(file)) return readUrl(file)
  if (file !== STANDARD_STREAM) return file
  if (stdin.isTTY === true) {
    throw new UsageError("standard input is a terminal: pipe a checkpoint into it, or name a file")
  }
  const { fd } = stdin
  const kind = fd === undefined || process.platform === "win32" ? undefined : fstatSync(fd)
  // A folder too: as a stream it would look empty, opened it is refused for what it is.
  const redirected = kind?.isFile() === true || kind?.isDirectory() === true
  return redirected ? STANDARD_INPUT_PATH : (Readable.toWeb(stdin) as ReadableStream<Uint8Array>)
}

/** An error that passed between processes. */
export function receivedError<C extends ErrorCode>({ code, detail }: HandedError<C>): CheckpointError<C> {
  return new CheckpointError(ERROR_ROWS[code], detail)
}

function handedInput(file: string, { inputs }: HandedFiles): FileSource {
  const found = inputs.find(({ name }) => name === file)
  if (found === undefined) throw readFailed(file, new Error("this process was not handed it"))
  if ("error" in found) throw receivedError(found.error)
  return inheritedSource(found.descriptor, found.path, found.status)
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Whatever keeps it from being looked at keeps it from being read, and is told then.
    return false
  }
}

/** What checkpoints are called, and what stands before it in names such as `model.pth.tar`. */
const EXTENSION =
  /(?<=.)(?:\.(?:pt|pth|ckpt))?\.(?:pt|pth|pth2|pt2|bin|ckpt|chkpt|checkpoint|pkl|pickle|th|t7|tar|model|params|weights|jit|ptl|mar|zip|safetensors)$/i

/**
 * Where a conversion writes when nobody says it: the input's name in the input's folder, ending in `.safetensors`
 * instead of the extension of a checkpoint. Anything else after a dot stays: `model-v1.5` becomes
 * `model-v1.5.safetensors`. For a URL it is the last part of its path, made safe, in the current folder. Undefined for
 * what has no name: standard input, a URL whose path ends with a slash.
 */
export function defaultOutput(input: string): string | undefined {
  if (input === STANDARD_STREAM) return undefined
  const path = isUrl(input) ? nameOf(readUrl(input)) : input
  if (path === undefined) return undefined
  return join(dirname(path), `${basename(path).replace(EXTENSION, "")}.safetensors`)
}

/** What was asked about the checkpoint. */
export interface Provenance {
  /** The SHA-256 that it must have, in lower-case hex. */
  readonly expected: string | undefined
  /** Whether the output is to say what it was made from. */
  readonly recorded: boolean
}

/** @throws UsageError */
export function readProvenance(values: OptionValues): Provenance {
  const expected = values.text("sha256")?.toLowerCase()
  if (expected !== undefined && !/^[\da-f]{64}$/.test(expected)) {
    throw new UsageError(`--sha256 takes 64 hexadecimal digits, not ${quoted(values.text("sha256") ?? "")}`)
  }
  const recorded = values.has("provenance")
  const key = values.texts("metadata").map((pair) => pair.slice(0, pair.indexOf("=")))
  const twice = [SOURCE_SHA256, SOURCE_BYTES, CONVERTED_BY].find((name) => recorded && key.includes(name))
  if (twice !== undefined) throw new UsageError(`--provenance and --metadata both set ${quoted(twice)}`)
  return { expected, recorded }
}

/** A checkpoint that is open, and what is known of it before anything is parsed. */
export interface TracedInput {
  readonly source: ByteSource
  readonly close: () => Promise<void>
  /** Undefined when nobody asked. */
  readonly sha256: string | undefined
  /** The options of the conversion, with what is to be recorded. */
  readonly options: ConvertOptions
}

/**
 * Opens `input`, hashes it as far as was asked, and holds it against what it should be. With `hashed` a stream knows its
 * digest when it has been taken in, whether that was asked or not.
 *
 * @throws `digest-mismatch`; as opening does.
 */
export async function openTraced(
  input: CheckpointInput,
  { expected, recorded }: Provenance,
  { options, hashed }: { readonly options: ConvertOptions; readonly hashed: boolean },
): Promise<TracedInput> {
  const { signal, http } = options
  const isHashed = hashed || recorded || expected !== undefined
  const { source, close } = await openNodeInput(input, { signal, http, sha256: expected, hashed: isHashed })
  try {
    if (!recorded) return { source, close, sha256: expected, options }
    watchStatusOf(source)
    const sha256 = expected ?? (await sha256Of(source, signal))
    const facts = {
      [SOURCE_SHA256]: sha256,
      [SOURCE_BYTES]: String(source.byteLength),
      [CONVERTED_BY]: `tosafetensors ${version}`,
    }
    const metadata = { [FORMAT]: "pt", ...options.metadata, ...facts }
    return { source, close, sha256, options: { ...options, metadata } }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}

/** In lower-case hex; null where nobody asked, or where there is no file to hash. */
export interface Digests {
  readonly input: string | null
  readonly output: string | null
}

/** Hashes the input beside the conversion, and the output when it has been written, for the report. */
export class ConversionDigests {
  readonly #source: ByteSource
  readonly #stopping = new AbortController()
  readonly #signal: AbortSignal
  readonly #input: Promise<string>
  #output: string | null = null

  /** `known` is the input's digest, when it has been taken already. */
  constructor(source: ByteSource, known: string | undefined, signal: AbortSignal) {
    this.#source = source
    this.#signal = AbortSignal.any([signal, this.#stopping.signal])
    this.#input = known === undefined ? sha256Of(source, this.#signal) : Promise.resolve(known)
    // Whoever waits for it learns that it failed.
    this.#input.catch(() => {})
  }

  /** Waits for both. The output gets its name only when the digests are of what was read and written. */
  async beforeNaming(written: ByteSource): Promise<void> {
    const [, output] = await Promise.all([this.#input, sha256Of(written, this.#signal)])
    await this.#source.assertUnchanged?.()
    this.#output = output
  }

  async result(): Promise<Digests> {
    return { input: await this.#input, output: this.#output }
  }

  /** Ends what is still under way: descriptors may be closed when this resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the conversion has ended"))
    await this.#input.catch(() => {})
  }
}
