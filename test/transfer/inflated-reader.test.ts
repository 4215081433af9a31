import { deflateRawSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { InflateBudget, InflatedReader } from "../../src/transfer/chunk-reads.ts"
import { depth } from "../depth.ts"
import { noise } from "../property/model.ts"

/** Half noise, half zeros, so that it deflates a little. */
function content(length: number, seed: number): Uint8Array {
  const bytes = noise(length, seed)
  return bytes.map((byte, i) => (i % 64 < 32 ? byte : 0))
}

function deflated(
  bytes: Uint8Array,
  changes: Partial<ByteExtent> & { readonly stored?: Uint8Array } = {},
): ByteExtent {
  const { stored = new Uint8Array(deflateRawSync(bytes)), ...rest } = changes
  return {
    source: memorySource(stored),
    offset: 0,
    storedLength: stored.length,
    byteLength: bytes.length,
    coding: "deflate",
    crc32: undefined,
    name: "member",
    ...rest,
  }
}

const unlimited = (): InflateBudget => new InflateBudget(Number.POSITIVE_INFINITY)

async function read(
  reader: InflatedReader,
  extent: ByteExtent,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const target = new Uint8Array(length)
  await reader.readInto(extent, offset, target)
  return target
}

describe("an inflated reader", () => {
  it("gives any range, forward and back, of several extents in turn", async () => {
    const contents = [content(200_000, 1), content(50_000, 2), content(300, 3)]
    const extents = contents.map((bytes) => deflated(bytes))
    const reads = fc.array(fc.tuple(fc.nat(2), fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(reads, async (wanted) => {
        const reader = new InflatedReader(unlimited(), undefined)
        for (const [i, a, b] of wanted) {
          const bytes = contents[i] ?? new Uint8Array(0)
          const offset = a % (bytes.length + 1)
          const length = b % (bytes.length - offset + 1)
          const extent = extents[i]
          if (extent === undefined) continue
          const got = await read(reader, extent, offset, length)
          expect(Buffer.compare(got, bytes.subarray(offset, offset + length))).toBe(0)
        }
        await reader.close()
      }),
      { seed: 1, numRuns: depth({ quick: 30, deep: 120 }) },
    )
  })

  it("reads on where it stands, and begins anew to go back", async () => {
    const bytes = content(900_000, 4)
    let reads = 0
    const inner = deflated(bytes)
    const source: ByteSource = {
      byteLength: inner.source.byteLength,
      read: (offset, length) => {
        if (offset === 0) reads += 1
        return inner.source.read(offset, length)
      },
    }
    const extent = { ...inner, source }
    const reader = new InflatedReader(unlimited(), undefined)
    for (let offset = 0; offset < 800_000; offset += 100_000) await read(reader, extent, offset, 50_000)
    expect(reads).toBe(1)
    await read(reader, extent, 749_999, 10)
    expect(reads).toBe(2)
    await read(reader, extent, 749_000, 10)
    expect(reads).toBe(3)
  })

  it("stops when what it inflates is more than it may", async () => {
    const extent = deflated(content(300_000, 5))
    const reader = new InflatedReader(new InflateBudget(700_000), undefined)
    await read(reader, extent, 0, 300_000)
    await read(reader, extent, 0, 300_000)
    const third = read(reader, extent, 0, 300_000)
    await expect(third).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "inflateRatio", allowed: 700_000, within: "member" },
    })
  })

  const bytes = content(5000, 6)
  const stored = new Uint8Array(deflateRawSync(bytes))
  it.each([
    ["a byte follows the data", deflated(bytes, { stored: Buffer.concat([stored, Buffer.of(0)]) })],
    ["the data is cut off", deflated(bytes, { stored: stored.slice(0, -20) })],
    ["there is more than is claimed", deflated(bytes, { byteLength: 4999 })],
    ["there is less than is claimed", deflated(bytes, { byteLength: 5001 })],
    ["the data is no deflate data", deflated(bytes, { stored: new Uint8Array(stored.length).fill(0xff) })],
  ])("refuses an extent where %s, once it comes to the end", async (_, extent) => {
    const reader = new InflatedReader(unlimited(), undefined)
    await expect(read(reader, extent, 0, extent.byteLength)).rejects.toMatchObject({ code: "inflate" })
    await reader.close()
  })

  it("can be used again after a failure", async () => {
    const reader = new InflatedReader(unlimited(), undefined)
    const broken = deflated(bytes, { stored: stored.slice(0, -20) })
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(read(reader, broken, 100, 4900)).rejects.toMatchObject({ code: "inflate" })
    }
    expect(Buffer.compare(await read(reader, deflated(bytes), 100, 200), bytes.subarray(100, 300))).toBe(0)
  })

  it("throws the signal's reason", async () => {
    const controller = new AbortController()
    const reader = new InflatedReader(unlimited(), controller.signal)
    const extent = deflated(bytes)
    await read(reader, extent, 0, 10)
    const reason = { any: "thing" }
    controller.abort(reason)
    await expect(read(reader, deflated(bytes), 0, 10)).rejects.toBe(reason)
  })
})
