/** Node, Deno and Bun: paths as inputs and outputs, streams through a temporary file, zlib's checksum. */

import { join } from "node:path"
import { Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import {
  bytesOf,
  type CheckpointInput,
  type InputAccess,
  type OpenedInput,
  openUniversalInput,
  streamOf,
} from "../api/inputs.ts"
import { openUniversalOutput, type SafetensorsOutput } from "../api/outputs.ts"
import { type InputRequest, type OutputRequest, openUrlStore, type Platform } from "../api/platform.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import { closedOnFailure } from "../bytes/failures.ts"
import type { SourceStore } from "../bytes/source-store.ts"
import { copyOf } from "../bytes/sources.ts"
import { sourceStream } from "../bytes/streams.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { isHttp, urlOf } from "../http/http-options.ts"
import { nodeCrc32 } from "./copy-job.ts"
import { prepareFileSink } from "./file-sink.ts"
import { FileSource, folderStore, openFileSource } from "./file-source.ts"
import { requireSha256 } from "./sha256.ts"
import { spoolStream } from "./temporary-files.ts"

/** Everything that the universal build takes, and paths: strings that are no URLs, and `file:` URLs. */
export type NodeCheckpointInput = CheckpointInput

/** Everything that the universal build writes to, paths (strings, and `file:` URLs) and Node's streams. */
export type NodeSafetensorsOutput = SafetensorsOutput | string | URL | NodeWritable

export const NODE_PLATFORM: Platform<NodeCheckpointInput, NodeSafetensorsOutput> = {
  openInput: openNodeInput,
  openOutput: openNodeOutput,
  openStore: openNodeStore,
  crc32: nodeCrc32,
  // Loaded when it is needed: most checkpoints have nothing to inflate.
  inflate: async function* (extent, signal) {
    const { nodeInflate } = await import("./node-inflate.ts")
    yield* nodeInflate(extent, signal)
  },
}

interface NodeInputRequest extends InputRequest {
  /** Whether its SHA-256 will be asked for: a stream is hashed as it passes then. */
  readonly hashed?: boolean
}

/** Opens what a caller passes as input, and holds it against the SHA-256 that it must have. */
export async function openNodeInput(
  input: NodeCheckpointInput,
  request: NodeInputRequest,
): Promise<OpenedInput> {
  const { signal, sha256 } = request
  const opened = await openAnyInput(input, request)
  await closedOnFailure(opened.close, async () => {
    if (sha256 !== undefined) await requireSha256(opened.source, sha256, signal)
  })
  return opened
}

async function openAnyInput(
  input: NodeCheckpointInput,
  { signal, http, sha256, hashed = sha256 !== undefined }: NodeInputRequest,
): Promise<OpenedInput> {
  const path = pathOf(input, "input")
  if (path !== undefined) {
    const source = await openFileSource(path)
    return { source, close: () => source.close() }
  }
  const stream = streamOf(input)
  if (stream !== undefined) return spoolStream(stream, { signal, hashed })
  if (!hashed || input instanceof FileSource) return openUniversalInput(input, { signal, http })
  return takeIn(input, { signal, http })
}

/**
 * What is hashed has to be what is parsed, and all but files may say something else the second time: a server, the
 * caller's own source, a Blob of somebody's making, memory that the caller writes to. So it is read once, into a copy
 * that is ours: bytes in memory into memory, all else into a temporary file.
 */
async function takeIn(input: unknown, access: InputAccess): Promise<OpenedInput> {
  const bytes = bytesOf(input)
  if (bytes !== undefined) return openUniversalInput(copyOf(bytes))
  const { signal } = access
  const opened = await openUniversalInput(input, access)
  const taken = spoolStream(sourceStream(opened.source, signal), { signal, hashed: true })
  return taken.finally(opened.close)
}

export interface NodeOutputRequest extends OutputRequest {
  /** Called when a file has been written in full, before it gets its name. What it throws refuses the output. */
  readonly beforeNaming?: ((written: ByteSource) => Promise<void>) | undefined
  /** Whether this thread may be blocked for some milliseconds at a time. Default false. */
  readonly mayBlock?: boolean | undefined
}

/** Looks at where a caller wants the output, and creates nothing. */
export async function openNodeOutput(
  output: NodeSafetensorsOutput,
  request: NodeOutputRequest,
): Promise<ByteSink> {
  const path = pathOf(output, "output")
  if (path === undefined) return openUniversalOutput(fromNodeWritable(output) ?? output, request)
  const inputPaths = request.inputs.flatMap((input) => pathOf(input, "input") ?? [])
  const { overwrite, beforeNaming, mayBlock } = request
  return prepareFileSink(path, { overwrite, inputPaths, beforeNaming, mayBlock })
}

/** A folder, or the place of a URL. */
async function openNodeStore(place: string | URL, access: InputAccess): Promise<SourceStore> {
  const path = pathOf(place, "input")
  if (path === undefined) return openUrlStore(place, access)
  // Nothing is asked for by this name: all names are looked up in the folder.
  return folderStore(join(path, "_"))
}

function pathOf(given: unknown, argument: "input" | "output"): string | undefined {
  const value = urlOf(given) ?? given
  if (typeof value === "string") {
    if (value !== "" && !value.includes("\0")) return value
    throw new CheckpointError(INVALID_ARGUMENT, { argument, problem: "the path is empty or holds a NUL" })
  }
  if (!(value instanceof URL)) return undefined
  if (value.protocol === "file:") return fileURLToPath(value)
  if (argument === "input" && isHttp(value)) return undefined
  const kinds = argument === "input" ? "file:, http: and https: URLs are" : "only file: URLs are"
  const problem = `${kinds} opened, not ${value.protocol} ones`
  throw new CheckpointError(INVALID_ARGUMENT, { argument, problem })
}

// Node's own streams as outputs: a file, a socket, an answer of `http`, a compressor.

/** A `Writable` of Node that takes bytes. It is ended at the end, or destroyed. */
interface NodeWritable {
  readonly writable: boolean
  write(chunk: Uint8Array): boolean
  end(): unknown
  destroy(error?: Error): unknown
}

/** As a web stream; undefined for anything else. */
function fromNodeWritable(output: unknown): WritableStream<Uint8Array> | undefined {
  return output instanceof Writable ? (Writable.toWeb(output) as WritableStream<Uint8Array>) : undefined
}
