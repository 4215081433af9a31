/**
 * The opcodes of pickle protocols 0 to 5, one row each, in the order of CPython's `pickletools.py`: how its operand is
 * laid out, what it costs the machine, and what it does to a stack of which only globals are of interest. What the
 * machine makes of an opcode is in handlers.ts, what a listing makes of those that concern globals in list-globals.ts.
 */

/** How the bytes after an opcode are read. Numbers are little-endian unless the name says otherwise. */
export type OperandKind =
  | "none"
  | "uint8"
  | "uint16"
  | "uint32"
  | "int32"
  | "uint64"
  | "float64-big-endian"
  | `${"uint8" | "int32"}-length-${"integer" | "string"}`
  | `${"uint8" | "uint32" | "uint64"}-length-${"text" | "bytes"}`
  | "line"
  | "two-names"

/** One opcode. */
export interface OpcodeInfo {
  readonly code: number
  readonly name: string
  readonly operand: OperandKind
  /** The first protocol that has it. */
  readonly protocol: number
  /** Whether the machine interprets it. */
  readonly accepted: boolean
  /** Bytes of memory that the machine is charged. */
  readonly cost: number
  /**
   * What a listing is charged: a place for each value, and for a global what is noted of it. Never more than the machine
   * for the same, so that what the machine reads to its end is listed to its end.
   */
  readonly listingCost: number
  /** Values that it takes off the stack; "mark" for all above the last mark. */
  readonly takes: number | "mark"
  readonly leaves: Leaves | undefined
}

/**
 * What an opcode leaves on the stack for those who look for globals: a value that names none, a text, a mark, the value
 * below, changed, or nothing. Undefined for what is more than that, which list-globals.ts follows, naming a global too.
 */
type Leaves = "value" | "text" | "mark" | "changed" | "nothing" | "global"

// Costs are what values take in V8 on 64-bit machines without pointer compression (Node), measured and rounded up. Texts
// and bytes are counted without their content, which is no more than the pickle holds. From a number to a global they
// differ by a factor of 15: one cost for all opcodes would bound nothing, or refuse what people save.
//
// Sums are written out: bundlers keep a sum that nobody uses.

/** A place on the stack, and later in a container. Both grow by half when they are full. */
const PLACE = 16
/** An object, and its place. */
const OBJECT = 56
/** An array of items, and the container's entry in the census of tensors. */
const ITEMS = 80
/** An object with items. */
const FILLED = 136
const TEXT = 48
const BYTES = 128
const LONG = 56
const FLOAT = 72
/** What a listing notes of a global: where it is and what becomes of it, and two names of a few dozen characters. */
const MENTION = 240
/** A tensor's record, a storage: a dozen fields. What policies copy is charged on top. */
const MADE = 160

/**
 * Refused are the text opcodes of protocols 0 and 1, whatever builds instances by class name (INST, OBJ), the
 * extension registry, out-of-band buffers, and the stack tricks that no pickler writes (DUP, POP, POP_MARK).
 */
type Row = readonly [
  code: string,
  name: string,
  operand: OperandKind,
  protocol: number,
  cost: number | "refused",
  takes?: number | "mark",
  leaves?: Leaves,
]

const ROWS: readonly Row[] = [
  ["I", "INT", "line", 0, "refused", 0, "value"],
  ["J", "BININT", "int32", 1, PLACE, 0, "value"],
  ["K", "BININT1", "uint8", 1, PLACE, 0, "value"],
  ["M", "BININT2", "uint16", 1, PLACE, 0, "value"],
  ["L", "LONG", "line", 0, "refused", 0, "value"],
  ["\x8a", "LONG1", "uint8-length-integer", 2, LONG, 0, "value"],
  ["\x8b", "LONG4", "int32-length-integer", 2, LONG, 0, "value"],
  ["S", "STRING", "line", 0, "refused"],
  ["T", "BINSTRING", "int32-length-string", 1, TEXT, 0, "text"],
  ["U", "SHORT_BINSTRING", "uint8-length-string", 1, TEXT, 0, "text"],
  ["B", "BINBYTES", "uint32-length-bytes", 3, BYTES, 0, "value"],
  ["C", "SHORT_BINBYTES", "uint8-length-bytes", 3, BYTES, 0, "value"],
  ["\x8e", "BINBYTES8", "uint64-length-bytes", 4, BYTES, 0, "value"],
  ["\x96", "BYTEARRAY8", "uint64-length-bytes", 5, BYTES, 0, "value"],
  ["\x97", "NEXT_BUFFER", "none", 5, "refused"],
  ["\x98", "READONLY_BUFFER", "none", 5, "refused", 0, "nothing"],
  ["N", "NONE", "none", 0, PLACE, 0, "value"],
  ["\x88", "NEWTRUE", "none", 2, PLACE, 0, "value"],
  ["\x89", "NEWFALSE", "none", 2, PLACE, 0, "value"],
  ["V", "UNICODE", "line", 0, "refused", 0, "text"],
  ["\x8c", "SHORT_BINUNICODE", "uint8-length-text", 4, TEXT, 0, "text"],
  ["X", "BINUNICODE", "uint32-length-text", 1, TEXT, 0, "text"],
  ["\x8d", "BINUNICODE8", "uint64-length-text", 4, TEXT, 0, "text"],
  ["F", "FLOAT", "line", 0, "refused", 0, "value"],
  ["G", "BINFLOAT", "float64-big-endian", 1, FLOAT, 0, "value"],
  ["]", "EMPTY_LIST", "none", 1, OBJECT, 0, "value"],
  ["a", "APPEND", "none", 0, ITEMS, 1, "changed"],
  ["e", "APPENDS", "none", 1, ITEMS, "mark", "changed"],
  ["l", "LIST", "none", 0, "refused", "mark", "value"],
  [")", "EMPTY_TUPLE", "none", 1, PLACE, 0, "value"],
  ["t", "TUPLE", "none", 0, FILLED, "mark", "value"],
  ["\x85", "TUPLE1", "none", 2, FILLED, 1, "value"],
  ["\x86", "TUPLE2", "none", 2, FILLED, 2, "value"],
  ["\x87", "TUPLE3", "none", 2, FILLED, 3, "value"],
  ["}", "EMPTY_DICT", "none", 1, OBJECT, 0, "value"],
  ["d", "DICT", "none", 0, "refused", "mark", "value"],
  ["s", "SETITEM", "none", 0, ITEMS, 2, "changed"],
  ["u", "SETITEMS", "none", 1, ITEMS, "mark", "changed"],
  ["\x8f", "EMPTY_SET", "none", 4, OBJECT, 0, "value"],
  ["\x90", "ADDITEMS", "none", 4, ITEMS, "mark", "changed"],
  ["\x91", "FROZENSET", "none", 4, FILLED, "mark", "value"],
  ["0", "POP", "none", 0, "refused"],
  ["2", "DUP", "none", 0, "refused"],
  ["(", "MARK", "none", 0, PLACE, 0, "mark"],
  ["1", "POP_MARK", "none", 1, "refused", "mark", "nothing"],
  ["g", "GET", "line", 0, "refused"],
  ["h", "BINGET", "uint8", 1, PLACE],
  ["j", "LONG_BINGET", "uint32", 1, PLACE],
  ["p", "PUT", "line", 0, "refused"],
  ["q", "BINPUT", "uint8", 1, 0],
  ["r", "LONG_BINPUT", "uint32", 1, 0],
  ["\x94", "MEMOIZE", "none", 4, 0],
  ["\x82", "EXT1", "uint8", 2, "refused", 0, "global"],
  ["\x83", "EXT2", "uint16", 2, "refused", 0, "global"],
  ["\x84", "EXT4", "int32", 2, "refused", 0, "global"],
  ["c", "GLOBAL", "two-names", 0, MENTION, 0, "global"],
  ["\x93", "STACK_GLOBAL", "none", 4, MENTION, 2, "global"],
  ["R", "REDUCE", "none", 0, MADE],
  ["b", "BUILD", "none", 0, 0, 1, "changed"],
  ["i", "INST", "two-names", 0, "refused", "mark", "global"],
  ["o", "OBJ", "none", 1, "refused"],
  ["\x81", "NEWOBJ", "none", 2, MADE],
  ["\x92", "NEWOBJ_EX", "none", 4, MADE],
  ["\x80", "PROTO", "uint8", 2, 0],
  [".", "STOP", "none", 0, 0],
  ["\x95", "FRAME", "uint64", 4, 0, 0, "nothing"],
  ["P", "PERSID", "line", 0, "refused"],
  ["Q", "BINPERSID", "none", 1, MADE],
]

/** Every opcode in the table's order. */
export const OPCODES: readonly OpcodeInfo[] = /* @__PURE__ */ ROWS.map(
  ([code, name, operand, protocol, cost, takes = 0, leaves]) => {
    const accepted = cost !== "refused"
    const listingCost = leaves === "global" ? MENTION : cost === 0 ? 0 : PLACE
    return Object.freeze({
      code: code.charCodeAt(0),
      name,
      operand,
      protocol,
      accepted,
      cost: accepted ? cost : 0,
      listingCost,
      takes,
      leaves,
    })
  },
)

/** The opcodes by their byte. */
export const OPCODE_BY_BYTE: readonly (OpcodeInfo | undefined)[] = /* @__PURE__ */ Array.from(
  { length: 256 },
  (_, byte) => OPCODES.find(({ code }) => code === byte),
)

export const ONE_LINE = 100
export const TWO_LINES = 101
export const NO_OPCODE = 102

/** Bytes of an operand by the opcode's byte: below zero, bytes of the length before it; or one of the names above. */
export const OPERAND_SIZES: Int8Array = /* @__PURE__ */ Int8Array.from(OPCODE_BY_BYTE, (opcode) => {
  const kind = opcode?.operand
  if (kind === undefined) return NO_OPCODE
  if (kind === "line" || kind === "two-names") return kind === "line" ? ONE_LINE : TWO_LINES
  const bytes = Number(/\d+/.exec(kind)?.[0] ?? 0) / 8
  return kind.includes("-length-") ? -bytes : bytes
})
