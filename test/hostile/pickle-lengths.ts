/** Lengths that the input does not hold, integers of any width, and text that is not UTF-8. */

import { assemble, hex, join, littleEndian, type Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  HERE,
  int,
  ints,
  refusePickle,
  refuseValue,
  stateDict,
  storage,
  tensor,
  text,
} from "./checkpoint-parts.ts"

const CONTENT = hex("61 62 63 64")

/** An opcode whose length is `length` and behind which four bytes follow. */
const lengthCase = (
  opcode: string,
  code: string,
  [width, length]: readonly [width: number, length: number | bigint],
  what = `${length}`,
): HostileCase =>
  refusePickle("length", `${opcode} of ${what} bytes`, "pickle-truncated", [
    ...[["PROTO", 5] as const, HERE, join([hex(code), littleEndian(length, width), CONTENT])],
  ])

const LENGTHS: readonly HostileCase[] = [
  lengthCase("SHORT_BINUNICODE", "8c", [1, 5], "one too many"),
  lengthCase("SHORT_BINUNICODE", "8c", [1, 255]),
  lengthCase("BINUNICODE", "58", [4, 5], "one too many"),
  lengthCase("BINUNICODE", "58", [4, 2 ** 31]),
  lengthCase("BINUNICODE", "58", [4, 2 ** 32 - 1]),
  lengthCase("BINUNICODE8", "8d", [8, 5], "one too many"),
  lengthCase("BINUNICODE8", "8d", [8, 2n ** 53n + 1n]),
  lengthCase("BINUNICODE8", "8d", [8, 2n ** 63n]),
  lengthCase("BINUNICODE8", "8d", [8, 2n ** 64n - 4n], "2^64 - 4"),
  lengthCase("SHORT_BINBYTES", "43", [1, 255]),
  lengthCase("BINBYTES", "42", [4, 2 ** 32 - 1]),
  lengthCase("BINBYTES8", "8e", [8, 2n ** 32n + 4n], "2^32 + 4"),
  lengthCase("BINBYTES8", "8e", [8, 2n ** 64n - 1n]),
  lengthCase("BYTEARRAY8", "96", [8, 2n ** 40n]),
  lengthCase("BYTEARRAY8", "96", [8, 2n ** 63n]),
  lengthCase("SHORT_BINSTRING", "55", [1, 5], "one too many"),
  lengthCase("BINSTRING", "54", [4, 2 ** 31 - 1]),
  lengthCase("BINSTRING", "54", [4, -1]),
  lengthCase("BINSTRING", "54", [4, -(2 ** 31)]),
  lengthCase("LONG1", "8a", [1, 255]),
  lengthCase("LONG4", "8b", [4, 5], "one too many"),
  lengthCase("LONG4", "8b", [4, 2 ** 31 - 1]),
  lengthCase("LONG4", "8b", [4, -1]),
  lengthCase("FRAME", "95", [8, 5], "one too many"),
  lengthCase("FRAME", "95", [8, 2n ** 53n + 1n]),
  lengthCase("FRAME", "95", [8, 2n ** 63n]),
  ...(
    [
      ["BININT", "4a 00 00 00"],
      ["BININT2", "4d 00"],
      ["BININT1", "4b"],
      ["BINFLOAT", "47 3f f0 00 00 00 00 00"],
      ["BINGET", "68"],
      ["LONG_BINPUT", "72 00 00 00"],
      ["a length of 4 bytes", "58 01 00 00"],
      ["a length of 8 bytes", "8d 01 00 00 00 00 00 00"],
    ] as const
  ).map(([what, bytes]) =>
    refusePickle("length", `${what} cut off`, "pickle-truncated", [["PROTO", 4], "NONE", HERE, hex(bytes)]),
  ),
]

/** Frames that do not frame: every pickler ends them where an opcode ends, and the last where the pickle ends. */
const FRAMES: readonly HostileCase[] = [
  refusePickle("length", "a FRAME that ends within an opcode", "pickle-truncated", [
    ...[["PROTO", 4] as const, ["FRAME", 3] as const, HERE, text("x"), "STOP"],
  ]),
  refusePickle("length", "a FRAME within a FRAME", "pickle-opcode", [
    ...[
      ["PROTO", 4] as const,
      ["FRAME", 12] as const,
      HERE,
      ["FRAME", 2] as const,
      "NONE",
      "STOP",
      hex("00"),
    ],
  ]),
  refusePickle("length", "a FRAME that reaches past STOP", "pickle-trailing", [
    ...[["PROTO", 4] as const, ["FRAME", 4] as const, "NONE", "STOP", HERE, hex("0000")],
  ]),
]

const integer = (length: number, top = 0x7f): Part =>
  assemble(hex("8a"), Uint8Array.of(length), ones(length, top))
const ones = (length: number, top: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i === length - 1 ? top : 0xff))
const long4 = (length: number): Part => assemble(hex("8b"), littleEndian(length, 4), ones(length, 0x7f))

const weightOf = (parts: Parameters<typeof tensor>[0]): readonly Part[] =>
  stateDict([[text("weight")], tensor(parts, HERE)])

const INTEGERS: readonly HostileCase[] = [
  refusePickle("integer", "255 bytes as offset", "tensor-overflow", weightOf({ offset: [integer(255)] })),
  refusePickle(
    "integer",
    "255 bytes, negative, as offset",
    "tensor-overflow",
    weightOf({ offset: [integer(255, 0x80)] }),
  ),
  refusePickle(
    "integer",
    "9 bytes as size",
    "tensor-overflow",
    weightOf({ size: ["MARK", integer(9), "TUPLE"] }),
  ),
  refusePickle(
    "integer",
    "7 bytes as stride",
    "tensor-overflow",
    weightOf({ stride: ["MARK", int(2n ** 55n - 1n), "TUPLE"] }),
  ),
  refusePickle("integer", "4 KiB as offset", "tensor-overflow", weightOf({ offset: [long4(4096)] })),
  refusePickle(
    "integer",
    "17 bytes as element count",
    "storage-size",
    stateDict([[text("weight")], tensor({ storage: storage({ count: [integer(17)] }, HERE) })]),
  ),
  refusePickle("integer", "text of an int as size", "pickle-opcode", [
    ...stateDict([[text("weight")], tensor({ size: ["MARK", HERE, ["INT", "4"], "TUPLE"] })]),
  ]),
  refusePickle("integer", "text of 200 digits", "pickle-opcode", [
    ...beside([HERE, ["LONG", `${"9".repeat(200)}L`]]),
  ]),
  refuseValue("integer", "4 KiB and a byte", "limit-exceeded", [long4(4097)], {
    expect: { limit: "maxIntegerBytes" },
  }),
  refuseValue("integer", "1 MiB", "limit-exceeded", [long4(1_048_576)], {
    expect: { limit: "maxIntegerBytes" },
  }),
  refuseValue("integer", "9 bytes where 8 are allowed", "limit-exceeded", [integer(9)], {
    expect: { limit: "maxIntegerBytes" },
    options: { limits: { maxIntegerBytes: 8 } },
  }),
]

const BAD_UTF8: readonly (readonly [what: string, bytes: string])[] = [
  ["a byte 0xFF", "61 ff"],
  ["a continuation alone", "80 61"],
  ["a character cut off", "61 e2 82"],
  ["an overlong slash", "c0 af"],
  ["an overlong NUL of three bytes", "e0 80 80"],
  ["a character above U+10FFFF", "f4 90 80 80"],
  ["five bytes of old", "f8 88 80 80 80"],
  ["a pair of half characters", "ed a0 bd ed b8 80"],
  ["half a character cut off", "ed a0"],
  ["Latin-1", "67 72 fc 6e"],
]

const TEXTS: readonly HostileCase[] = [
  ...BAD_UTF8.map(([what, bytes]) =>
    refusePickle("utf8", `${what} as a name`, "pickle-text", stateDict([[HERE, text(hex(bytes))], tensor()])),
  ),
  ...(["SHORT_BINSTRING", "BINSTRING"] as const).map((opcode) =>
    refusePickle(
      "utf8",
      `0xFF in ${opcode} of Python 2, as a name`,
      "name-type",
      stateDict([[[opcode, hex("61 ff")]], tensor()]),
    ),
  ),
  refusePickle("utf8", "0xFF in SHORT_BINUNICODE", "pickle-text", [
    ...[["PROTO", 4] as const, HERE, ["SHORT_BINUNICODE", hex("ff")] as const, "STOP"],
  ]),
  refusePickle("utf8", "0xFF in BINUNICODE8, after 100 good bytes", "pickle-text", [
    ...[
      ["PROTO", 4] as const,
      HERE,
      ["BINUNICODE8", join([new Uint8Array(100).fill(0x61), hex("ff")])] as const,
      "STOP",
    ],
  ]),
  refusePickle("utf8", "0xFF in the key of a storage", "pickle-text", [
    ...stateDict([[text("weight")], tensor({ storage: storage({ key: [HERE, text(hex("30 ff"))] }) })]),
  ]),
  refusePickle("utf8", "0xFF in a text of 1 MiB", "pickle-text", [
    ...stateDict([[HERE, text(join([new Uint8Array(1_048_575).fill(0x61), hex("ff")]))], tensor()]),
  ]),
]

/** Every case of this file. */
export const PICKLE_LENGTHS: readonly HostileCase[] = [
  ...LENGTHS,
  ...FRAMES,
  ...INTEGERS,
  ...TEXTS,
  refusePickle(
    "integer",
    "a size of 2^32 + 4, which wraps to 4",
    "tensor-bounds",
    weightOf({ size: ints(2 ** 32 + 4) }),
  ),
]
