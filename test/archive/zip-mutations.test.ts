/** Small changes anywhere: an archive with a changed byte opens as it was, or not at all. */

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { depth, places } from "../depth.ts"
import { listing, open, refusal } from "./refusals.ts"
import { buildZip, descriptor, text, torchArchive, zip64Extra } from "./zip-builder.ts"

const length = 5
const ARCHIVES: Readonly<Record<string, Uint8Array>> = {
  "of torch": torchArchive({
    "m/data.pkl": text("a pickle"),
    "m/byteorder": text("little"),
    "m/data/0": text("weights, a few"),
    "m/data/1": new Uint8Array(0),
  }),
  plain: buildZip({
    members: [
      { name: "a/", data: text("") },
      { name: "a/b", data: text("bytes") },
      { name: "a/c", data: text("ccccccccccccccccccccccccccccccccccc"), method: 8 },
    ],
    comment: text("a comment"),
  }),
  "with ZIP64 fields and descriptors": buildZip({
    members: [
      {
        name: "b",
        data: text("bytes"),
        local: { storedLength: 0xffffffff, byteLength: 0xffffffff, extra: zip64Extra(length, length) },
        row: { storedLength: 0xffffffff, byteLength: 0xffffffff, extra: zip64Extra(length, length) },
      },
      {
        name: "é",
        data: text("x"),
        flags: 0x0808,
        local: { crc32: 0, storedLength: 0, byteLength: 0 },
        descriptor: descriptor(0x8cdc1683, 1, 1),
      },
    ],
    zip64: {},
  }),
}

/** True when `bytes` opens with the same members, false when it is refused. */
async function opensAs(bytes: Uint8Array, expected: readonly unknown[]): Promise<boolean> {
  try {
    const archive = await open(bytes)
    expect(listing(archive)).toEqual(expected)
    return true
  } catch (error) {
    if (isCheckpointError(error)) return false
    throw error
  }
}

describe.each(Object.entries(ARCHIVES))("an archive %s", (_, archive) => {
  it("is refused when it is cut off, at whatever byte", async () => {
    for (let end = 0; end < archive.length; end++) {
      const error = await refusal(open(archive.subarray(0, end)))
      expect(error.code).toMatch(/^zip/)
    }
  })

  it("is refused when its beginning is missing, or something precedes or follows it", async () => {
    for (let start = 1; start < archive.length; start++) await refusal(open(archive.subarray(start)))
    for (const extra of [Uint8Array.of(0), text("PK"), text("PK\u0005\u0006"), archive]) {
      await refusal(open(new Uint8Array(Buffer.concat([extra, archive]))))
      await refusal(open(new Uint8Array(Buffer.concat([archive, extra]))))
    }
  })

  it("opens as it was, or not at all, when one byte is changed", async () => {
    const expected = listing(await open(archive))
    let accepted = 0
    for (const at of places(archive.length, 150)) {
      for (const flip of [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, archive[at] as number]) {
        const changed = archive.slice()
        changed[at] = (archive[at] as number) ^ flip
        if (await opensAs(changed, expected)) accepted++
      }
    }
    // Data, dates, versions, attributes and padding are not part of the listing.
    expect(accepted).toBeGreaterThan(0)
  })

  it("opens as it was, or not at all, when one byte is left out, doubled or inserted", async () => {
    const expected = listing(await open(archive))
    for (const at of places(archive.length, 150)) {
      const [before, after] = [archive.subarray(0, at), archive.subarray(at + 1)]
      const byte = archive.subarray(at, at + 1)
      await opensAs(new Uint8Array(Buffer.concat([before, after])), expected)
      await opensAs(new Uint8Array(Buffer.concat([before, byte, byte, after])), expected)
      await opensAs(new Uint8Array(Buffer.concat([before, Uint8Array.of(0xff), byte, after])), expected)
    }
  })

  it("never fails otherwise than with a CheckpointError, whatever is overwritten", async () => {
    const change = fc.record({
      at: fc.nat(archive.length - 1),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.constantFrom(new Uint8Array(4), new Uint8Array(8).fill(0xff), new Uint8Array(2).fill(0xff)),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = archive.slice()
        for (const { at, bytes } of changes) changed.set(bytes.subarray(0, archive.length - at), at)
        await open(changed).catch((error) => {
          if (!isCheckpointError(error)) throw error
        })
      }),
      { numRuns: depth({ quick: 300, deep: 2000 }) },
    )
  })
})
