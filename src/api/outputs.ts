/** Turns what a caller passes as output into a sink. What is the caller's own may hang, and is watched for that. */

import type { ByteSink } from "../bytes/byte-sink.ts"
import { invalidArgument } from "../bytes/failures.ts"
import { writableStreamSink } from "../bytes/writable-stream-sink.ts"
import { CallersSink } from "./callers-sink.ts"

/** What the universal build writes to. A stream is closed at the end, or aborted. */
export type SafetensorsOutput = WritableStream<Uint8Array> | ByteSink

/** @throws `invalid-argument` for anything that is no output. */
export function openUniversalOutput(
  output: unknown,
  { signal }: { readonly signal?: AbortSignal | undefined },
): ByteSink {
  if (output instanceof WritableStream) {
    if (output.locked) throw invalid("the stream is locked: something else is writing to it")
    return new CallersSink(writableStreamSink(output), signal, { abortsMidway: true })
  }
  if (isByteSink(output)) return new CallersSink(output, signal, { abortsMidway: false })
  if (typeof output === "string") throw invalid("this build opens no paths: pass a stream or a sink")
  throw invalid("pass a WritableStream, or a sink with write, close and abort")
}

function isByteSink(output: unknown): output is ByteSink {
  if (typeof output !== "object" || output === null) return false
  const { write, close, abort } = output as Partial<ByteSink>
  return typeof write === "function" && typeof close === "function" && typeof abort === "function"
}

function invalid(problem: string): Error {
  return invalidArgument("output", problem)
}
