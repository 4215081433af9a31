import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { type ReadRequest, readRequests } from "../../src/transfer/chunk-reads.ts"
import { depth } from "../depth.ts"
import { noise } from "../property/model.ts"

class CountingSource implements ByteSource {
  readonly byteLength: number
  readonly bytes: Uint8Array
  readonly reads: { offset: number; length: number }[] = []

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.byteLength = bytes.length
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads.push({ offset, length })
    return this.bytes.subarray(offset, offset + length)
  }
}

function request(
  source: ByteSource,
  at: number,
  length: number,
  done: ReadRequest["done"] = () => {},
): ReadRequest {
  const extent: ByteExtent = {
    source,
    offset: Math.floor(at / 2),
    storedLength: length,
    byteLength: length,
    coding: "stored",
    crc32: undefined,
    name: "member",
  }
  // The bytes are wanted behind others that nobody may touch.
  return { extent, offset: at - extent.offset, length, target: new Uint8Array(length + 3), at: 3, done }
}

describe("requests", () => {
  it("are all filled, whatever their order, overlaps and sources", async () => {
    const wanted = fc.array(fc.tuple(fc.boolean(), fc.nat(400_000), fc.nat(3000)), {
      minLength: 1,
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(wanted, async (ranges) => {
        const sources = [
          new CountingSource(noise(410_000, 1)),
          new CountingSource(noise(410_000, 2)),
        ] as const
        let done = 0
        const requests = ranges.map(([second, at, length]) =>
          request(sources[second ? 1 : 0], at, length, ({ target, at }, bytes) => {
            expect(Buffer.compare(bytes, target.subarray(at))).toBe(0)
            done += 1
          }),
        )
        await readRequests(requests, undefined)
        expect(done).toBe(requests.length)
        for (const { extent, offset, length, target, at } of requests) {
          const start = extent.offset + offset
          const { bytes } = extent.source as CountingSource
          expect(Buffer.compare(target.subarray(at), bytes.subarray(start, start + length))).toBe(0)
          expect([...target.subarray(0, at)]).toEqual([0, 0, 0])
        }
      }),
      { seed: 1, numRuns: depth({ quick: 50, deep: 200 }) },
    )
  })

  it("that lie close together share a read", async () => {
    const source = new CountingSource(noise(1_000_000, 1))
    await readRequests(
      Array.from({ length: 1000 }, (_, i) => request(source, 999_000 - i * 900, 100)),
      undefined,
    )
    expect(source.reads).toEqual([{ offset: 99_900, length: 899_200 }])
  })

  it("that lie far apart do not", async () => {
    const source = new CountingSource(noise(1_000_000, 1))
    await readRequests(
      [request(source, 0, 10), request(source, 500_000, 10), request(source, 20, 10)],
      undefined,
    )
    expect(source.reads).toEqual([
      { offset: 0, length: 30 },
      { offset: 500_000, length: 10 },
    ])
  })

  it("end with the first failure", async () => {
    const source = new CountingSource(noise(100, 1))
    const failure = new Error("no")
    const requests = [
      request(source, 0, 10, () => {
        throw failure
      }),
      request(source, 20, 10, () => expect.unreachable()),
    ]
    await expect(readRequests(requests, undefined)).rejects.toBe(failure)
  })

  it("past the end are refused before anything is read", async () => {
    const source = new CountingSource(noise(100, 1))
    await expect(readRequests([request(source, 95, 10)], undefined)).rejects.toMatchObject({
      code: "truncated",
      detail: { at: 95, wanted: 10, got: 5 },
    })
    expect(source.reads).toEqual([])
  })

  it("are all under way at once where a read is dear, and over when one of them has failed", async () => {
    const bytes = noise(1_000_000, 3)
    let underWay = 0
    let most = 0
    const source: ByteSource = {
      byteLength: bytes.length,
      readCost: "high",
      async read(offset, length) {
        most = Math.max(most, ++underWay)
        await new Promise((resolve) => setTimeout(resolve, offset === 300_000 ? 0 : 5))
        underWay--
        if (offset === 300_000) throw new Error("gone")
        return bytes.subarray(offset, offset + length)
      },
    }
    const good = [900_000, 500_000, 0].map((at) => request(source, at, 1000))
    await readRequests(good, undefined)
    expect(most).toBe(3)
    const [last] = good
    expect(last?.target.subarray(last.at)).toEqual(bytes.slice(900_000, 901_000))
    const bad = [...good, request(source, 300_000, 1000)]
    await expect(readRequests(bad, undefined)).rejects.toMatchObject({ code: "read-failed" })
    expect(underWay).toBe(0)
  })
})
