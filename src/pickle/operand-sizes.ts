/** How many bytes follow an opcode, for those who step over operands without making them. */

import type { OperandKind } from "./opcodes.ts"
import { OPCODES } from "./opcodes.ts"

/** Bytes of an operand; below zero, bytes of the length that stands before it; undefined for lines. */
const OPERAND_BYTES: Readonly<Record<OperandKind, number | undefined>> = {
  none: 0,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  "float64-big-endian": 8,
  "uint8-length-integer": -1,
  "uint8-length-string": -1,
  "uint8-length-text": -1,
  "uint8-length-bytes": -1,
  "int32-length-integer": -4,
  "int32-length-string": -4,
  "uint32-length-text": -4,
  "uint32-length-bytes": -4,
  "uint64-length-text": -8,
  "uint64-length-bytes": -8,
  line: undefined,
  "two-names": undefined,
}

export const ONE_LINE = 100
export const TWO_LINES = 101
export const NO_OPCODE = 102

/** By the opcode's byte: as above, or one of the three names. */
export const OPERAND_SIZES: Int8Array = /* @__PURE__ */ (() => {
  const table = new Int8Array(256).fill(NO_OPCODE)
  for (const { code, operand } of OPCODES) {
    table[code] = OPERAND_BYTES[operand] ?? (operand === "line" ? ONE_LINE : TWO_LINES)
  }
  return table
})()
