/** Random pickles of all opcodes of all protocols, several in a row, broken in the ways in which unpicklers differ. */

import fc from "fast-check"
import { assemble, hex, join, latin1, type Part } from "../pickle/assemble.ts"
import opcodes from "../pickle/cpython-opcodes.json"

const WORDS = ["os", "system", "a.b", "", "builtins", "text"]

/** Lines of GLOBAL, INST and UNICODE: some in UTF-8, some in nothing, some that only look escaped. */
const LINES = [...WORDS, "\xc3\xb6s", "\xff", "os\\u0020", "\\\\u0041", "\\u006fs", "o\0s", "os\r"]

/** The content of STRING, in quotes. */
const LITERALS = [...WORDS, "o\\x73", "\\157s", "\\q", "\\\\", "a\\tb"]

/** What GET and PUT may have for a number, and what may not be one after all. */
const INDICES = [
  ...["0", "1", "2", "10", "1_0", "10\0x", " 10", "+10", "0x10", "-1", "10 ", "10\r", "010", "0_1", "", "x"],
  ...["\xd9\xa1", "1__0", "00000000000000000001", "1".repeat(30), "2\0", "1.0"],
]

/** Lines of INT, LONG and FLOAT. */
const NUMBERS = ["1", "01", "5\0x", "0x1f", "1L", "-1", "1_000", "inf", "nan", "1e5", "", "x", "1 ", "os"]

const LENGTHS = [0, 1, 5, 17, 40, 1_000_000]

/** Opcodes without operands come as they are; the others get operands that make sense now and then. */
const anyOpcode: fc.Arbitrary<Part> = fc
  .constantFrom(...opcodes)
  .chain(({ name, arg }): fc.Arbitrary<Part> => {
    if (name === "STOP") return fc.constant("NONE")
    if (name === "FRAME") return fc.constantFrom(...LENGTHS).map((length): Part => [name, length])
    if (name === "PROTO")
      return fc.constantFrom(0, 1, 2, 3, 4, 5, 5, 4, 6).map((version): Part => [name, version])
    if (arg === null) return fc.constant(name)
    if (arg === "stringnl_noescape_pair") {
      return fc.tuple(fc.constantFrom(...LINES), fc.constantFrom(...LINES)).map(([a, b]) => [name, a, b])
    }
    if (name === "STRING") {
      const quoted = fc
        .constantFrom("'", '"')
        .chain((quote) => fc.constantFrom(...LITERALS).map((word) => `${quote}${word}${quote}`))
      return fc
        .oneof({ weight: 9, arbitrary: quoted }, fc.constantFrom("os", "'os", "'", ""))
        .map((line) => [name, line])
    }
    if (name === "GET" || name === "PUT") return fc.constantFrom(...INDICES).map((index) => [name, index])
    if (name === "UNICODE") return fc.constantFrom(...LINES).map((line) => [name, line])
    if (arg.startsWith("decimalnl") || arg === "floatnl")
      return fc.constantFrom(...NUMBERS).map((line) => [name, line])
    if (/string/.test(arg)) return fc.constantFrom(...WORDS, "\u00f6").map((word) => [name, word])
    if (/bytes|bytearray/.test(arg)) return fc.constant([name, "xy"])
    return fc.nat(3).map((value) => [name, value])
  })

const text: fc.Arbitrary<Part> = fc
  .tuple(
    fc.constantFrom("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "SHORT_BINSTRING"),
    fc.constantFrom(...WORDS),
  )
  .map(([name, word]) => [name, word])

const part = fc.oneof(
  { weight: 3, arbitrary: anyOpcode },
  { weight: 4, arbitrary: text },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Part>("STACK_GLOBAL", "NONE", "MARK", "EMPTY_TUPLE", "MEMOIZE", "REDUCE"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Part>(["BINGET", 0], ["GET", "1"], ["PUT", "1"], ["BINPUT", 0], "POP"),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...INDICES)
      .chain((index) => fc.constantFrom<Part>(["GET", index], ["PUT", index])),
  },
  { weight: 1, arbitrary: fc.constantFrom<Part>(["PERSID", "text"], ["GLOBAL", "text", "system"]) },
)

const head: fc.Arbitrary<readonly Part[]> = fc.oneof(
  fc.constant([]),
  fc.constantFrom(0, 1, 2, 3, 4, 5).map((version): readonly Part[] => [["PROTO", version]]),
  fc.constantFrom(...LENGTHS).map((length): readonly Part[] => [
    ["PROTO", 4],
    ["FRAME", length],
  ]),
)

/** Something to pop and something in the memo: most opcodes fail on nothing. In some, nothing. */
const lead: fc.Arbitrary<readonly Part[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(text, { minLength: 4, maxLength: 4 })
      .map((texts) => [
        ...["EMPTY_LIST", "EMPTY_DICT", "MARK"],
        ...texts.flatMap((push, index): Part[] => [push, ["BINPUT", index === 3 ? 10 : index]]),
      ]),
  },
  { weight: 1, arbitrary: fc.constant([]) },
)

/** A pickle that ends with its STOP, before it, or within a line. */
const pickle = fc
  .tuple(head, lead, fc.array(part, { maxLength: 16 }), fc.nat(9))
  .map(([first, texts, parts, end]) => {
    const bytes = assemble(...first, ...texts, ...parts)
    if (end === 0) return bytes
    if (end === 1) return join([bytes, latin1("cos\nsystem")])
    if (end === 2) return join([bytes, latin1("(ios\nsystemX")])
    return join([bytes, assemble("STOP")])
  })

/** A pickle that does not fail, for others to stand behind. */
const plain = fc
  .tuple(head, fc.array(text, { minLength: 1, maxLength: 3 }))
  .map(([first, texts]) =>
    join([assemble(...first.filter(([name]) => name !== "FRAME"), ...texts), assemble("STOP")]),
  )

const garbage = fc.constantFrom(
  hex(""),
  hex("0a"),
  hex("00 00"),
  latin1("N"),
  latin1("\n\n"),
  latin1("]."),
  hex("ff"),
)

/** One to four pickles in a row, with something between them now and then. */
const row = fc.oneof(
  { weight: 3, arbitrary: pickle },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.array(fc.oneof({ weight: 3, arbitrary: plain }, pickle), { minLength: 1, maxLength: 3 }),
        pickle,
        fc.nat(4),
        garbage,
      )
      .map(([before, last, rare, between]) => join([...before, rare === 0 ? between : hex(""), last])),
  },
)

/** `count` files of pickles; the same for the same seed. */
export function randomPickles(count: number, seed: number): readonly Uint8Array[] {
  return fc.sample(row, { numRuns: count, seed })
}
