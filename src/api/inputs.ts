/** Turns what a caller passes as input into a source. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { invalidArgument, readFailed } from "../bytes/failures.ts"
import { isBytes } from "../bytes/read-exactly.ts"
import {
  type AsyncBuffer,
  asyncBufferSource,
  type BlobLike,
  blobSource,
  isArrayBuffer,
  isSharedArrayBuffer,
  memorySource,
} from "../bytes/sources.ts"
import { isAsyncIterable, iterableStream } from "../bytes/streams.ts"
import { type HttpOptions, urlOf } from "../http/http-options.ts"

/**
 * What the universal build takes as input. A text is the URL of a file (`https://…`). What yields bytes is taken in whole:
 * a `Readable` of Node for one. Bytes and sources must not change while they are used.
 */
export type CheckpointInput =
  | Uint8Array
  | ArrayBuffer
  | SharedArrayBuffer
  | BlobLike
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | URL
  | string
  | ByteSource
  | AsyncBuffer

/** A source and whether whoever opened it must close it. Sources of the caller stay the caller's. */
export interface OpenedInput {
  readonly source: ByteSource
  readonly close: () => Promise<void>
}

/** What opening takes besides the input. */
export interface InputAccess {
  readonly signal?: AbortSignal | undefined
  /** How URLs are fetched. */
  readonly http?: HttpOptions | undefined
}

const keepOpen = async (): Promise<void> => {}

/**
 * A stream is taken in whole: a checkpoint's directory stands at its end. The platform decides where to
 * (`Response.blob` may go to disk in a browser). Of a URL only ranges are fetched, when they are asked for.
 *
 * @throws `invalid-argument` for anything that is no input; `read-failed` for a stream or a server that fails; the
 *   signal's reason when aborted while a stream is taken in or a server is asked.
 */
export async function openUniversalInput(
  input: unknown,
  { signal, http }: InputAccess = {},
): Promise<OpenedInput> {
  const url = input instanceof URL ? input : urlOf(input)
  if (url !== undefined) {
    // Loaded when it is needed: most inputs are files.
    const { openUrlSource } = await import("../http/url-source.ts")
    const source = await openUrlSource(url, { ...http, signal })
    return { source, close: () => source.close() }
  }
  const stream = streamOf(input)
  if (stream !== undefined) return { source: blobSource(await collect(stream, signal)), close: keepOpen }
  const source = sourceOf(input)
  if (source !== undefined) return { source, close: keepOpen }
  throw invalidArgument("input", describe(input))
}

/** Objects are told by what they can do: an array or a Blob may be of another realm. */
function sourceOf(input: unknown): ByteSource | undefined {
  const bytes = bytesOf(input)
  if (bytes !== undefined) return memorySource(bytes)
  if (isBlobLike(input)) return blobSource(input)
  if (isByteSource(input)) return input
  return isAsyncBuffer(input) ? asyncBufferSource(input) : undefined
}

/**
 * The bytes of an input that is in memory as a whole, also in memory that threads share.
 *
 * @throws `invalid-argument` for a buffer that was transferred.
 */
export function bytesOf(input: unknown): Uint8Array | undefined {
  if (isBytes(input)) return input
  if (!isArrayBuffer(input) && !isSharedArrayBuffer(input)) return undefined
  try {
    return new Uint8Array(input)
  } catch {
    throw invalidArgument("input", "its memory has been transferred to somebody else")
  }
}

/**
 * The stream of an input that is one, or yields its pieces.
 *
 * @throws `invalid-argument` for a stream that something else reads.
 */
export function streamOf(input: unknown): ReadableStream | undefined {
  if (!(input instanceof ReadableStream)) return isAsyncIterable(input) ? iterableStream(input) : undefined
  if (input.locked) throw invalidArgument("input", "the stream is locked: something else is reading it")
  return input
}

async function collect(stream: ReadableStream, signal: AbortSignal | undefined): Promise<Blob> {
  try {
    // Piping heeds the signal even while the stream yields nothing.
    const piped = stream.pipeThrough(bytesOnly(), signal === undefined ? {} : { signal })
    return await new Response(piped).blob()
  } catch (cause) {
    signal?.throwIfAborted()
    throw readFailed(cause)
  }
}

/** Fails at anything but bytes, which cancels the stream that it came from; a Response would only stop reading. */
function bytesOnly(): TransformStream<unknown, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      if (!(chunk instanceof Uint8Array)) throw new Error("the stream yields something that is not bytes")
      controller.enqueue(chunk)
    },
  })
}

function isByteSource(input: unknown): input is ByteSource {
  const { byteLength, read } = fieldsOf<ByteSource>(input)
  return isLength(byteLength) && typeof read === "function"
}

function isBlobLike(input: unknown): input is BlobLike {
  const { size, slice, arrayBuffer } = fieldsOf<BlobLike>(input)
  return isLength(size) && typeof slice === "function" && typeof arrayBuffer === "function"
}

/** Not the arrays and views that happen to have a length in bytes and can be sliced, by elements. */
function isAsyncBuffer(input: unknown): input is AsyncBuffer {
  const { byteLength, slice } = fieldsOf<AsyncBuffer>(input)
  return isLength(byteLength) && typeof slice === "function" && !ArrayBuffer.isView(input)
}

function fieldsOf<Shape>(input: unknown): Partial<Shape> {
  return typeof input === "object" && input !== null ? input : {}
}

function isLength(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}

function describe(input: unknown): string {
  if (typeof input === "string") {
    return "the string is no URL (https:), and this build opens no paths: pass bytes, a Blob, a stream, a URL or a source"
  }
  return "pass bytes, a Blob or File, a ReadableStream, a URL, or an object with byteLength and read or slice"
}
