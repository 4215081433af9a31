/** Deflated extents: what they hold, and every lie about where they end, by the portable inflater and by Node's. */

import { crc32, deflateRawSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { type InflateExtent, inflateExtent, readExtent } from "../../src/bytes/read-extent.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { nodeInflate } from "../../src/node/node-inflate.ts"
import { refusal } from "../archive/refusals.ts"
import { depth, places } from "../depth.ts"

function deflated(data: Uint8Array, changes: Partial<ByteExtent> = {}, level = 6): ByteExtent {
  return extentOf(new Uint8Array(deflateRawSync(data, { level })), data.length, changes)
}

function extentOf(stored: Uint8Array, byteLength: number, changes: Partial<ByteExtent> = {}): ByteExtent {
  const source = memorySource(stored)
  return {
    source,
    offset: 0,
    storedLength: stored.length,
    byteLength,
    coding: "deflate",
    crc32: undefined,
    name: "archive/data/0",
    ...changes,
  }
}

interface Collected {
  readonly bytes: Uint8Array
  readonly longest: number
  readonly count: number
}

async function collectBy(inflate: InflateExtent, extent: ByteExtent): Promise<Collected> {
  const chunks: Uint8Array[] = []
  for await (const chunk of inflate(extent)) chunks.push(chunk)
  const longest = Math.max(0, ...chunks.map((chunk) => chunk.length))
  return { bytes: new Uint8Array(Buffer.concat(chunks)), longest, count: chunks.length }
}

/** Bytes that do not compress, the same in each run. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

const TEXT = new TextEncoder().encode("the quick brown fox jumps over the lazy dog. ".repeat(20))
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const stored = (data: Uint8Array): Uint8Array => new Uint8Array(deflateRawSync(data))

describe.each<[engine: string, inflate: InflateExtent]>([
  ["portable", inflateExtent],
  ["Node's", nodeInflate],
])("%s", (_, inflate) => {
  const collect = (extent: ByteExtent): Promise<Collected> => collectBy(inflate, extent)

  describe("gives back", () => {
    it.each([0, 1, 6, 9])("gives back what was deflated at level %i", async (level) => {
      for (const data of [
        new Uint8Array(0),
        TEXT,
        noise(300_000),
        join(noise(70_000), TEXT, noise(70_000)),
      ]) {
        expect(Buffer.compare((await collect(deflated(data, {}, level))).bytes, data)).toBe(0)
      }
    })

    it("yields no empty chunk, and nothing for nothing", async () => {
      expect((await collect(deflated(new Uint8Array(0)))).count).toBe(0)
      for await (const chunk of inflate(deflated(noise(100_000), {}, 0))) {
        expect(chunk.length).toBeGreaterThan(0)
      }
    })

    it("reads at its offset and no further", async () => {
      const data = stored(TEXT)
      const file = join(noise(1000), data, noise(1000))
      const extent = { ...extentOf(file, TEXT.length), offset: 1000, storedLength: data.length }
      expect((await collect(extent)).bytes).toEqual(TEXT)
    })

    it("agrees with zlib on random data", async () => {
      const pieces = fc.array(fc.oneof(fc.uint8Array({ maxLength: 5000 }), fc.constant(new Uint8Array(3000))))
      await fc.assert(
        fc.asyncProperty(pieces, fc.integer({ min: 0, max: 9 }), async (parts, level) => {
          const data = join(...parts)
          expect(Buffer.compare((await collect(deflated(data, {}, level))).bytes, data)).toBe(0)
        }),
        { numRuns: depth({ quick: 20, deep: 60 }) },
      )
    })

    it("keeps what one step gives bounded, whatever the expansion", async () => {
      const byteLength = depth({ quick: 24, deep: 64 }) * 2 ** 20
      const { longest, bytes } = await collect(deflated(new Uint8Array(byteLength)))
      expect(bytes.length).toBe(byteLength)
      expect(longest).toBeLessThanOrEqual(17 * 2 ** 20)
    })
  })

  describe("refused with inflate", () => {
    const whole = stored(TEXT)
    const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)
    const bomb = stored(new Uint8Array(4 * 2 ** 20))

    it.each<readonly [string, ByteExtent]>([
      ["one byte more than claimed", extentOf(whole, TEXT.length - 1)],
      ["one byte less than claimed", extentOf(whole, TEXT.length + 1)],
      ["nothing where bytes are claimed", extentOf(stored(new Uint8Array(0)), 5)],
      ["bytes where nothing is claimed", extentOf(whole, 0)],
      ["no data at all", extentOf(new Uint8Array(0), 0)],
      ["a bomb", extentOf(bomb, 100_000)],
      ["a size that no deflate data gives", extentOf(whole, whole.length * 1032 + 1)],
      ["a size of 2^53 - 1", extentOf(whole, Number.MAX_SAFE_INTEGER)],
      ["one byte behind", extentOf(join(whole, Uint8Array.of(0)), TEXT.length)],
      ["eight bytes behind", extentOf(join(whole, new Uint8Array(8)), TEXT.length)],
      ["20,000 bytes behind", extentOf(join(whole, noise(20_000)), TEXT.length)],
      ["300,000 bytes behind", extentOf(join(whole, noise(300_000)), TEXT.length)],
      ["the header of a gzip member behind", extentOf(join(whole, new Uint8Array(8), header), TEXT.length)],
      [
        "a whole gzip member behind",
        extentOf(join(whole, new Uint8Array(8), header, stored(new Uint8Array(0))), TEXT.length),
      ],
      ["the data twice", extentOf(join(whole, whole), TEXT.length)],
      ["an invalid block type", extentOf(Uint8Array.of(0x07), 0)],
      ["noise", extentOf(noise(5000).fill(0xff, 0, 4), 10_000)],
      ["a distance before the beginning", extentOf(Uint8Array.of(0x03 | 0x40, 0x04, 0x42, 0x00), 100)],
      ["a stored block that is cut off", extentOf(Uint8Array.of(0x01, 0x05, 0x00, 0xfa, 0xff, 1, 2), 5)],
    ])("%s", async (_, extent) => {
      const error = await refusal(collect(extent))
      expect(error).toMatchObject({ code: "inflate", detail: { within: "archive/data/0" } })
    })

    it("every prefix, and every prefix that claims the size it gives", async () => {
      for (const length of places(whole.length, 20)) {
        const cut = whole.subarray(0, length)
        for (const byteLength of [TEXT.length, 0, 1, 45]) {
          expect((await refusal(collect(extentOf(cut, byteLength)))).code).toBe("inflate")
        }
      }
    })

    it("every tail, 1 to 64 bytes, wherever the steps fall", async () => {
      for (const data of [TEXT, noise(16_384 - 20), noise(16_384)]) {
        const coded = new Uint8Array(deflateRawSync(data, { level: 1 }))
        for (const shorter of places(64, 6)) {
          const length = shorter + 1
          for (const tail of [new Uint8Array(length), noise(length), join(header, noise(length))]) {
            expect((await refusal(collect(extentOf(join(coded, tail), data.length)))).code).toBe("inflate")
          }
        }
      }
    })

    it("any single changed bit, unless the decoded bytes have the right length", async () => {
      for (const bit of places(whole.length * 8, 60)) {
        const changed = whole.slice()
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
        try {
          expect((await collect(extentOf(changed, TEXT.length))).bytes.length).toBe(TEXT.length)
        } catch (error) {
          expect(error).toMatchObject({ code: "inflate" })
        }
      }
    })
  })

  describe("reading", () => {
    it("says truncated when the source has become shorter", async () => {
      const data = stored(noise(400_000))
      const source: ByteSource = {
        byteLength: data.length,
        read: async (offset, length) => data.subarray(offset, Math.min(offset + length, 300_000)),
      }
      const error = await refusal(collect(extentOf(data, 400_000, { source })))
      expect(error).toMatchObject({ code: "truncated", detail: { within: "archive/data/0" } })
    })

    it("stops with the signal's own reason", async () => {
      const controller = new AbortController()
      const reason = new Error("enough")
      const chunks = inflate(deflated(noise(2_000_000)), controller.signal)
      await chunks.next()
      controller.abort(reason)
      const rest = async (): Promise<void> => {
        for await (const _ of chunks);
      }
      await expect(rest()).rejects.toBe(reason)
    })
  })
})

it("are refused by both engines alike, whatever byte is changed", async () => {
  const whole = stored(noise(400).fill(7, 100, 300))
  const outcome = async (inflate: InflateExtent, extent: ByteExtent): Promise<string> => {
    try {
      return Buffer.from((await collectBy(inflate, extent)).bytes).toString("hex")
    } catch (error) {
      return isCheckpointError(error) ? error.code : String(error)
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(255), fc.nat(500), async (position, byte, byteLength) => {
      const changed = whole.slice()
      changed[position % changed.length] = byte
      const extent = extentOf(changed, position % 2 === 0 ? 400 : byteLength)
      expect(await outcome(nodeInflate, extent)).toBe(await outcome(inflateExtent, extent))
    }),
    { numRuns: depth({ quick: 300, deep: 3000 }), seed: 2 },
  )
})

describe("readExtent", () => {
  it("reads stored and deflated extents and checks them", async () => {
    const expected = crc32(TEXT)
    expect(await readExtent(deflated(TEXT, { crc32: expected }))).toEqual(TEXT)
    const plain = extentOf(TEXT, TEXT.length, { coding: "stored", crc32: expected })
    expect(await readExtent(plain)).toEqual(TEXT)
    expect(await readExtent(deflated(new Uint8Array(0), { crc32: 0 }))).toEqual(new Uint8Array(0))
  })

  it("refuses a wrong checksum, and does not look without one", async () => {
    for (const coding of ["stored", "deflate"] as const) {
      const bytes = coding === "stored" ? TEXT : stored(TEXT)
      const error = await refusal(readExtent(extentOf(bytes, TEXT.length, { coding, crc32: 1 })))
      expect(error).toMatchObject({
        code: "checksum",
        detail: { within: "archive/data/0", expected: 1, actual: crc32(TEXT) },
      })
      expect(await readExtent(extentOf(bytes, TEXT.length, { coding }))).toEqual(TEXT)
    }
  })

  it("uses the CRC-32 that it is given", async () => {
    const calls: number[] = []
    await readExtent(deflated(TEXT, { crc32: 7 }), {
      crc32: (bytes, previous) => {
        calls.push(bytes.length, previous)
        return 7
      },
    })
    expect(calls).toEqual([TEXT.length, 0])
  })
})
