import { describe, expect, it } from "vitest"
import type { ByteSink, SafetensorsOutput } from "../../src/index.ts"
import { toSafetensors } from "../../src/index.ts"
import { EXPECTED, SAMPLE, settle } from "./sample.ts"

const NOT_OUTPUTS: readonly (readonly [string, unknown])[] = [
  ["a path", "model.safetensors"],
  ["a URL", new URL("file:///model.safetensors")],
  ["nothing", undefined],
  ["null", null],
  ["an array", new Uint8Array(10)],
  ["a readable stream", new ReadableStream()],
  ["a pair of streams", new TransformStream()],
  ["a sink without close", { write: async () => {}, abort: async () => {} }],
  ["a sink without abort", { write: async () => {}, close: async () => {} }],
  ["a sink without write", { close: async () => {}, abort: async () => {} }],
]

describe("an output", () => {
  it.each(NOT_OUTPUTS)("that is %s is refused before the input is touched", async (_, output) => {
    const input = { byteLength: 10, read: () => expect.unreachable() }
    await expect(toSafetensors(input, output as SafetensorsOutput)).rejects.toMatchObject({
      code: "invalid-argument",
      detail: { argument: "output" },
    })
  })

  it("that is locked is refused", async () => {
    const stream = new WritableStream<Uint8Array>()
    stream.getWriter()
    await expect(toSafetensors(SAMPLE, stream)).rejects.toMatchObject({ code: "invalid-argument" })
  })
})

/** What a stream was given, and how it ended. */
function watchedStream(write: () => Promise<void> = async () => {}): {
  stream: WritableStream<Uint8Array>
  chunks: Uint8Array[]
  ends: unknown[]
} {
  const chunks: Uint8Array[] = []
  const ends: unknown[] = []
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      chunks.push(chunk)
      return write()
    },
    close: () => void ends.push("closed"),
    abort: (reason) => void ends.push(reason),
  })
  return { stream, chunks, ends }
}

describe("a WritableStream", () => {
  it("gets the file and is closed", async () => {
    const { stream, chunks, ends } = watchedStream()
    await toSafetensors(SAMPLE, stream)
    expect(Buffer.compare(Buffer.concat(chunks), EXPECTED)).toBe(0)
    expect(ends).toEqual(["closed"])
  })

  it("may keep what it is given", async () => {
    const { stream, chunks } = watchedStream()
    const big = { onProgress: () => {} }
    await toSafetensors(SAMPLE, stream, big)
    const buffers = new Set(chunks.map(({ buffer }) => buffer))
    expect(buffers.size).toBe(chunks.length)
  })

  it("is aborted with the error of an input that is no checkpoint", async () => {
    const { stream, ends } = watchedStream()
    const error: unknown = await toSafetensors(new Uint8Array(10), stream).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: "not-a-checkpoint" })
    expect(ends).toEqual([error])
  })

  it("is aborted with the error of a plan that cannot be made", async () => {
    const { stream, ends } = watchedStream()
    const error: unknown = await toSafetensors(SAMPLE, stream, { include: "nothing" }).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ code: "no-tensors" })
    expect(ends).toEqual([error])
  })

  it("that fails passes on why", async () => {
    const failure = new Error("the disk is full")
    const { stream } = watchedStream(() => Promise.reject(failure))
    await expect(toSafetensors(SAMPLE, stream)).rejects.toBe(failure)
  })

  it("that takes nothing is given up when the signal says so", async () => {
    for (const stall of ["write", "backpressure"]) {
      const never = new Promise<void>(() => {})
      const reasons: unknown[] = []
      const stream = new WritableStream<Uint8Array>(
        { write: () => never, abort: (reason) => void reasons.push(reason) },
        { highWaterMark: stall === "write" ? 1 : 0 },
      )
      const controller = new AbortController()
      const run = toSafetensors(SAMPLE, stream, { signal: controller.signal })
      setImmediate(() => controller.abort("enough"))
      await expect(run).rejects.toBe("enough")
      await settle()
    }
  })

  it("is aborted with the reason of a signal", async () => {
    const controller = new AbortController()
    const { stream, ends } = watchedStream()
    const onProgress = (): void => controller.abort("enough")
    await expect(toSafetensors(SAMPLE, stream, { signal: controller.signal, onProgress })).rejects.toBe(
      "enough",
    )
    expect(ends).toEqual(["enough"])
  })
})

describe("a sink of the caller", () => {
  it.each([true, false])("gets every byte once (random access: %s)", async (randomAccess) => {
    const bytes = new Uint8Array(EXPECTED.length)
    const calls: string[] = []
    const sink: ByteSink = {
      randomAccess,
      open: async (byteLength) => void calls.push(`open ${byteLength}`),
      write: async (position, part) => bytes.set(part, position),
      close: async () => void calls.push("close"),
      abort: async () => void calls.push("abort"),
    }
    await toSafetensors(SAMPLE, sink)
    expect(Buffer.compare(bytes, EXPECTED)).toBe(0)
    expect(calls).toEqual([`open ${EXPECTED.length}`, "close"])
  })

  it("keeps its own this", async () => {
    class Sink implements ByteSink {
      readonly randomAccess = false
      readonly #parts: Uint8Array[] = []

      get bytes(): Uint8Array {
        return Buffer.concat(this.#parts)
      }

      async write(_position: number, bytes: Uint8Array): Promise<void> {
        this.#parts.push(bytes.slice())
      }

      async close(): Promise<void> {
        this.#parts.push(new Uint8Array(0))
      }

      async abort(): Promise<void> {}
    }
    const sink = new Sink()
    await toSafetensors(SAMPLE, sink)
    expect(Buffer.compare(sink.bytes, EXPECTED)).toBe(0)
  })
})
