/**
 * The opcodes of pickle protocols 0 to 5, in the order of CPython's `pickletools.py`, and what this library does
 * with each. The machine and anything that only looks at a pickle share this table.
 */

/** How the bytes after an opcode are read. Numbers are little-endian unless the name says otherwise. */
export type OperandKind =
  | "none"
  | "uint8"
  | "uint16"
  | "uint32"
  | "int32"
  | "int32-length-integer"
  | "uint8-length-integer"
  | "float64-big-endian"
  | "uint8-length-string"
  | "int32-length-string"
  | "uint8-length-text"
  | "uint32-length-text"
  | "uint64-length-text"
  | "uint8-length-bytes"
  | "uint32-length-bytes"
  | "uint64-length-bytes"
  | "uint64"
  | "line"
  | "two-names"

/** One opcode. `protocol` is the first protocol that has it; `accepted` says whether the machine interprets it. */
export interface OpcodeInfo {
  readonly code: number
  readonly name: string
  readonly operand: OperandKind
  readonly protocol: number
  readonly accepted: boolean
}

/** Code, name, operand, first protocol, and "no" where the machine refuses it. */
type Row = readonly [code: string, name: string, operand: OperandKind, protocol: number, refused?: "no"]

/**
 * Refused are the text opcodes of protocols 0 and 1, whatever builds instances by class name (INST, OBJ), the
 * extension registry, out-of-band buffers, and the stack tricks that no pickler writes (DUP, POP, POP_MARK).
 */
const ROWS: readonly Row[] = [
  ["I", "INT", "line", 0, "no"],
  ["J", "BININT", "int32", 1],
  ["K", "BININT1", "uint8", 1],
  ["M", "BININT2", "uint16", 1],
  ["L", "LONG", "line", 0, "no"],
  ["\x8a", "LONG1", "uint8-length-integer", 2],
  ["\x8b", "LONG4", "int32-length-integer", 2],
  ["S", "STRING", "line", 0, "no"],
  ["T", "BINSTRING", "int32-length-string", 1],
  ["U", "SHORT_BINSTRING", "uint8-length-string", 1],
  ["B", "BINBYTES", "uint32-length-bytes", 3],
  ["C", "SHORT_BINBYTES", "uint8-length-bytes", 3],
  ["\x8e", "BINBYTES8", "uint64-length-bytes", 4],
  ["\x96", "BYTEARRAY8", "uint64-length-bytes", 5],
  ["\x97", "NEXT_BUFFER", "none", 5, "no"],
  ["\x98", "READONLY_BUFFER", "none", 5, "no"],
  ["N", "NONE", "none", 0],
  ["\x88", "NEWTRUE", "none", 2],
  ["\x89", "NEWFALSE", "none", 2],
  ["V", "UNICODE", "line", 0, "no"],
  ["\x8c", "SHORT_BINUNICODE", "uint8-length-text", 4],
  ["X", "BINUNICODE", "uint32-length-text", 1],
  ["\x8d", "BINUNICODE8", "uint64-length-text", 4],
  ["F", "FLOAT", "line", 0, "no"],
  ["G", "BINFLOAT", "float64-big-endian", 1],
  ["]", "EMPTY_LIST", "none", 1],
  ["a", "APPEND", "none", 0],
  ["e", "APPENDS", "none", 1],
  ["l", "LIST", "none", 0, "no"],
  [")", "EMPTY_TUPLE", "none", 1],
  ["t", "TUPLE", "none", 0],
  ["\x85", "TUPLE1", "none", 2],
  ["\x86", "TUPLE2", "none", 2],
  ["\x87", "TUPLE3", "none", 2],
  ["}", "EMPTY_DICT", "none", 1],
  ["d", "DICT", "none", 0, "no"],
  ["s", "SETITEM", "none", 0],
  ["u", "SETITEMS", "none", 1],
  ["\x8f", "EMPTY_SET", "none", 4],
  ["\x90", "ADDITEMS", "none", 4],
  ["\x91", "FROZENSET", "none", 4],
  ["0", "POP", "none", 0, "no"],
  ["2", "DUP", "none", 0, "no"],
  ["(", "MARK", "none", 0],
  ["1", "POP_MARK", "none", 1, "no"],
  ["g", "GET", "line", 0, "no"],
  ["h", "BINGET", "uint8", 1],
  ["j", "LONG_BINGET", "uint32", 1],
  ["p", "PUT", "line", 0, "no"],
  ["q", "BINPUT", "uint8", 1],
  ["r", "LONG_BINPUT", "uint32", 1],
  ["\x94", "MEMOIZE", "none", 4],
  ["\x82", "EXT1", "uint8", 2, "no"],
  ["\x83", "EXT2", "uint16", 2, "no"],
  ["\x84", "EXT4", "int32", 2, "no"],
  ["c", "GLOBAL", "two-names", 0],
  ["\x93", "STACK_GLOBAL", "none", 4],
  ["R", "REDUCE", "none", 0],
  ["b", "BUILD", "none", 0],
  ["i", "INST", "two-names", 0, "no"],
  ["o", "OBJ", "none", 1, "no"],
  ["\x81", "NEWOBJ", "none", 2],
  ["\x92", "NEWOBJ_EX", "none", 4],
  ["\x80", "PROTO", "uint8", 2],
  [".", "STOP", "none", 0],
  ["\x95", "FRAME", "uint64", 4],
  ["P", "PERSID", "line", 0, "no"],
  ["Q", "BINPERSID", "none", 1],
]

/** Every opcode in the table's order. */
export const OPCODES: readonly OpcodeInfo[] = /* @__PURE__ */ ROWS.map(
  ([code, name, operand, protocol, refused]) =>
    Object.freeze({ code: code.charCodeAt(0), name, operand, protocol, accepted: refused === undefined }),
)

/** The opcodes by their byte. */
export const OPCODE_BY_BYTE: readonly (OpcodeInfo | undefined)[] = /* @__PURE__ */ Array.from(
  { length: 256 },
  (_, byte) => OPCODES.find(({ code }) => code === byte),
)
