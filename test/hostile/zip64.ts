/** Lies of the ZIP64 records and fields. */

import { extraField, join, little, zip64Extra } from "../archive/zip-builder.ts"
import type { HostileCase } from "./case.ts"
import { count } from "./zip-end.ts"
import {
  archive,
  both,
  DIRECTORY_END,
  LENGTH,
  member,
  SENTINEL,
  sizes,
  wide,
  type ZipRow,
  zipCases,
} from "./zip-parts.ts"

const ZIP64_BYTES = 76

const LONG = archive({ zip64: {} })
/** The ZIP64 archive with these bytes at an offset behind the directory. */
const patched = (offset: number, ...bytes: readonly number[]): Uint8Array => {
  const copy = LONG.slice()
  copy.set(bytes, DIRECTORY_END + offset)
  return copy
}

const ZIP64: readonly ZipRow[] = [
  [
    "a locator that points to the start",
    "zip64",
    archive({ zip64: {}, locator: { offset: 0n } }),
    { at: DIRECTORY_END + 56 },
  ],
  [
    "a locator one byte off",
    "zip64",
    archive({ zip64: {}, locator: { offset: BigInt(DIRECTORY_END) + 1n } }),
  ],
  ["a locator past the file", "zip64", archive({ zip64: {}, locator: { offset: 2n ** 63n } })],
  ["a locator of another disk", "zip64", archive({ zip64: {}, locator: { disk: 1 } })],
  ["a locator of two disks", "zip64", archive({ zip64: {}, locator: { disks: 2 } })],
  ["a locator of no disks", "zip64", archive({ zip64: {}, locator: { disks: 0 } })],
  ["a locator with another signature, so that the record is hidden", "zip-gap", patched(56, 0x51)],
  ["a record with another signature", "zip64", patched(0, 0x51)],
  ["a record one byte longer", "zip64", archive({ zip64: { recordLength: 45n } })],
  ["a record one byte shorter", "zip64", archive({ zip64: { recordLength: 43n } })],
  ["a record of 2^64 - 1 bytes", "zip64", archive({ zip64: { recordLength: 2n ** 64n - 1n } })],
  ["another disk", "zip64", archive({ zip64: { disk: 1 } })],
  ["another disk of the directory", "zip64", archive({ zip64: { directoryDisk: 1 } })],
  [
    "another disk, which the end record refers to",
    "zip-end-record",
    archive({ zip64: { disk: 1 }, end: { disk: 0xffff } }),
  ],
  ["more entries", "zip64", archive({ zip64: count(5) })],
  ["more entries on this disk alone", "zip64", archive({ zip64: { entriesOnDisk: 5 } })],
  [
    "more entries, which the end record refers to",
    "zip-end-record",
    archive({ zip64: count(5), end: count(0xffff) }),
  ],
  [
    "2^53 entries, which the end record refers to",
    "zip64",
    archive({ zip64: count(2 ** 53), end: count(0xffff) }),
  ],
  [
    "1,999,999 entries that the directory has no room for",
    "zip-end-record",
    archive({ zip64: count(1_999_999), end: count(0xffff) }),
  ],
  ["another directory length", "zip64", archive({ zip64: { directoryLength: 1 } })],
  [
    "a directory length of 2^53",
    "zip64",
    archive({ zip64: { directoryLength: 2 ** 53 }, end: { directoryLength: SENTINEL } }),
  ],
  ["another directory offset", "zip64", archive({ zip64: { directoryOffset: 1 } })],
  [
    "a directory offset of 2^53",
    "zip64",
    archive({ zip64: { directoryOffset: 2 ** 53 }, end: { directoryOffset: SENTINEL } }),
  ],
  [
    "a directory offset that wraps with its length",
    "zip-end-record",
    archive({
      zip64: { directoryOffset: Number.MAX_SAFE_INTEGER },
      end: { directoryOffset: SENTINEL },
    }),
  ],
  [
    "an offset that refers to no record",
    "zip64",
    archive({ end: { directoryOffset: SENTINEL } }),
    { at: DIRECTORY_END },
  ],
  ["a length that refers to no record", "zip64", archive({ end: { directoryLength: SENTINEL } })],
  [
    "a locator without a record",
    "zip64",
    archive({
      afterDirectory: join(little(4, 0x07064b50), little(4, 0), little(8, DIRECTORY_END), little(4, 1)),
    }),
  ],
  [
    "two records, one behind the other",
    "zip-gap",
    archive({
      afterDirectory: LONG.subarray(DIRECTORY_END, DIRECTORY_END + ZIP64_BYTES),
      zip64: {},
    }),
  ],
  ["a size without field", "zip64", both(sizes(SENTINEL))],
  ["a header offset without field", "zip64", member({ row: { offset: SENTINEL } })],
  ["a local size without value", "zip64", member({ local: { byteLength: SENTINEL, extra: zip64Extra() } })],
  ["a size of 2^63", "zip64", member({ row: wide(2n ** 63n, 2n ** 63n) })],
  ["a size of 2^53 + 1", "zip64", member({ row: wide(2n ** 53n + 1n, 2n ** 53n + 1n) })],
  [
    "a header offset of 2^64 - 1",
    "zip64",
    member({ row: { offset: SENTINEL, extra: zip64Extra(2n ** 64n - 1n) } }),
  ],
  [
    "two fields, of which the second is right",
    "zip64",
    member({
      row: { ...wide(1, 1), extra: join(zip64Extra(1, 1), zip64Extra(LENGTH, LENGTH)) },
    }),
  ],
  [
    "two fields that say the same",
    "zip64",
    member({
      row: { ...wide(LENGTH, LENGTH), extra: join(zip64Extra(LENGTH, LENGTH), zip64Extra(LENGTH, LENGTH)) },
    }),
  ],
  ["values that nothing refers to", "zip64", member({ row: { extra: zip64Extra(LENGTH, LENGTH) } })],
  ["a local value that is another one", "zip64", member({ local: { extra: zip64Extra(999) } })],
  ["a local zero without descriptor", "zip-mismatch", member({ local: wide(0, 0) })],
  ["a field of seven bytes", "zip64", member({ row: { extra: extraField(1, new Uint8Array(7)) } })],
  ["a field of 32 bytes", "zip64", member({ row: { extra: extraField(1, new Uint8Array(32)) } })],
  ["a disk in the field", "zip64", member({ row: { disk: 0xffff, extra: extraField(1, little(4, 7)) } })],
]

/** Every case of this file. */
export const ZIP64_CASES: readonly HostileCase[] = zipCases("zip64", ZIP64)
