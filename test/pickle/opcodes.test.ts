import { describe, expect, it } from "vitest"
import { HANDLERS } from "../../src/pickle/handlers.ts"
import { OPCODE_BY_BYTE, OPCODES, type OperandKind } from "../../src/pickle/opcodes.ts"

/**
 * CPython 3.11's table, made with
 *
 *     python -c "import json, pickletools as t; print(json.dumps([{'code': ord(o.code), 'name': o.name, \
 *       'proto': o.proto, 'arg': o.arg and o.arg.name} for o in t.opcodes]))" > cpython-opcodes.json
 *
 * and formatted with `npx biome format --write`.
 */
import cpython from "./cpython-opcodes.json"

/** Our name for each of CPython's kinds of operand. */
const OPERANDS: ReadonlyMap<string | null, OperandKind> = new Map<string | null, OperandKind>([
  [null, "none"],
  ["uint1", "uint8"],
  ["uint2", "uint16"],
  ["uint4", "uint32"],
  ["uint8", "uint64"],
  ["int4", "int32"],
  ["float8", "float64-big-endian"],
  ["long1", "uint8-length-integer"],
  ["long4", "int32-length-integer"],
  ["string1", "uint8-length-string"],
  ["string4", "int32-length-string"],
  ["unicodestring1", "uint8-length-text"],
  ["unicodestring4", "uint32-length-text"],
  ["unicodestring8", "uint64-length-text"],
  ["bytes1", "uint8-length-bytes"],
  ["bytes4", "uint32-length-bytes"],
  ["bytes8", "uint64-length-bytes"],
  ["bytearray8", "uint64-length-bytes"],
  ["decimalnl_short", "line"],
  ["decimalnl_long", "line"],
  ["floatnl", "line"],
  ["stringnl", "line"],
  ["stringnl_noescape", "line"],
  ["unicodestringnl", "line"],
  ["stringnl_noescape_pair", "two-names"],
])

describe("the opcode table", () => {
  it("is CPython's, row by row", () => {
    const expected = cpython.map(({ code, name, proto, arg }) => ({
      code,
      name,
      protocol: proto,
      operand: OPERANDS.get(arg),
    }))
    expect(OPCODES.map(({ code, name, protocol, operand }) => ({ code, name, protocol, operand }))).toEqual(
      expected,
    )
    expect(OPCODES).toHaveLength(68)
  })

  it("finds each opcode by its byte, and nothing by any other", () => {
    expect(OPCODE_BY_BYTE).toHaveLength(256)
    const byCode = new Map(OPCODES.map((opcode) => [opcode.code, opcode]))
    expect(OPCODE_BY_BYTE).toEqual(Array.from({ length: 256 }, (_, byte) => byCode.get(byte)))
  })

  it("refuses these opcodes and no others", () => {
    const refused = OPCODES.filter(({ accepted }) => !accepted).map(({ name }) => name)
    expect(refused.join(" ")).toBe(
      "INT LONG STRING NEXT_BUFFER READONLY_BUFFER UNICODE FLOAT LIST DICT POP DUP POP_MARK GET PUT " +
        "EXT1 EXT2 EXT4 INST OBJ PERSID",
    )
  })

  it("has a handler for each accepted opcode and for no other", () => {
    expect(HANDLERS).toHaveLength(256)
    const handled = OPCODES.filter(({ code }) => HANDLERS[code] !== undefined)
    expect(handled).toEqual(OPCODES.filter(({ accepted }) => accepted))
    expect(HANDLERS.filter((handler) => handler !== undefined)).toHaveLength(handled.length)
  })
})
