import { describe, expect, it } from "vitest"
import type { Platform } from "../../src/api/platform.ts"
import { convertToStream } from "../../src/api/verbs.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { toSafetensorsStream } from "../../src/index.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { EXPECTED, SAMPLE, settle, sourceOf, type WatchedSource } from "./sample.ts"

/** Twelve megabytes: many more chunks than may be in flight. */
const LARGE = writeCheckpoint(
  new Map(
    Array.from({ length: 12 }, (_, i) => [`w${i}`, tensor(dtypeNamed("float32"), [262_144], { seed: i })]),
  ),
)

/** A platform whose inputs are closed after use, as files are. */
const closing: Platform<WatchedSource, never> = {
  openInput: async (source) => ({ source, close: () => source.close?.() ?? Promise.resolve() }),
  openOutput: () => expect.unreachable(),
  openStore: () => expect.unreachable(),
  crc32,
}

describe("a stream", () => {
  it("gives the file and the report", async () => {
    const { stream, report } = await toSafetensorsStream(SAMPLE)
    expect(Buffer.compare(new Uint8Array(await new Response(stream).arrayBuffer()), EXPECTED)).toBe(0)
    expect(report.byteLength).toBe(EXPECTED.length)
  })

  it("has let go of the input when it ends", async () => {
    const source = sourceOf(SAMPLE)
    const { stream } = await convertToStream(closing, source, {})
    const reader = stream.getReader()
    while (!(await reader.read()).done) expect(source.closed).toBe(0)
    expect(source.closed).toBe(1)
  })

  it("reads no further than a few chunks ahead of whoever reads it", async () => {
    const source = sourceOf(LARGE)
    const { stream } = await convertToStream(closing, source, {})
    await settle()
    const before = source.reads
    await settle()
    expect(source.reads).toBe(before)
    const reader = stream.getReader()
    await reader.read()
    await settle()
    const after = source.reads
    expect(after).toBeLessThan(before + 4)
    await settle()
    expect(source.reads).toBe(after)
    await reader.cancel()
  })

  it("that is cancelled stops reading, and has let go of the input", async () => {
    for (const chunks of [0, 1, 3]) {
      const source = sourceOf(LARGE)
      const { stream } = await convertToStream(closing, source, {})
      const reader = stream.getReader()
      for (let i = 0; i < chunks; i++) await reader.read()
      await reader.cancel("not wanted")
      expect(source.closed).toBe(1)
      const { reads } = source
      await settle()
      expect(source.reads).toBe(reads)
    }
  })

  it("that is cancelled while checksums are taken stops too", async () => {
    // A slice of one element makes the whole storage be read for its checksum, after all bytes are out.
    const storage = tensor(dtypeNamed("float32"), [3_000_000]).storage
    const file = writeCheckpoint(new Map([["w", tensor(dtypeNamed("float32"), [1], { storage, offset: 5 })]]))
    const source = sourceOf(file)
    const slow = {
      ...source,
      read: async (offset: number, length: number) => {
        await settle()
        return source.read(offset, length)
      },
    }
    const { stream, report } = await convertToStream(closing, slow, {})
    const reader = stream.getReader()
    for (let read = 0; read < report.byteLength; ) read += (await reader.read()).value?.length ?? 0
    await reader.cancel()
    const { reads } = source
    await settle()
    await settle()
    expect(source.reads).toBe(reads)
    expect(source.closed).toBe(1)
  })

  it("ends with the signal's reason, also while nobody reads", async () => {
    const controller = new AbortController()
    const source = sourceOf(LARGE)
    const { stream } = await convertToStream(closing, source, { signal: controller.signal })
    await settle()
    controller.abort("enough")
    await settle()
    expect(source.closed).toBe(1)
    await expect(stream.getReader().read()).rejects.toBe("enough")
  })

  it("fails with what goes wrong while bytes move", async () => {
    const broken = LARGE.slice()
    broken[LARGE.length >> 1] = (broken[LARGE.length >> 1] ?? 0) ^ 1
    const source = sourceOf(broken)
    const { stream } = await convertToStream(closing, source, {})
    await expect(new Response(stream).arrayBuffer()).rejects.toMatchObject({ code: "checksum" })
    expect(source.closed).toBe(1)
  })

  it("is not made when the plan fails, and the input is let go of", async () => {
    const source = sourceOf(SAMPLE)
    const failing = convertToStream(closing, source, { include: "nothing" })
    await expect(failing).rejects.toMatchObject({ code: "no-tensors" })
    expect(source.closed).toBe(1)
  })

  it("fails when the input cannot be closed, with no rejection left over", async () => {
    const failure = new Error("close")
    const source = { ...sourceOf(SAMPLE), close: () => Promise.reject(failure) }
    const { stream } = await convertToStream(closing, source, {})
    await expect(new Response(stream).arrayBuffer()).rejects.toBe(failure)
    await settle()
  })

  it("under a signal that was aborted before is not made", async () => {
    const run = toSafetensorsStream(SAMPLE, { signal: AbortSignal.abort("before") })
    await expect(run).rejects.toBe("before")
  })
})
