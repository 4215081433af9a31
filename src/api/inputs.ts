/** Turns what a caller passes as input into a source. */

import { blobSource } from "../bytes/blob-source.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { memorySource } from "../bytes/memory-source.ts"
import { CheckpointError } from "../errors.ts"

/** What the universal build takes as input. Bytes and sources must not change while they are used. */
export type CheckpointInput = Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | ByteSource

/** A source and whether whoever opened it must close it. Sources of the caller stay the caller's. */
export interface OpenedInput {
  readonly source: ByteSource
  readonly close: () => Promise<void>
}

const keepOpen = async (): Promise<void> => {}

/**
 * A stream is taken in whole: a checkpoint's directory stands at its end. The platform decides where to
 * (`Response.blob` may go to disk in a browser).
 *
 * @throws `invalid-argument` for anything that is no input; `read-failed` for a stream that fails; the signal's reason
 *   when aborted while a stream is taken in.
 */
export async function openUniversalInput(input: unknown, signal?: AbortSignal): Promise<OpenedInput> {
  if (input instanceof Uint8Array) return { source: memorySource(input), close: keepOpen }
  if (input instanceof ArrayBuffer) return { source: memorySource(new Uint8Array(input)), close: keepOpen }
  if (input instanceof Blob) return { source: blobSource(input), close: keepOpen }
  if (input instanceof ReadableStream) {
    return { source: blobSource(await collect(input, signal)), close: keepOpen }
  }
  if (isByteSource(input)) return { source: input, close: keepOpen }
  throw new CheckpointError("invalid-argument", { argument: "input", problem: describe(input) })
}

/** @throws `invalid-argument` for a stream that something else reads. */
export function requireUnlocked(stream: ReadableStream): void {
  if (!stream.locked) return
  const problem = "the stream is locked: something else is reading it"
  throw new CheckpointError("invalid-argument", { argument: "input", problem })
}

async function collect(stream: ReadableStream, signal: AbortSignal | undefined): Promise<Blob> {
  requireUnlocked(stream)
  try {
    // Piping heeds the signal even while the stream yields nothing.
    const piped = stream.pipeThrough(bytesOnly(), signal === undefined ? {} : { signal })
    return await new Response(piped).blob()
  } catch (cause) {
    signal?.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CheckpointError("read-failed", { reason }, { cause })
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
  if (typeof input !== "object" || input === null) return false
  const { byteLength, read } = input as Partial<ByteSource>
  return (
    typeof byteLength === "number" &&
    Number.isSafeInteger(byteLength) &&
    byteLength >= 0 &&
    typeof read === "function"
  )
}

function describe(input: unknown): string {
  if (typeof input === "string") {
    return "a string may be a path or a URL, and this build opens neither: pass bytes, a Blob, a stream or a source"
  }
  return "pass a Uint8Array, an ArrayBuffer, a Blob or File, a ReadableStream, or a source with byteLength and read"
}
