import { describe, expect, it } from "vitest"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { type Operand, PickleDecoder } from "../../src/pickle/decode.ts"
import { assemble, hex, latin1, littleEndian, type Part } from "./assemble.ts"
import { refusal } from "./run.ts"

function decoderOf(bytes: Uint8Array, limits: Partial<Limits> = {}): PickleDecoder {
  return new PickleDecoder(bytes, "p", { ...DEFAULT_LIMITS, ...limits })
}

function operandOf(bytes: Uint8Array): Operand {
  const decoder = decoderOf(bytes)
  decoder.next()
  expect(decoder.position).toBe(bytes.length)
  return decoder.operand
}

function codeOf(bytes: Uint8Array, limits: Partial<Limits> = {}): string {
  return refusal(() => decoderOf(bytes, limits).next()).code
}

describe("operands", () => {
  it.each<[bytes: string, operand: Operand]>([
    ["4b ff", 255],
    ["4d ff ff", 65535],
    ["4a ff ff ff 7f", 2 ** 31 - 1],
    ["4a 00 00 00 80", -(2 ** 31)],
    ["6a ff ff ff ff", 2 ** 32 - 1],
    ["47 3f f0 00 00 00 00 00 00", 1],
    ["47 7f f8 00 00 00 00 00 00", Number.NaN],
    ["47 ff f0 00 00 00 00 00 00", Number.NEGATIVE_INFINITY],
    ["47 80 00 00 00 00 00 00 00", -0],
    ["55 02 68 69", "hi"],
    ["54 02 00 00 00 68 69", "hi"],
    ["8c 02 c3 a9", "é"],
    ["58 00 00 00 00", ""],
    ["8d 03 00 00 00 00 00 00 00 61 62 63", "abc"],
    ["43 02 00 ff", hex("00 ff")],
    ["42 01 00 00 00 80", hex("80")],
    ["8e 00 00 00 00 00 00 00 00", hex("")],
    ["96 01 00 00 00 00 00 00 00 07", hex("07")],
    ["82 01", 1],
    ["83 01 02", 0x201],
    ["84 ff ff ff ff", -1],
    ["4e", undefined],
    ["49 31 32 0a", "12"],
  ])("%s", (bytes, operand) => {
    expect(operandOf(hex(bytes))).toEqual(operand)
  })

  it("reads the two lines of GLOBAL", () => {
    // 63 'c' GLOBAL 'os system'
    const decoder = decoderOf(hex("63 6f 73 0a 73 79 73 74 65 6d 0a"))
    expect(decoder.next().name).toBe("GLOBAL")
    expect([decoder.operand, decoder.name]).toEqual(["os", "system"])
  })

  it("reads opcodes one after the other and knows where they stand", () => {
    const decoder = decoderOf(assemble(["PROTO", 2], ["BININT2", 300], "STOP"))
    expect([decoder.next().name, decoder.at, decoder.position]).toEqual(["PROTO", 0, 2])
    expect([decoder.next().name, decoder.at, decoder.position]).toEqual(["BININT2", 2, 5])
    expect([decoder.next().name, decoder.at, decoder.position]).toEqual(["STOP", 5, 6])
  })

  it("begins where it is told and reads views of larger buffers", () => {
    const buffer = hex("ff ff 4b 01 4b 02 ff").subarray(1, 6)
    const decoder = new PickleDecoder(buffer, "p", DEFAULT_LIMITS, 3)
    expect([decoder.next().name, decoder.operand, decoder.position]).toEqual(["BININT1", 2, 5])
  })
})

describe("wide integers", () => {
  const edges = [
    0n,
    1n,
    -1n,
    127n,
    128n,
    -128n,
    -129n,
    255n,
    2n ** 31n,
    2n ** 32n,
    -(2n ** 32n),
    2n ** 47n - 1n,
    -(2n ** 47n),
    2n ** 47n,
    2n ** 48n,
    -(2n ** 48n),
    2n ** 53n - 1n,
    -(2n ** 53n) + 1n,
  ]
  const wide = [
    2n ** 53n,
    -(2n ** 53n),
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 63n,
    2n ** 64n,
    0x1950a86a20f9469cfc6cn,
    2n ** 2039n - 1n,
    -(2n ** 2039n),
  ]

  it.each(["LONG1", "LONG4"])("%s gives numbers up to 2^53 - 1 and bigints beyond", (opcode) => {
    for (const value of edges) expect(operandOf(assemble([opcode, value]))).toBe(Number(value))
    for (const value of wide) expect(operandOf(assemble([opcode, value]))).toBe(value)
  })

  it.each([
    ["8a 00", 0],
    ["8a 03 01 00 00", 1],
    ["8a 03 ff ff ff", -1],
    ["8a 09 01 00 00 00 00 00 00 00 00", 1],
    ["8a 08 ff ff ff ff ff ff ff ff", -1],
    ["8b 01 00 00 00 80", -128],
  ])("%s, with bytes to spare or none", (bytes, value) => {
    expect(operandOf(hex(bytes))).toBe(value)
  })

  it("takes LONG1 of 255 bytes", () => {
    const bytes = new Uint8Array(255).fill(0xff)
    bytes[254] = 0x7f
    expect(operandOf(assemble(["LONG1", bytes]))).toBe(2n ** 2039n - 1n)
  })

  it("takes LONG4 up to maxIntegerBytes", () => {
    const most = new Uint8Array(4096).fill(1)
    expect(typeof operandOf(assemble(["LONG4", most]))).toBe("bigint")
    expect(codeOf(assemble(["LONG4", new Uint8Array(4097)]))).toBe("limit-exceeded")
    expect(codeOf(assemble(["LONG1", 2 ** 20]), { maxIntegerBytes: 2 })).toBe("limit-exceeded")
  })

  it("refuses a negative length", () => {
    expect(codeOf(hex("8b ff ff ff ff"))).toBe("pickle-truncated")
    expect(codeOf(hex("54 00 00 00 80"))).toBe("pickle-truncated")
  })
})

describe("declared lengths beyond the end", () => {
  it.each<[opcode: string, lengthBytes: number]>([
    ["8a", 1],
    ["55", 1],
    ["8c", 1],
    ["43", 1],
    ["54", 4],
    ["58", 4],
    ["42", 4],
    ["8d", 8],
    ["8e", 8],
    ["96", 8],
    ["95", 8],
  ])("opcode %s, length of %d bytes", (opcode, lengthBytes) => {
    const most = lengthBytes === 4 && opcode === "54" ? 2n ** 31n - 1n : 2n ** BigInt(8 * lengthBytes) - 1n
    for (const length of [
      4n,
      most,
      lengthBytes === 8 ? 2n ** 63n : most,
      lengthBytes === 8 ? 2n ** 53n : most,
    ]) {
      const bytes = Uint8Array.of(...hex(opcode), ...littleEndian(length, lengthBytes), 1, 2, 3)
      const { code, message } = refusal(() => decoderOf(bytes).next())
      expect(code).toBe("pickle-truncated")
      expect(message).toContain(`${length} bytes wanted, 3 left`)
    }
  })

  it("LONG4 is held against the input first, and then against its limit", () => {
    expect(codeOf(hex("8b ff ff ff 7f 00"))).toBe("pickle-truncated")
    expect(codeOf(Uint8Array.of(...hex("8b 01 10 00 00"), ...new Uint8Array(4097)))).toBe("limit-exceeded")
    expect(codeOf(hex("8b 05 00 00 00 00"))).toBe("pickle-truncated")
  })

  it.each([
    "",
    "4b",
    "4d 00",
    "4a 00 00 00",
    "47 00 00 00 00 00 00 00",
    "58 00 00 00",
    "8d 00 00 00 00 00 00 00",
    "6a 00",
    "8a",
    "63",
    "63 6f 73 0a",
    "63 6f 73 0a 73 79 73",
    "80",
  ])("ends within the operand: %j", (bytes) => {
    expect(codeOf(hex(bytes))).toBe("pickle-truncated")
  })

  it("takes a frame that ends with the pickle", () => {
    expect(operandOf(hex("95 00 00 00 00 00 00 00 00"))).toBe(0)
    const decoder = decoderOf(hex("95 02 00 00 00 00 00 00 00 4e 2e"))
    decoder.next()
    expect([decoder.operand, decoder.position]).toEqual([2, 9])
  })
})

describe("bytes that are no opcode", () => {
  it.each(["00", "0a", "7f", "99", "ff"])("%s", (bytes) => {
    expect(codeOf(hex(bytes))).toBe("pickle-opcode")
  })

  it("names the byte and its place", () => {
    const decoder = decoderOf(hex("4e ff"))
    decoder.next()
    const { message, detail } = refusal(() => decoder.next())
    expect(message).toBe("p@1: byte 0xff is no pickle opcode")
    expect(detail).toMatchObject({ within: "p", at: 1 })
    expect(decoder.opcode).toBeUndefined()
  })
})

describe("text", () => {
  const long = "x".repeat(50)

  it.each<[what: string, bytes: string]>([
    ["a stray continuation byte", "80"],
    ["an overlong form", "c0 80"],
    ["beyond U+10FFFF", "f4 90 80 80"],
    ["a cut sequence", "e2 82"],
    ["Latin-1", "e9"],
    ["both halves of a pair, three bytes each", "ed a0 bd ed b8 80"],
  ])("%s is refused, in short text and in long", (_, bytes) => {
    for (const before of ["", long]) {
      const content = Uint8Array.of(...latin1(before), ...hex(bytes))
      for (const opcode of ["SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"]) {
        expect(codeOf(assemble([opcode, content]))).toBe("pickle-text")
      }
      // A str of Python 2 holds bytes.
      for (const opcode of ["SHORT_BINSTRING", "BINSTRING"]) {
        expect(operandOf(assemble([opcode, content]))).toEqual(content)
      }
    }
  })

  it("keeps a leading byte order mark, NUL and everything beyond the first plane", () => {
    for (const text of ["\ufeffw", "a\0b", "\u{1f600}", "é", `${long}\ufeff`, `\ufeff${long}`]) {
      expect(operandOf(assemble(["BINUNICODE", text]))).toBe(text)
    }
  })

  it("reads text of 47, 48 and 49 bytes alike", () => {
    for (const length of [47, 48, 49]) {
      const text = "abcdefg".repeat(7).slice(0, length)
      expect(operandOf(assemble(["BINUNICODE", text]))).toBe(text)
    }
  })
})

describe("names of GLOBAL", () => {
  const nameOf = (...parts: Part[]) => codeOf(assemble(...parts))

  it.each<[what: string, name: string]>([
    ["a carriage return", "os\r"],
    ["NUL", "o\0s"],
    ["a tab", "o\ts"],
    ["DEL", "os\x7f"],
    ["Latin-1", "\xf6s"],
  ])("%s is refused", (_, name) => {
    expect(nameOf(["GLOBAL", name, "system"])).toBe("pickle-text")
    expect(nameOf(["GLOBAL", "os", name])).toBe("pickle-text")
  })

  it("refuses a homoglyph: the Cyrillic о", () => {
    // 63 'c' GLOBAL, d0 be is U+043E
    expect(codeOf(hex("63 d0 be 73 0a 73 79 73 74 65 6d 0a"))).toBe("pickle-text")
  })

  it("neither trims nor normalises", () => {
    const decoder = decoderOf(assemble(["GLOBAL", " os", "System "]))
    decoder.next()
    expect([decoder.operand, decoder.name]).toEqual([" os", "System "])
  })

  it("takes 256 characters and no more", () => {
    const most = "m".repeat(256)
    const decoder = decoderOf(assemble(["GLOBAL", most, most]))
    decoder.next()
    expect([decoder.operand, decoder.name]).toEqual([most, most])
    expect(nameOf(["GLOBAL", `${most}m`, "x"])).toBe("pickle-text")
    expect(nameOf(["GLOBAL", "x", `${most}m`])).toBe("pickle-text")
  })

  it("takes empty names", () => {
    const decoder = decoderOf(hex("63 0a 0a"))
    decoder.next()
    expect([decoder.operand, decoder.name]).toEqual(["", ""])
  })
})
