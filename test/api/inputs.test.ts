import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import {
  type CheckpointInput,
  openCheckpoint,
  readSafetensorsHeader,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import { openCheckpoint as openOnNode, toSafetensorsBytes as toBytesOnNode } from "../../src/node/index.ts"
import { BlobThatFetches, bufferOf } from "./other-inputs.ts"
import { EXPECTED, SAMPLE, settle, sourceOf, streamOf } from "./sample.ts"

const within = (): Uint8Array => {
  const larger = new Uint8Array(SAMPLE.length + 300)
  larger.set(SAMPLE, 123)
  return larger.subarray(123, 123 + SAMPLE.length)
}

const INPUTS: readonly (readonly [string, () => CheckpointInput])[] = [
  ["a Uint8Array", () => SAMPLE.slice()],
  ["a part of a larger array", within],
  ["a Buffer", () => Buffer.from(SAMPLE)],
  ["an ArrayBuffer", () => SAMPLE.slice().buffer],
  ["a Blob", () => new Blob([SAMPLE])],
  [
    "a Blob of many parts",
    () => new Blob([SAMPLE.slice(0, 999), SAMPLE.slice(999, 5000), SAMPLE.slice(5000)]),
  ],
  ["a slice of a Blob", () => new Blob([new Uint8Array(77), SAMPLE]).slice(77)],
  ["a File", () => new File([SAMPLE], "model.pt")],
  ["a stream", () => streamOf(SAMPLE)],
  ["a stream of single bytes at first", () => streamOf(SAMPLE, 7)],
  ["the body of a response", () => new Response(SAMPLE).body ?? expect.unreachable()],
  ["a buffer that is fetched in slices", () => bufferOf(SAMPLE)],
  ["a buffer that answers at once", () => bufferOf(SAMPLE, true)],
  ["an array of another realm", () => runInNewContext("new Uint8Array(bytes)", { bytes: SAMPLE })],
  [
    "an ArrayBuffer of another realm",
    () => runInNewContext("new Uint8Array(bytes).buffer", { bytes: SAMPLE }),
  ],
  ["a class that extends Blob and keeps its bytes elsewhere", () => new BlobThatFetches(SAMPLE)],
  ["an object that looks like a Blob", () => new BlobThatFetches(SAMPLE).plain()],
  ["a source", () => sourceOf(SAMPLE)],
  ["a source that fills buffers", () => sourceOf(SAMPLE, true)],
]

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function same(actual: Uint8Array): void {
  expect(Buffer.compare(actual, EXPECTED)).toBe(0)
}

describe.each(INPUTS)("from %s", (_, make) => {
  it("every verb gives the same file", async () => {
    const { bytes, report } = await toSafetensorsBytes(make())
    same(bytes)
    const { blob } = await toSafetensorsBlob(make())
    same(new Uint8Array(await blob.arrayBuffer()))
    same(await collect((await toSafetensorsStream(make())).stream))
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const collected = collect(readable)
    expect(await toSafetensors(make(), writable)).toEqual(report)
    same(await collected)
    same((await toBytesOnNode(make())).bytes)
  })

  it("a checkpoint opens, reads a tensor and closes", async () => {
    for (const open of [openCheckpoint, openOnNode]) {
      await using checkpoint = await open(make())
      expect(checkpoint.byteLength).toBe(SAMPLE.length)
      expect([...checkpoint.tensors.keys()]).toEqual(["weight", "turned", "count"])
      // The widest dtype comes first.
      const dataStart = EXPECTED.length - 8 - 4 * 600 - 4 * 3000
      expect(await checkpoint.readTensor("count")).toEqual(
        new Uint8Array(EXPECTED.subarray(dataStart, dataStart + 8)),
      )
    }
  })
})

const READS: readonly (readonly [string, (input: CheckpointInput) => Promise<unknown>])[] = [
  ["toSafetensorsBytes", (input) => toSafetensorsBytes(input)],
  ["toSafetensorsBlob", (input) => toSafetensorsBlob(input)],
  ["toSafetensorsStream", (input) => toSafetensorsStream(input)],
  ["openCheckpoint", (input) => openCheckpoint(input)],
  ["readSafetensorsHeader", (input) => readSafetensorsHeader(input)],
]

const NOT_INPUTS: readonly (readonly [string, unknown])[] = [
  ["a path", "model.pt"],
  ["the text of a URL of another protocol", "ftp://example.org/model.pt"],
  ["an empty string", ""],
  ["a URL of another protocol", new URL("ftp://example.org/model.pt")],
  ["a data: URL", new URL("data:application/octet-stream,x")],
  ["a URL with a password", new URL("https://me:secret@example.org/model.pt")],
  ["nothing", undefined],
  ["null", null],
  ["a number", 5],
  ["an object", {}],
  ["an array", [1, 2]],
  ["other numbers", new Float32Array(4)],
  ["a DataView", new DataView(new ArrayBuffer(4))],
  ["a response", new Response("x")],
  ["a source without read", { byteLength: 5 }],
  ["a source without a length", { read: async () => new Uint8Array(0) }],
  ["a Blob without a size", { slice: () => new Blob(), arrayBuffer: async () => new ArrayBuffer(0) }],
  ["a buffer without slices", { byteLength: 5, slice: 5 }],
  ["a source of a negative length", { byteLength: -1, read: async () => new Uint8Array(0) }],
  ["a source of a length that is no integer", { byteLength: 1.5, read: async () => new Uint8Array(0) }],
  ["a source of a length that is NaN", { byteLength: Number.NaN, read: async () => new Uint8Array(0) }],
]

describe.each(READS)("%s", (_, read) => {
  it.each(NOT_INPUTS)("refuses %s", async (_name, input) => {
    await expect(read(input as CheckpointInput)).rejects.toMatchObject({
      code: "invalid-argument",
      detail: { argument: "input" },
    })
  })
})

describe("a stream as input", () => {
  it("that is locked is refused", async () => {
    const stream = streamOf(SAMPLE)
    stream.getReader()
    await expect(toSafetensorsBytes(stream)).rejects.toMatchObject({ code: "invalid-argument" })
  })

  it("that fails is an error with its cause", async () => {
    const cause = new Error("the network went away")
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(cause) })
    await expect(toSafetensorsBytes(stream)).rejects.toMatchObject({ code: "read-failed", cause })
  })

  it("that yields something else than bytes is an error", async () => {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue("text")
        controller.close()
      },
    })
    await expect(toSafetensorsBytes(stream as ReadableStream<Uint8Array>)).rejects.toMatchObject({
      code: "read-failed",
    })
  })

  it("that says nothing is given up when the signal says so", async () => {
    let cancelled: unknown
    const stream = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = reason
      },
    })
    const controller = new AbortController()
    const run = toSafetensorsBytes(stream, { signal: controller.signal })
    const reason = { why: "enough" }
    setImmediate(() => controller.abort(reason))
    await expect(run).rejects.toBe(reason)
    await settle()
    expect(cancelled).toBe(reason)
  })
})

describe("a buffer that is fetched in slices", () => {
  it.each([
    ["text", "x".repeat(512)],
    ["nothing", undefined],
    ["a buffer that is too long", new ArrayBuffer(513)],
  ])("and answers with %s is an error", async (_, slice) => {
    const input = { byteLength: 9000, slice: async () => slice as ArrayBuffer }
    await expect(openCheckpoint(input)).rejects.toMatchObject({ code: "read-failed" })
  })

  it("and answers with less is cut off", async () => {
    const input = { byteLength: 9000, slice: async () => new ArrayBuffer(100) }
    await expect(openCheckpoint(input)).rejects.toMatchObject({ code: "truncated" })
  })
})

describe("a source of the caller", () => {
  it("stays open", async () => {
    const source = sourceOf(SAMPLE)
    await toSafetensorsBytes(source)
    const checkpoint = await openCheckpoint(source)
    await checkpoint.close()
    await checkpoint.close()
    expect(source.closed).toBe(0)
  })

  it("whose reads fail gives its own error when that is one of the library", async () => {
    const cause = new Error("EIO")
    const source = { byteLength: 100, read: () => Promise.reject(cause) }
    await expect(openCheckpoint(source)).rejects.toMatchObject({ code: "read-failed", cause })
  })
})
