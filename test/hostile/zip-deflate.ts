/** Deflate data that is not what the archive says, or is as much as a disk. */

import { deflateSync } from "fflate"
import { buildZip, join, type MemberSpec, text } from "../archive/zip-builder.ts"
import { assemble, hex } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  checkpointMembers,
  global,
  int,
  ints,
  PICKLE,
  stateDict,
  storage,
  tensorV3,
  text as textPart,
  WEIGHT,
} from "./checkpoint-parts.ts"
import { repeatedDeflate } from "./repeated-deflate.ts"
import {
  archive,
  DATA_PKL,
  HEADER_BYTES,
  MEMBER,
  MEMBER_AT,
  member,
  membersWith,
  RECORD,
  type ZipRow,
  zipCases,
} from "./zip-parts.ts"

/** What stands in the place of deflate data, by what is wrong with it. */
const LIES = (data: Uint8Array): readonly (readonly [what: string, stored: Uint8Array])[] => {
  const good = deflateSync(data)
  return [
    ["a byte more than it says", deflateSync(join(data, text("x")))],
    ["a byte less than it says", deflateSync(data.subarray(1))],
    ["a byte behind its end", join(good, text("x"))],
    ["a second stream behind its end", join(good, good)],
    [
      "another gzip member behind its end, in which nothing is",
      join(good, new Uint8Array(8), hex("1f 8b 08 00 00 00 00 00 00 ff 03 00")),
    ],
    ["a byte too few", good.subarray(0, -1)],
    ["nothing", hex("03 00")],
    ["no data at all", hex("")],
    ["a block of type 3", hex("07 00")],
    ["a stored block that is longer than the data", hex("01 ff ff 00 00 61 62")],
    ["a match before the first byte", hex("03 02 00")],
    ["code lengths that repeat nothing", hex("05 c0 81 08 00 00 00 00 20 7f eb 0b 00 00")],
    ["blocks without a last one", join(hex("00 00 00 ff ff"), hex("00 00 00 ff ff"))],
    ["a gzip header", join(hex("1f 8b 08 00 00 00 00 00 00 ff"), good)],
    ["a zlib header", join(hex("78 9c"), good)],
    ["the data as it is", data],
  ]
}

const dataAt = MEMBER_AT + HEADER_BYTES

const MOVED: readonly ZipRow[] = LIES(WEIGHT).map(([what, stored]) => [
  `a storage that is ${what}`,
  "inflate",
  member({ method: 8, stored }),
  { at: dataAt, within: RECORD },
])

const OPENED: readonly ZipRow[] = LIES(DATA_PKL)
  .slice(0, 9)
  .map(([what, stored]) => [
    `a pickle that is ${what}`,
    "inflate",
    archive({
      members: membersWith(MEMBER).map((spec) =>
        spec.name === PICKLE ? { ...spec, method: 8, stored } : spec,
      ),
    }),
    { at: 30 + PICKLE.length, within: PICKLE },
  ])

const BYTES = global("torch.storage", "UntypedStorage")
const UINT8 = [global("torch", "uint8")]

/** `count` storages of zeros, of each of which `views` take one byte. */
function bombs(
  count: number,
  stored: Uint8Array,
  byteLength: number,
  views: readonly number[] = [0],
): Uint8Array {
  const keys = Array.from({ length: count }, (_, key) => String(key))
  const entries = keys.flatMap((key) =>
    views.map((offset, i) => {
      const over = storage({ type: [BYTES], key: [textPart(key)], count: [int(byteLength)] })
      const name = `${key}.${String(i).padStart(4, "0")}`
      return [
        [textPart(name)],
        tensorV3(UINT8, { storage: over, size: ints(1), offset: [int(offset)] }),
      ] as const
    }),
  )
  const [pickle] = checkpointMembers(assemble(...stateDict(...entries)))
  const lies = { storedLength: stored.length, byteLength, crc32: 1 }
  const records = keys.map(
    (key): MemberSpec => ({ name: `archive/data/${key}`, method: 8, stored, local: lies, row: lies }),
  )
  return buildZip({ members: [...(pickle === undefined ? [] : [pickle]), ...records] })
}

const MiB = 1_048_576
const zeros = (bytes: number) => repeatedDeflate(0, bytes)
/** Of the floor and the ratio, the error names the one that allows more. */
const limit = { limit: "inflateFloorBytes" } as const

const BOMBS: readonly ZipRow[] = [
  [
    "1 MB that inflates to 1 GiB",
    "limit-exceeded",
    () => {
      const { bytes, byteLength } = zeros(1024 * MiB)
      return bombs(1, bytes, byteLength)
    },
    limit,
  ],
  [
    "ten of 100 MiB, each of which would pass",
    "limit-exceeded",
    () => {
      const { bytes, byteLength } = zeros(100 * MiB)
      return bombs(10, bytes, byteLength)
    },
    limit,
  ],
]

const MOVED_BOMBS: readonly ZipRow[] = [
  [
    "a hundred bytes that claim 100 MiB",
    "inflate",
    () => bombs(1, zeros(20_000).bytes, 100 * MiB),
    { within: RECORD },
  ],
  [
    "1 GiB that claims to be 16 bytes",
    "inflate",
    () => bombs(1, zeros(1024 * MiB).bytes, 16),
    { within: RECORD },
  ],
]

/** One storage of 2 MiB, read from the end to the start and back again, so often that it inflates to 20 MiB. */
const AGAIN: HostileCase = {
  name: "zip-bomb: a storage that must be inflated for each of its tensors",
  section: "zip-bomb",
  bytes: () => {
    const { bytes, byteLength } = zeros(2 * MiB)
    return bombs(
      1,
      bytes,
      byteLength,
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? byteLength - 1 - i : i)),
    )
  },
  expect: { code: "limit-exceeded", limit: "inflateRatio" },
  options: { limits: { inflateFloorBytes: 8 * MiB, inflateRatio: 0 } },
  whileMoving: true,
}

/** Every case of this file. */
export const ZIP_DEFLATE: readonly HostileCase[] = [
  ...zipCases("zip-inflate", MOVED, true),
  ...zipCases("zip-inflate", OPENED),
  ...zipCases("zip-bomb", BOMBS),
  ...zipCases("zip-bomb", MOVED_BOMBS, true),
  AGAIN,
]
