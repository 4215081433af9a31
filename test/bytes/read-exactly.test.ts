/** Reading: exactly what was asked for, or an error that says how much was there. */

import { describe, expect, it } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { readExactly, readExactlyInto } from "../../src/bytes/read-exactly.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { refusal } from "../archive/refusals.ts"

const BYTES = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

/** Claims ten bytes and gives at most `most` at a time. */
function shortSource(most: number): ByteSource {
  return {
    byteLength: 10,
    read: async (offset, length) => BYTES.subarray(offset, offset + Math.min(length, most)),
    readInto: async (offset, target) => {
      const part = BYTES.subarray(offset, offset + Math.min(target.length, most))
      target.set(part)
      return part.length
    },
  }
}

describe("readExactly", () => {
  it("reads what was asked for", async () => {
    expect(await readExactly(memorySource(BYTES), { offset: 3, length: 4 })).toEqual(BYTES.subarray(3, 7))
    expect(await readExactly(memorySource(BYTES), { offset: 10, length: 0 })).toEqual(new Uint8Array(0))
  })

  it("does not ask beyond the end", async () => {
    const source = { ...memorySource(BYTES), read: () => Promise.reject(new Error("asked")) }
    const error = await refusal(readExactly(source, { offset: 8, length: 3 }, undefined, "a member"))
    expect(error).toMatchObject({
      code: "truncated",
      detail: { within: "a member", at: 8, wanted: 3, got: 2 },
    })
  })

  it("refuses a short read", async () => {
    const error = await refusal(readExactly(shortSource(3), { offset: 0, length: 4 }))
    expect(error).toMatchObject({ code: "truncated", detail: { at: 0, wanted: 4, got: 3 } })
  })

  it("refuses a long read", async () => {
    const source = { byteLength: 10, read: async () => BYTES }
    const error = await refusal(readExactly(source, { offset: 0, length: 4 }))
    expect(error).toMatchObject({ code: "read-failed" })
    expect(error.message).toContain("10 bytes where 4 were asked for")
  })

  it("wraps a failing source, and keeps the cause", async () => {
    const cause = new Error("the disk is gone")
    const source = { byteLength: 10, read: () => Promise.reject(cause) }
    const error = await refusal(readExactly(source, { offset: 0, length: 4 }))
    expect(error).toMatchObject({ code: "read-failed", detail: { reason: "the disk is gone" }, cause })
  })

  it("throws the signal's reason untouched, before and during a read", async () => {
    const reason = new Error("enough")
    const aborted = AbortSignal.abort(reason)
    await expect(readExactly(memorySource(BYTES), { offset: 0, length: 1 }, aborted)).rejects.toBe(reason)
    const controller = new AbortController()
    const source: ByteSource = {
      byteLength: 10,
      read: () => {
        controller.abort(reason)
        return Promise.reject(new Error("read was cut off"))
      },
    }
    await expect(readExactly(source, { offset: 0, length: 1 }, controller.signal)).rejects.toBe(reason)
  })
})

describe("readExactlyInto", () => {
  it("fills the target, with many short reads or without readInto", async () => {
    for (const source of [shortSource(3), memorySource(BYTES)]) {
      const target = new Uint8Array(7)
      await readExactlyInto(source, 2, target)
      expect(target).toEqual(BYTES.subarray(2, 9))
    }
  })

  it("refuses a source that stops, and one that is too short", async () => {
    const stopping: ByteSource = { ...shortSource(3), readInto: async (offset) => (offset > 2 ? 0 : 3) }
    const stopped = await refusal(readExactlyInto(stopping, 0, new Uint8Array(7)))
    expect(stopped).toMatchObject({ code: "truncated", detail: { at: 0, wanted: 7, got: 3 } })
    const short = await refusal(readExactlyInto(shortSource(3), 8, new Uint8Array(7)))
    expect(short).toMatchObject({ code: "truncated", detail: { at: 8, wanted: 7, got: 2 } })
  })
})
