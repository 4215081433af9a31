/** How an archive is read: how often, how much, how much at once, and what happens when reading fails. */

import { describe, expect, it } from "vitest"
import { readZip } from "../../src/archive/read-zip.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { depth } from "../depth.ts"
import { refusal } from "./refusals.ts"
import { buildZip, torchArchive } from "./zip-builder.ts"

interface Counts {
  reads: number
  bytes: number
  inFlight: number
  mostInFlight: number
  longest: number
}

/** A source over `archive` that counts; reads resolve in a later turn, the most recent first. */
function countingSource(archive: Uint8Array): { source: ByteSource; counts: Counts } {
  const counts: Counts = { reads: 0, bytes: 0, inFlight: 0, mostInFlight: 0, longest: 0 }
  const source: ByteSource = {
    byteLength: archive.length,
    async read(offset, length) {
      counts.reads++
      counts.bytes += length
      counts.longest = Math.max(counts.longest, length)
      counts.mostInFlight = Math.max(counts.mostInFlight, ++counts.inFlight)
      await new Promise((resolve) => setTimeout(resolve, 3 - (counts.reads % 3)))
      counts.inFlight--
      return archive.subarray(offset, offset + length)
    },
  }
  return { source, counts }
}

const numbered = (count: number, byteLength: number): Uint8Array => {
  const data = new Uint8Array(byteLength).fill(7)
  return torchArchive(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m/data/${i}`, data])))
}

describe("reading the directory", () => {
  it("reads an archive of 64 KiB twice: its end, then all local headers", async () => {
    const { source, counts } = countingSource(numbered(100, 16))
    expect((await readZip(source, DEFAULT_LIMITS)).entries.size).toBe(100)
    expect(counts.reads).toBe(2)
  })

  it("needs few reads for many small members, none of them large", async () => {
    const count = depth({ quick: 5000, deep: 20_000 })
    const { source, counts } = countingSource(numbered(count, 16))
    expect((await readZip(source, DEFAULT_LIMITS)).entries.size).toBe(count)
    expect(counts.reads).toBeLessThanOrEqual(8)
    expect(counts.longest).toBeLessThanOrEqual(2 ** 21)
  })

  it("does not read large members", async () => {
    const { source, counts } = countingSource(numbered(40, depth({ quick: 150_000, deep: 1_000_000 })))
    const archive = await readZip(source, DEFAULT_LIMITS)
    expect([...archive.entries.values()].every((extent) => extent.offset % 64 === 0)).toBe(true)
    expect(counts.reads).toBeLessThanOrEqual(42)
    expect(counts.bytes).toBeLessThan(80_000)
    expect(counts.mostInFlight).toBeGreaterThan(1)
    expect(counts.mostInFlight).toBeLessThanOrEqual(8)
  })

  it("gives the same members wherever windows begin and end", async () => {
    for (const byteLength of [0, 1, 4_000, 65_400, 65_536, 65_600, 70_000]) {
      const { source } = countingSource(numbered(20, byteLength))
      const archive = await readZip(source, DEFAULT_LIMITS)
      const offsets = [...archive.entries.values()].map((extent) => extent.offset)
      expect(offsets.every((offset, i) => i === 0 || offset > (offsets[i - 1] as number))).toBe(true)
    }
  })
})

describe("a source that fails", () => {
  const archive = numbered(30, 100_000)

  it("throws the first fault in file order, and leaves no rejection behind", async () => {
    const broken = archive.slice()
    for (const at of [10, 20]) broken[findHeader(broken, `m/data/${at}`)] = 0
    const { source } = countingSource(broken)
    const error = await refusal(readZip(source, DEFAULT_LIMITS))
    expect(error).toMatchObject({ code: "zip-entry", detail: { within: "m/data/10" } })
  })

  it("says truncated when it gives less than it has", async () => {
    const source: ByteSource = {
      byteLength: archive.length,
      read: async (offset, length) =>
        archive.subarray(offset, offset + length - (offset < 2_000_000 ? 1 : 0)),
    }
    expect((await refusal(readZip(source, DEFAULT_LIMITS))).code).toBe("truncated")
  })

  it("says read-failed when it rejects", async () => {
    const source: ByteSource = {
      byteLength: archive.length,
      read: (offset, length) =>
        offset > 500_000 && offset < 2_000_000
          ? Promise.reject(new Error("bad sector"))
          : Promise.resolve(archive.subarray(offset, offset + length)),
    }
    const error = await refusal(readZip(source, DEFAULT_LIMITS))
    expect(error).toMatchObject({ code: "read-failed", detail: { reason: "bad sector" } })
  })

  it("stops with the signal's own reason, before and between reads", async () => {
    const reason = new Error("enough")
    const { source, counts } = countingSource(archive)
    await expect(readZip(source, DEFAULT_LIMITS, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(counts.reads).toBe(0)
    const controller = new AbortController()
    const stopping: ByteSource = {
      byteLength: archive.length,
      read: async (offset, length, signal) => {
        if (offset > 500_000 && offset < 2_000_000) controller.abort(reason)
        return source.read(offset, length, signal)
      },
    }
    await expect(readZip(stopping, DEFAULT_LIMITS, controller.signal)).rejects.toBe(reason)
  })
})

/** Where the local header of the member with that name begins. */
function findHeader(bytes: Uint8Array, name: string): number {
  return Buffer.from(bytes).indexOf(`${name}FB`) - 30
}

describe("memory", () => {
  it("does not grow with what the end record claims", async () => {
    const bytes = buildZip({
      members: [{ name: "a" }],
      zip64: { directoryLength: 2 ** 40, directoryOffset: 0 },
      end: { directoryLength: 0xffffffff, directoryOffset: 0xffffffff },
    })
    const { source, counts } = countingSource(bytes)
    expect((await refusal(readZip(source, DEFAULT_LIMITS))).code).toBe("zip-end-record")
    expect(counts.reads).toBe(1)
  })
})
