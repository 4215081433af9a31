/** Checksums, descriptors, methods, and members that share bytes. */

import {
  buildZip,
  descriptor,
  join,
  little,
  type MemberSpec,
  memberLength,
  text,
} from "../archive/zip-builder.ts"
import { assemble } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  checkpointMembers,
  ints,
  PICKLE,
  stateDict,
  tensor,
  text as textPart,
  WEIGHT,
} from "./checkpoint-parts.ts"
import { repeatedDeflate } from "./repeated-deflate.ts"
import {
  archive,
  both,
  CRC,
  DATA_PKL,
  HEADER_BYTES,
  LENGTH,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  RECORD,
  ROW_AT,
  SENTINEL,
  sizes,
  streamed,
  wide,
  type ZipRow,
  zipCases,
} from "./zip-parts.ts"

const at = MEMBER_AT
const signature = little(4, 0x08074b50)

/** Found when the bytes pass, or before: the sum of the pickle is held before it is read. */
const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 3 ? byte ^ 0x80 : byte))
const sumOf = (crc: number): NonNullable<MemberSpec["local"]> => ({ crc32: crc })

const PICKLE_CRC: readonly ZipRow[] = [
  [
    "of the pickle",
    "checksum",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === PICKLE ? { ...spec, local: sumOf(7), row: sumOf(7) } : spec,
      ),
    }),
    { within: PICKLE },
  ],
  [
    "of the byte order",
    "checksum",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === "archive/byteorder" ? { ...spec, local: sumOf(7), row: sumOf(7) } : spec,
      ),
    }),
    { within: "archive/byteorder" },
  ],
  [
    "zero, of the pickle alone",
    "checksum",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === PICKLE ? { ...spec, local: sumOf(0), row: sumOf(0) } : spec,
      ),
    }),
    { within: PICKLE },
  ],
]

const MOVED_CRC: readonly ZipRow[] = [
  ["of a storage", "checksum", both(sumOf(CRC ^ 1)), { within: RECORD }],
  ["zero, of a storage alone", "checksum", both(sumOf(0)), { within: RECORD }],
  [
    "of a storage one bit of which has turned",
    "checksum",
    member({ stored: flip(WEIGHT) }),
    { within: RECORD },
  ],
  [
    "of a storage of torch's own layout",
    "checksum",
    () => {
      const members = checkpointMembers(DATA_PKL).map((spec) =>
        spec.name === RECORD ? { ...spec, stored: flip(WEIGHT) } : spec,
      )
      return buildZip({ members, zip64: {} })
    },
    { within: RECORD },
  ],
  [
    "of a deflated storage",
    "checksum",
    member({ method: 8, row: sumOf(5), local: sumOf(5) }),
    { within: RECORD },
  ],
  [
    "of a part of a storage that no tensor holds",
    "checksum",
    () =>
      checkpointWith(
        tensor({ size: ints(1) }),
        WEIGHT.map((byte, i) => (i === LENGTH - 1 ? byte ^ 1 : byte)),
      ),
    { within: RECORD },
  ],
]

/** A checkpoint of one tensor in torch's layout, in which other bytes stand than the checksum says. */
function checkpointWith(value: ReturnType<typeof tensor>, stored: Uint8Array): Uint8Array {
  const pickle = assemble(...stateDict([[textPart("weight")], value]))
  const members = checkpointMembers(pickle).map((spec) => (spec.name === RECORD ? { ...spec, stored } : spec))
  return buildZip({ members, zip64: {} })
}
const dataEnd = MEMBER_AT + HEADER_BYTES + LENGTH
const DESCRIPTOR: readonly ZipRow[] = [
  ["missing", "zip-mismatch", streamed(new Uint8Array(0)), { within: RECORD }],
  [
    "another checksum",
    "zip-mismatch",
    streamed(descriptor(CRC ^ 1, LENGTH, LENGTH)),
    { at: dataEnd, within: RECORD },
  ],
  ["no checksum", "zip-mismatch", streamed(descriptor(0, LENGTH, LENGTH))],
  ["another stored size", "zip-mismatch", streamed(descriptor(CRC, LENGTH + 1, LENGTH)), { at: dataEnd }],
  ["another size", "zip-mismatch", streamed(descriptor(CRC, LENGTH, LENGTH + 1)), { at: dataEnd }],
  [
    "another signature",
    "zip-mismatch",
    streamed(join(little(4, 1), descriptor(CRC, LENGTH, LENGTH).subarray(4))),
  ],
  ["cut off", "zip-gap", streamed(descriptor(CRC, LENGTH, LENGTH).subarray(0, 15)), { at: dataEnd }],
  ["a byte too long", "zip-gap", streamed(join(descriptor(CRC, LENGTH, LENGTH), text("x")))],
  ["twice", "zip-gap", streamed(join(descriptor(CRC, LENGTH, LENGTH), descriptor(CRC, LENGTH, LENGTH)))],
  [
    "wide and wrong",
    "zip-mismatch",
    streamed(join(signature, little(4, CRC), little(8, LENGTH), little(8, LENGTH + 1))),
  ],
  [
    "wide and wrong in the upper half",
    "zip-mismatch",
    streamed(join(signature, little(4, CRC), little(8, 2n ** 32n + BigInt(LENGTH)), little(8, LENGTH))),
  ],
  ["without signature and wrong", "zip-mismatch", streamed(descriptor(CRC, LENGTH, 1).subarray(4))],
  ["of an empty member, wrong", "zip-mismatch", streamed(descriptor(1, 0, 0), { data: text("") })],
  [
    "right, under another local checksum",
    "zip-mismatch",
    streamed(descriptor(CRC, LENGTH, LENGTH), { local: { crc32: 7, ...sizes(0) } }),
    { at },
  ],
  [
    "right, under another local size",
    "zip-mismatch",
    streamed(descriptor(CRC, LENGTH, LENGTH), { local: { crc32: 0, storedLength: 7, byteLength: 0 } }),
    { at },
  ],
]

const METHOD: readonly ZipRow[] = [
  ...[1, 6, 9, 12, 14, 93, 99, 0xffff].map(
    (method): ZipRow => [`method ${method}`, "zip-method", both({ method }), { at: ROW_AT }],
  ),
  ["stored with a size one byte longer", "zip-entry", both({ byteLength: LENGTH + 1 }), { at: ROW_AT }],
  ["stored with a size one byte shorter", "zip-entry", both({ byteLength: LENGTH - 1 })],
  ["stored in nothing", "zip-entry", both({ byteLength: 0 })],
]

/** A bomb of Fifield's kind: a deflated member quotes the next one's header in a stored block, and shares its data. */
function quotedOverlap(): Uint8Array {
  const zeros = repeatedDeflate(0, 2000)
  const kernel: MemberSpec = {
    name: RECORD,
    data: new Uint8Array(zeros.byteLength),
    method: 8,
    stored: zeros.bytes,
  }
  const header = memberLength(kernel) - zeros.bytes.length
  const quote = join(Uint8Array.of(0), little(2, header), little(2, ~header & 0xffff))
  const changes = { storedLength: quote.length + memberLength(kernel), byteLength: header + zeros.byteLength }
  return archive({
    members: membersWith(
      { name: "archive/data/1", method: 8, stored: quote, local: changes, row: changes },
      kernel,
    ),
  })
}

const nextOf = (length: number): Uint8Array =>
  archive({ members: membersWith({ ...MEMBER, local: sizes(LENGTH + length), row: sizes(LENGTH + length) }) })

const OVERLAP: readonly ZipRow[] = [
  [
    "two names for one header",
    "zip-overlap",
    archive({
      members: membersWith(MEMBER, { name: "archive/data/1", data: WEIGHT, row: { offset: MEMBER_AT } }),
    }),
  ],
  [
    "a header within another member's data",
    "zip-overlap",
    archive({
      members: membersWith(MEMBER, {
        name: "archive/data/1",
        data: WEIGHT,
        row: { offset: MEMBER_AT + HEADER_BYTES },
      }),
    }),
  ],
  ["a member one byte into the next", "zip-overlap", nextOf(1)],
  ["a member that holds the next as weights", "zip-overlap", nextOf(30 + "archive/version".length + 2)],
  ["a member that reaches into the directory", "zip-overlap", nextOf(60)],
  ["a member of 4 GiB", "zip-overlap", both(sizes(SENTINEL - 1))],
  ["a member of 2^53 - 1 bytes", "zip-overlap", member({ row: wide(2n ** 53n - 1n, 2n ** 53n - 1n) })],
  ["a header that a deflated member quotes", "zip-overlap", quotedOverlap()],
]

/** Every case of this file. */
export const ZIP_DATA: readonly HostileCase[] = [
  ...zipCases("zip-crc", PICKLE_CRC),
  ...zipCases("zip-crc", MOVED_CRC, true),
  ...zipCases("zip-descriptor", DESCRIPTOR),
  ...zipCases("zip-method", METHOD),
  ...zipCases("zip-overlap", OVERLAP),
]
