/** Every kind of input and output, and what interrupts a conversion: the parts that differ between runtimes. */

import { EXAMPLE } from "embedded-files"
import type { ByteSink, ByteSource, CheckpointInput } from "../../src/index.ts"
import {
  checkSafetensors,
  DEFAULT_LIMITS,
  isCheckpointError,
  openCheckpoint,
  parseSafetensorsHeader,
  readSafetensorsHeader,
  scan,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import type { Problems } from "../hostile/run-case.ts"
import { differences, joined } from "./differences.ts"

/** A way to use the library. */
export interface WayCase {
  readonly name: string
  readonly run: () => Promise<Problems>
}

const REASON = new Error("the caller has had enough")

/** What all ways must come to. The fixtures show that it is right. */
async function expectedBytes(): Promise<Uint8Array<ArrayBuffer>> {
  return (await toSafetensorsBytes(EXAMPLE)).bytes
}

function streamOf(bytes: Uint8Array<ArrayBuffer>, chunkBytes: number): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at + chunkBytes))
      else controller.close()
      at += chunkBytes
    },
  })
}

function customSource(): ByteSource {
  return {
    byteLength: EXAMPLE.length,
    read: async (offset, length) => EXAMPLE.slice(offset, offset + length),
  }
}

/** The example with other bytes around it in the same buffer. */
function viewOfLargerBuffer(): Uint8Array {
  const buffer = new Uint8Array(EXAMPLE.length + 24).fill(0xee)
  buffer.set(EXAMPLE, 11)
  return buffer.subarray(11, 11 + EXAMPLE.length)
}

const INPUTS: readonly (readonly [string, () => CheckpointInput])[] = [
  ["a Uint8Array", () => EXAMPLE],
  ["a view of a larger buffer", viewOfLargerBuffer],
  ["an ArrayBuffer", () => EXAMPLE.slice().buffer],
  ["a Blob", () => new Blob([EXAMPLE])],
  ["a File", () => new File([EXAMPLE], "model.pt")],
  ["a slice of a Blob", () => new Blob([new Uint8Array(7), EXAMPLE, "x"]).slice(7, 7 + EXAMPLE.length)],
  ["a stream of small chunks", () => streamOf(EXAMPLE, 1000)],
  ["the stream of a Blob", () => new Blob([EXAMPLE]).stream()],
  ["a custom source", customSource],
]

async function toEveryOutput(input: () => CheckpointInput): Promise<Problems> {
  const expected = await expectedBytes()
  const { blob, report } = await toSafetensorsBlob(input())
  const unverified = await toSafetensorsBlob(input(), { verify: "none" })
  const { stream } = await toSafetensorsStream(input())
  return [
    ...differences("bytes", (await toSafetensorsBytes(input())).bytes, expected),
    ...differences("blob", new Uint8Array(await blob.arrayBuffer()), expected),
    ...differences("unverified blob", new Uint8Array(await unverified.blob.arrayBuffer()), expected),
    ...differences("stream", new Uint8Array(await new Response(stream).arrayBuffer()), expected),
    ...(report.byteLength === expected.length ? [] : [`the report says ${report.byteLength} bytes`]),
  ]
}

async function intoWritableStream(): Promise<Problems> {
  const chunks: Uint8Array[] = []
  const ends: unknown[] = []
  const output = new WritableStream<Uint8Array>({
    write: (chunk) => void chunks.push(chunk.slice()),
    close: () => void ends.push("closed"),
    abort: (reason) => void ends.push(reason),
  })
  await toSafetensors(EXAMPLE, output)
  const problems = differences("stream", await joined(chunks), await expectedBytes())
  return ends.length === 1 && ends[0] === "closed" ? problems : [...problems, `it ended with ${ends}`]
}

async function throughTransformStream(): Promise<Problems> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const [received] = await Promise.all([
    new Response(readable).arrayBuffer(),
    toSafetensors(EXAMPLE, writable),
  ])
  return differences("piped", new Uint8Array(received), await expectedBytes())
}

/** Takes writes at any position, as a file does. */
class ArraySink implements ByteSink {
  readonly randomAccess = true
  bytes: Uint8Array = new Uint8Array(0)
  readonly ends: string[] = []

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const grown = new Uint8Array(Math.max(this.bytes.length, position + bytes.length))
    grown.set(this.bytes)
    grown.set(bytes, position)
    this.bytes = grown
  }

  async close(): Promise<void> {
    this.ends.push("closed")
  }

  async abort(): Promise<void> {
    this.ends.push("aborted")
  }
}

async function intoCustomSink(): Promise<Problems> {
  const sink = new ArraySink()
  await toSafetensors(EXAMPLE, sink)
  const problems = differences("sink", sink.bytes, await expectedBytes())
  return sink.ends.join() === "closed" ? problems : [...problems, `it ended with ${sink.ends}`]
}

/** Nothing when `work` ends in exactly `reason`. */
async function endsIn(what: string, reason: unknown, work: () => Promise<unknown>): Promise<Problems> {
  const end = await work().then(
    () => "success",
    (error: unknown) => error,
  )
  return end === reason ? [] : [`${what}: it ended in ${String(end)}`]
}

async function abortedBefore(): Promise<Problems> {
  const signal = AbortSignal.abort(REASON)
  const sink = new ArraySink()
  const problems = [
    ...(await endsIn("bytes", REASON, () => toSafetensorsBytes(EXAMPLE, { signal }))),
    ...(await endsIn("blob", REASON, () => toSafetensorsBlob(EXAMPLE, { signal }))),
    ...(await endsIn("stream", REASON, () => toSafetensorsStream(EXAMPLE, { signal }))),
    ...(await endsIn("open", REASON, () => openCheckpoint(EXAMPLE, { signal }))),
    ...(await endsIn("scan", REASON, () => scan(EXAMPLE, { signal }))),
    ...(await endsIn("sink", REASON, () => toSafetensors(EXAMPLE, sink, { signal }))),
  ]
  return sink.ends.includes("closed") ? [...problems, "the sink was closed"] : problems
}

/** A source whose answer never comes must not hold a conversion that has been aborted. */
async function abortedWhileReading(): Promise<Problems> {
  const controller = new AbortController()
  const source: ByteSource = {
    byteLength: EXAMPLE.length,
    read: () => {
      queueMicrotask(() => controller.abort(REASON))
      return new Promise(() => {})
    },
  }
  const { signal } = controller
  return endsIn("bytes", REASON, () => toSafetensorsBytes(source, { signal }))
}

async function abortedWhileWriting(): Promise<Problems> {
  const controller = new AbortController()
  const sink = new ArraySink()
  sink.write = async () => {
    controller.abort(REASON)
    await new Promise(() => {})
  }
  const { signal } = controller
  const problems = await endsIn("sink", REASON, () => toSafetensors(EXAMPLE, sink, { signal }))
  return sink.ends.join() === "aborted" ? problems : [...problems, `the sink ended with ${sink.ends}`]
}

async function cancelledStream(): Promise<Problems> {
  const { stream } = await toSafetensorsStream(EXAMPLE)
  const reader = stream.getReader()
  const first = await reader.read()
  await reader.cancel(REASON)
  return first.value instanceof Uint8Array ? [] : ["nothing came before the end"]
}

async function throwingProgress(): Promise<Problems> {
  const onProgress = (): void => {
    throw REASON
  }
  const sink = new ArraySink()
  const problems = await endsIn("sink", REASON, () => toSafetensors(EXAMPLE, sink, { onProgress }))
  return sink.ends.join() === "aborted" ? problems : [...problems, `the sink ended with ${sink.ends}`]
}

async function failingSource(): Promise<Problems> {
  const source: ByteSource = { byteLength: EXAMPLE.length, read: () => Promise.reject(REASON) }
  const error: unknown = await toSafetensorsBytes(source).catch((reason: unknown) => reason)
  const holds = isCheckpointError(error) && error.code === "read-failed" && error.cause === REASON
  return holds ? [] : [`it gave ${String(error)}`]
}

async function openAndReadTensors(): Promise<Problems> {
  const { bytes: output } = await toSafetensorsBytes(EXAMPLE, { root: "all" })
  const { tensors, dataOffset } = parseSafetensorsHeader(output)
  const checkpoint = await openCheckpoint(new Blob([EXAMPLE]))
  const problems: string[] = []
  const plan = checkpoint.plan({ root: "all" })
  if (plan.byteLength !== output.length) problems.push(`the plan has ${plan.byteLength} bytes`)
  for (const [name, { start, end }] of tensors) {
    const expected = output.subarray(dataOffset + start, dataOffset + end)
    problems.push(...differences(name, await checkpoint.readTensor(name), expected))
  }
  if (typeof checkpoint.values !== "object") problems.push("there are no values")
  await checkpoint.close()
  return problems
}

async function auditAndHeader(): Promise<Problems> {
  const output = await expectedBytes()
  const { verdict, globals } = await scan(new Blob([EXAMPLE]))
  const header = await readSafetensorsHeader(new Blob([output]))
  const { valid } = await checkSafetensors(output)
  const problems: string[] = []
  if (verdict !== "clean" || globals.length === 0) problems.push(`scan says ${verdict}`)
  if (header.tensors.size !== 13) problems.push(`the header has ${header.tensors.size} tensors`)
  if (!valid) problems.push("the output is found invalid")
  if (!Object.isFrozen(DEFAULT_LIMITS)) problems.push("the limits are not frozen")
  return problems
}

export const WAYS: readonly WayCase[] = [
  ...INPUTS.map(([name, input]) => ({ name: `input: ${name}`, run: () => toEveryOutput(input) })),
  { name: "output: a WritableStream", run: intoWritableStream },
  { name: "output: through a TransformStream", run: throughTransformStream },
  { name: "output: a custom sink", run: intoCustomSink },
  { name: "aborted before it begins", run: abortedBefore },
  { name: "aborted while a read hangs", run: abortedWhileReading },
  { name: "aborted while a write hangs", run: abortedWhileWriting },
  { name: "a stream that is cancelled", run: cancelledStream },
  { name: "progress that throws", run: throwingProgress },
  { name: "a source that fails", run: failingSource },
  { name: "an open checkpoint", run: openAndReadTensors },
  { name: "scan and headers", run: auditAndHeader },
]
