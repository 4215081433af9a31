import { describe, expect, it } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { checkSafetensors, readSafetensorsHeader } from "../../src/safetensors/read-header.ts"
import { entry, fileOf } from "./header-bytes.ts"

const FILE = fileOf(`{"a":${entry()}}`, 4)

/** A source that keeps a list of the ranges that were read. */
function recording(bytes: Uint8Array): { source: ByteSource; reads: [number, number][] } {
  const reads: [number, number][] = []
  const inner = memorySource(bytes)
  const source: ByteSource = {
    byteLength: bytes.length,
    read: (offset, length) => {
      reads.push([offset, length])
      return inner.read(offset, length)
    },
  }
  return { source, reads }
}

describe("readSafetensorsHeader", () => {
  it("reads the length and the header, and no data", async () => {
    const { source, reads } = recording(FILE)
    const header = await readSafetensorsHeader(source)
    expect(header.tensors.get("a")).toEqual({ dtype: "U8", shape: [4], start: 0, end: 4 })
    expect(reads).toEqual([
      [0, 8],
      [8, FILE.length - 12],
    ])
  })

  it("reads nothing more once the length is wrong", async () => {
    const { source, reads } = recording(fileOf("{}", 0, 2n ** 40n))
    await expect(readSafetensorsHeader(source)).rejects.toMatchObject({ code: "safetensors-invalid" })
    expect(reads).toEqual([[0, 8]])
  })

  it("takes the limits given", async () => {
    await expect(
      readSafetensorsHeader(memorySource(FILE), { limits: { maxHeaderBytes: 8 } }),
    ).rejects.toThrow(/header-too-large/)
  })

  it("refuses files of fewer than 8 bytes", async () => {
    for (let length = 0; length < 8; length++) {
      await expect(readSafetensorsHeader(memorySource(FILE.subarray(0, length)))).rejects.toThrow(
        /file-too-short/,
      )
    }
  })
})

describe("checkSafetensors", () => {
  it("tells of a valid file", async () => {
    const check = await checkSafetensors(memorySource(FILE))
    expect(check).toMatchObject({ valid: true, findings: [] })
    expect(check.header?.tensors.size).toBe(1)
  })

  it("gives warnings and the header together", async () => {
    const check = await checkSafetensors(memorySource(fileOf(`{"a":${entry({ x: "1" })}}`, 4)))
    expect(check.valid).toBe(true)
    expect(check.findings.map((finding) => finding.rule)).toEqual(["field-unknown"])
    expect(check.header?.tensors.size).toBe(1)
  })

  it("does not throw for a bad file, and gives no header", async () => {
    const check = await checkSafetensors(memorySource(fileOf(`{"a":${entry()}}`, 3)))
    expect(check.valid).toBe(false)
    expect(check.findings.map((finding) => finding.rule)).toEqual(["data-truncated"])
    expect("header" in check).toBe(false)
  })

  it("throws when the source fails, shrinks or is given up", async () => {
    const failing: ByteSource = { byteLength: 100, read: () => Promise.reject(new Error("no disk")) }
    await expect(checkSafetensors(failing)).rejects.toMatchObject({ code: "read-failed" })
    const shrunk: ByteSource = { ...memorySource(FILE.subarray(0, 20)), byteLength: FILE.length }
    await expect(checkSafetensors(shrunk)).rejects.toMatchObject({ code: "truncated" })
    const reason = new Error("enough")
    await expect(checkSafetensors(memorySource(FILE), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
  })
})
