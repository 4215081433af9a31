/**
 * What values take in memory: V8 on 64-bit machines without pointer compression (Node), measured and rounded up.
 * Texts and bytes are counted without their content, which is no more than the pickle holds.
 */

import { OPCODES } from "./opcodes.ts"

/** A place on the stack, and later in a container. Both grow by half when they are full. */
const PLACE = 16
/** An object, and its place. */
const OBJECT = 40 + PLACE
/** An array of items, and the container's entry in the census of tensors. */
const ITEMS = 80

/** What a listing notes of a global: where it is and what becomes of it, and two names of a few dozen characters. */
const MENTION = 224

/** Bytes by opcode; the others make nothing. */
const COSTS: ReadonlyMap<string, number> = /* @__PURE__ */ (() =>
  new Map([
    ["BININT", PLACE],
    ["BININT1", PLACE],
    ["BININT2", PLACE],
    ["LONG1", PLACE + 40],
    ["LONG4", PLACE + 40],
    ["BINSTRING", PLACE + 32],
    ["SHORT_BINSTRING", PLACE + 32],
    ["BINUNICODE", PLACE + 32],
    ["SHORT_BINUNICODE", PLACE + 32],
    ["BINUNICODE8", PLACE + 32],
    ["BINBYTES", PLACE + 112],
    ["SHORT_BINBYTES", PLACE + 112],
    ["BINBYTES8", PLACE + 112],
    ["BYTEARRAY8", PLACE + 112],
    ["NONE", PLACE],
    ["NEWTRUE", PLACE],
    ["NEWFALSE", PLACE],
    ["BINFLOAT", OBJECT + 16],
    ["EMPTY_LIST", OBJECT],
    ["APPEND", ITEMS],
    ["APPENDS", ITEMS],
    ["EMPTY_TUPLE", PLACE],
    ["TUPLE", OBJECT + ITEMS],
    ["TUPLE1", OBJECT + ITEMS],
    ["TUPLE2", OBJECT + ITEMS],
    ["TUPLE3", OBJECT + ITEMS],
    ["EMPTY_DICT", OBJECT],
    ["SETITEM", ITEMS],
    ["SETITEMS", ITEMS],
    ["EMPTY_SET", OBJECT],
    ["ADDITEMS", ITEMS],
    ["FROZENSET", OBJECT + ITEMS],
    ["MARK", PLACE],
    ["BINGET", PLACE],
    ["LONG_BINGET", PLACE],
    ["GLOBAL", PLACE + MENTION],
    ["STACK_GLOBAL", PLACE + MENTION],
    // A tensor's record, a storage: a dozen fields. What policies copy is charged on top.
    ["REDUCE", PLACE + 144],
    ["NEWOBJ", PLACE + 144],
    ["NEWOBJ_EX", PLACE + 144],
    ["BINPERSID", PLACE + 144],
  ]))()

/** The same by the opcode's byte, for a loop that asks for every opcode. */
export const OPCODE_COSTS: Uint8Array = /* @__PURE__ */ (() => {
  const table = new Uint8Array(256)
  for (const { code, name } of OPCODES) table[code] = COSTS.get(name) ?? 0
  return table
})()

/** Opcodes of which a listing makes something: those that name globals. */
const MENTIONS = ["GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"]

/**
 * What a listing of globals takes for an opcode: a place for each value, and for a global what is noted of it. Never more
 * than the machine takes for the same, so that what the machine reads to its end is listed to its end.
 */
export const LISTING_COSTS: Uint8Array = /* @__PURE__ */ (() => {
  const table = new Uint8Array(256)
  for (const { code, name, accepted } of OPCODES) {
    const most = MENTIONS.includes(name) ? PLACE + MENTION : PLACE
    table[code] = accepted ? Math.min(most, OPCODE_COSTS[code] as number) : most
  }
  return table
})()

/** What a listing takes for a pickle that follows another: less memory than that, but time. */
export const PICKLE_BYTES = 4096

/** An entry of a dict: the pair, and its share of a table that doubles. Its places were charged with its values. */
export const ENTRY_BYTES = 80

/** An entry of a memo. */
export const MEMO_ENTRY_BYTES = 48

/** A value that is copied into a new container, whatever kind of container that is. */
export const COPIED_ITEM_BYTES = 96
