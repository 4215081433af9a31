/** Local headers that are read when they are needed: what that saves, and that nothing gets by. */

import { describe, expect, it } from "vitest"
import { readZip } from "../../src/archive/read-zip.ts"
import { locateExtents } from "../../src/bytes/byte-extent.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { isCheckpointError, openCheckpoint, scan, toSafetensorsBytes } from "../../src/index.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { places } from "../depth.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { refusal } from "./refusals.ts"
import { torchArchive } from "./zip-builder.ts"

interface DearSource extends ByteSource {
  reads: number
}

function dear(bytes: Uint8Array): DearSource {
  return {
    byteLength: bytes.length,
    readCost: "high",
    reads: 0,
    async read(offset, length) {
      this.reads += 1
      return bytes.subarray(offset, offset + length)
    },
  }
}

const F32 = dtypeNamed("float32")

function archive(count: number, byteLength: number): Uint8Array {
  const data = new Uint8Array(byteLength).fill(7)
  return torchArchive(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m/data/${i}`, data])))
}

async function outcome(input: Uint8Array | ByteSource): Promise<string> {
  try {
    return Buffer.from((await toSafetensorsBytes(input)).bytes).toString("hex")
  } catch (error) {
    if (isCheckpointError(error)) return error.message
    throw error
  }
}

describe("members of an archive that is dear to read", () => {
  it("are located when they are asked for, once, neighbours together", async () => {
    const bytes = archive(40, 100_000)
    const source = dear(bytes)
    const { entries } = await readZip(source, DEFAULT_LIMITS, undefined, "when-needed")
    expect(source.reads).toBe(1)
    const expected = (await readZip(dear(bytes), DEFAULT_LIMITS)).entries
    const [first, second, third] = [...entries.values()]
    if (first === undefined || second === undefined || third === undefined) expect.unreachable()
    expect(() => first.offset).toThrow("nobody has located")
    for (const extent of entries.values()) {
      const { earliest, latest } = extent.locator?.boundsOf(extent) ?? expect.unreachable()
      const { offset } = expected.get(extent.name) ?? expect.unreachable()
      expect(latest - earliest).toBeLessThanOrEqual(24)
      expect([earliest <= offset, offset <= latest]).toEqual([true, true])
    }
    await locateExtents([second, first])
    // The headers of both, and the descriptor of the second with the third's header, which stays unknown.
    expect(source.reads).toBe(4)
    expect(first.locator?.boundsOf(first)).toEqual({ earliest: first.offset, latest: first.offset })
    expect(() => third.offset).toThrow("nobody has located")
    await locateExtents([first])
    expect(source.reads).toBe(4)
    await locateExtents(entries.values())
    const offsets = [...entries.values()].map(({ offset }) => offset)
    expect(offsets).toEqual([...expected.values()].map(({ offset }) => offset))
  })

  it("share reads where they are small", async () => {
    const source = dear(archive(500, 16))
    const { entries } = await readZip(source, DEFAULT_LIMITS, undefined, "when-needed")
    await locateExtents(entries.values())
    expect(source.reads).toBeLessThanOrEqual(3)
  })

  it("stay unknown when something is wrong with them", async () => {
    const bytes = archive(3, 100_000).slice()
    const at = Buffer.from(bytes).indexOf("PK\x07\x08", 150_000, "latin1")
    bytes[at + 5] = (bytes[at + 5] ?? 0) ^ 1
    const { entries } = await readZip(dear(bytes), DEFAULT_LIMITS, undefined, "when-needed")
    const [first, second] = [...entries.values()]
    if (first === undefined || second === undefined) expect.unreachable()
    await locateExtents([first])
    for (let again = 0; again < 2; again++) {
      expect((await refusal(locateExtents([second]))).code).toBe("zip-mismatch")
      expect(() => second.offset).toThrow("nobody has located")
    }
  })
})

describe("a checkpoint that is dear to read", () => {
  const file = writeCheckpoint(
    new Map([
      ["a", tensor(F32, [3], { seed: 1 })],
      ["b", tensor(F32, [2, 3], { strides: [1, 2], seed: 2 })],
    ]),
  )

  it("gives the same output or the same error, whatever bit of it is wrong", async () => {
    const right = await outcome(file)
    const members = new Set<string>()
    for (const at of places(file.length, 150)) {
      const mutant = file.slice()
      mutant[at] = (mutant[at] ?? 0) ^ (1 << (at % 8))
      const [usual, putOff] = [await outcome(mutant), await outcome(dear(mutant))]
      if (usual === putOff) continue
      // Of two members that are wrong the other may be met first; one that nobody reads is not looked at.
      const error = await toSafetensorsBytes(mutant).catch((e: unknown) => e)
      const within = isCheckpointError(error) && "within" in error.detail ? error.detail.within : undefined
      if (putOff === right) members.add(String(within))
      else expect(putOff).not.toMatch(/^[0-9a-f]+$/)
    }
    // A conversion reads all members: there is none whose fault it could pass by.
    expect([...members]).toEqual([])
  })

  it("is scanned in full", async () => {
    const bytes = file.slice()
    const at = Buffer.from(bytes).indexOf("PK\x03\x04", 100, "latin1")
    bytes[at + 10] = 9
    expect(await scan(dear(bytes))).toEqual(await scan(bytes))
  })

  it("opens without its members, and checks them when a tensor is read", async () => {
    const header = Buffer.from(file).lastIndexOf("PK\x03\x04", Buffer.from(file).indexOf("/data/1"), "latin1")
    const bytes = file.slice()
    bytes[header + 8] = 8
    await using checkpoint = await openCheckpoint(dear(bytes))
    await expect(checkpoint.readTensor("b")).rejects.toMatchObject({ code: "zip-mismatch" })
    await expect(openCheckpoint(bytes)).rejects.toMatchObject({ code: "zip-mismatch" })
  })
})
