import { describe, expect, it } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { type LegacyPickles, readLegacyPickles } from "../../src/layouts/torch-legacy/legacy-layout.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { hex, join, pickle2 } from "../pickle/assemble.ts"
import { refusedAsync } from "../torch/support.ts"

const KiB = 1024

/** Five pickles, the fourth a text of that many bytes, and something behind them. */
function file(textBytes: number, tail: Uint8Array = hex("")): Uint8Array {
  const small = pickle2("NONE")
  return join([
    small,
    small,
    small,
    pickle2(["BINUNICODE", new Uint8Array(textBytes).fill(0x61)]),
    small,
    tail,
  ])
}

/** A source that notes what is read. */
function noting(bytes: Uint8Array): { source: ByteSource; reads: number[] } {
  const { read, byteLength } = memorySource(bytes)
  const reads: number[] = []
  const note = (offset: number, length: number) => {
    expect(offset).toBe(0)
    reads.push(length)
    return read(offset, length)
  }
  return { source: { byteLength, read: note }, reads }
}

function readFrom(source: ByteSource, limits: Partial<Limits> = {}): Promise<LegacyPickles> {
  return readLegacyPickles(source, { ...DEFAULT_LIMITS, ...limits }, undefined)
}

describe("readLegacyPickles", () => {
  it("finds where each begins and the last ends", async () => {
    const { starts, end } = await readFrom(memorySource(file(10, hex("00 01 02"))))
    expect([...starts]).toEqual([
      ["magic number", 0],
      ["protocol version", 4],
      ["system info", 8],
      ["object", 12],
      ["storage keys", 30],
    ])
    expect(end).toBe(34)
  })

  it("reads a quarter of a megabyte, and four times as much while that is not enough", async () => {
    const tail = new Uint8Array(2000 * KiB)
    for (const [textBytes, expected] of [
      [10, [256]],
      [256 * KiB, [256, 1024]],
      [1024 * KiB, [256, 1024, 4096]],
    ] as const) {
      const { source, reads } = noting(file(textBytes, tail))
      const whole = source.byteLength / KiB
      await readFrom(source)
      expect(reads.map((length) => length / KiB)).toEqual(expected.map((length) => Math.min(length, whole)))
    }
  })

  it("never reads beyond the file or the limit", async () => {
    const { source, reads } = noting(file(10))
    await readFrom(source)
    expect(reads).toEqual([source.byteLength])

    const large = noting(file(600 * KiB, new Uint8Array(2000 * KiB)))
    const error = await refusedAsync(readFrom(large.source, { maxPickleBytes: 500 * KiB }))
    expect(error.detail).toMatchObject({ limit: "maxPickleBytes", within: "object pickle" })
    expect(large.reads.map((length) => length / KiB)).toEqual([256, 500])
  })

  it("takes pickles of exactly the limit", async () => {
    const bytes = file(1000, hex("00"))
    const end = bytes.length - 1
    expect((await readFrom(memorySource(bytes), { maxPickleBytes: end })).end).toBe(end)
    const error = await refusedAsync(readFrom(memorySource(bytes), { maxPickleBytes: end - 1 }))
    expect(error.code).toBe("limit-exceeded")
  })

  it.each<[what: string, bytes: Uint8Array, last: string]>([
    ["nothing", hex(""), "magic number"],
    ["the second cut off", hex("80 02 4e 2e 80 02"), "protocol version"],
    ["the third missing", hex("80 02 4e 2e 80 02 4e 2e"), "system info"],
    ["the second broken", hex("80 02 4e 2e ff 80 02 4e 2e"), "protocol version"],
    ["the first with bad text", hex("80 02 58 01 00 00 00 ff 2e"), "magic number"],
  ])("ends with the pickle that is broken, for the machine to say why: %s", async (_, bytes, last) => {
    const { starts } = await readFrom(memorySource(bytes))
    expect([...starts.keys()].at(-1)).toBe(last)
  })
})
