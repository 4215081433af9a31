/** Changes to pickles that leave opcodes whole. */

import { ALLOWED_GLOBALS } from "../../src/torch/allowed-globals.ts"
import { assemble, type Part } from "../../test/pickle/assemble.ts"
import { join } from "../engine/mutate.ts"
import type { Random } from "../engine/random.ts"
import { OPCODES, pickleOpcodes } from "./pickle-opcodes.ts"

const NUMBERS = [0, 1, 2, 3, 4, 6, 8, 255, 256, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 53 - 1]
const TEXTS = [
  "a",
  "b",
  "storage",
  "0",
  "1",
  "cpu",
  "latin1",
  "conj",
  "neg",
  "é",
  "__metadata__",
  "",
  "state_dict",
  "module",
]

/** Mostly one opcode or a few, put in, taken out, moved, or taken from `other`. */
export function changePickle(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let changed = bytes
  for (let left = 1 + random.below(4); left > 0; left--) changed = changeOpcodes(changed, random, other)
  return random.oneIn(8) ? changed : wellFormed(changed, random)
}

function changeOpcodes(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const { starts } = pickleOpcodes(bytes)
  const at = boundary(bytes, starts, random)
  const to = boundary(bytes, starts, random)
  const [low, high] = at < to ? [at, to] : [to, at]
  switch (random.below(7)) {
    case 0:
      return join(bytes.subarray(0, low), bytes.subarray(Math.min(high, low + 12)))
    case 1:
      return join(bytes.subarray(0, at), bytes.subarray(low, high), bytes.subarray(at))
    case 2: {
      const others = pickleOpcodes(other).starts
      const [from, end] = [boundary(other, others, random), boundary(other, others, random)]
      return join(
        bytes.subarray(0, at),
        other.subarray(Math.min(from, end), Math.max(from, end)),
        bytes.subarray(at),
      )
    }
    case 3:
      return join(
        bytes.subarray(0, low),
        bytes.subarray(high, high + 8),
        bytes.subarray(low, high),
        bytes.subarray(high + 8),
      )
    default:
      return join(bytes.subarray(0, at), fragment(random), bytes.subarray(at))
  }
}

function boundary(bytes: Uint8Array, starts: readonly number[], random: Random): number {
  return starts.length === 0 ? random.below(bytes.length + 1) : random.pick(starts)
}

/** PROTO first, STOP last. */
function wellFormed(bytes: Uint8Array, random: Random): Uint8Array {
  const headed = bytes[0] === 0x80 ? bytes : join(Uint8Array.of(0x80, 2 + random.below(4)), bytes)
  return headed.at(-1) === 0x2e ? headed : join(headed, Uint8Array.of(0x2e))
}

const someNumber = (random: Random): Part => ["LONG1", random.pick(NUMBERS)]
const someText = (random: Random): Part => [
  random.pick(["BINUNICODE", "SHORT_BINUNICODE"]),
  random.pick(TEXTS),
]

function someGlobal(random: Random): Part {
  if (random.oneIn(12)) return ["GLOBAL", "os", "system"]
  const { module, name } = random.pick(ALLOWED_GLOBALS)
  if (random.oneIn(2)) return ["GLOBAL", module, name]
  return assemble(["SHORT_BINUNICODE", module], ["SHORT_BINUNICODE", name], "STACK_GLOBAL")
}

function ints(random: Random, count: number): readonly Part[] {
  const int = (): Part =>
    random.oneIn(12) ? someNumber(random) : ["BININT1", random.oneIn(6) ? random.below(256) : random.below(4)]
  return ["MARK", ...Array.from({ length: count }, int), "TUPLE"]
}

function someStorage(random: Random): Part {
  const dtype = random.pick([
    "FloatStorage",
    "HalfStorage",
    "ComplexFloatStorage",
    "BoolStorage",
    "UntypedStorage",
  ])
  const type: Part = ["GLOBAL", dtype === "UntypedStorage" ? "torch.storage" : "torch", dtype]
  const view = random.pick<readonly Part[]>([
    [],
    ["NONE"],
    [["BINUNICODE", "v"], ["BININT1", random.below(4)], ["BININT1", random.below(4)], "TUPLE3"],
  ])
  const key: Part = ["BINUNICODE", random.pick(["0", "1", "2"])]
  return assemble(
    "MARK",
    ["BINUNICODE", "storage"],
    type,
    key,
    ["BINUNICODE", "cpu"],
    ["BININT1", random.pick([0, 4, 8, 64])],
    ...view,
    "TUPLE",
    "BINPERSID",
  )
}

function someTensor(random: Random): Part {
  const rank = random.below(4)
  const third = random.oneIn(3)
  const dtypes = ["float32", "uint16", "complex64", "float8_e4m3fn", "float4_e2m1fn_x2", "bool"]
  const metadata: readonly Part[] = random.oneIn(3)
    ? [
        "EMPTY_DICT",
        ["BINUNICODE", random.pick(["conj", "neg", "x"])],
        random.pick(["NEWTRUE", "NEWFALSE", "NONE"]),
        "SETITEM",
      ]
    : []
  return assemble(
    ["GLOBAL", "torch._utils", third ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2"],
    "MARK",
    someStorage(random),
    ["BININT1", random.below(3)],
    ...ints(random, rank),
    ...ints(random, random.oneIn(10) ? rank + 1 : rank),
    "NEWFALSE",
    ...[["GLOBAL", "collections", "OrderedDict"] as const, "EMPTY_TUPLE", "REDUCE"],
    ...(third ? [["GLOBAL", "torch", random.pick(dtypes)] as const] : []),
    ...metadata,
    "TUPLE",
    "REDUCE",
  )
}

function fragment(random: Random): Uint8Array {
  switch (random.below(9)) {
    case 0:
      return assemble(someTensor(random))
    case 1:
      return assemble(random.oneIn(12) ? ["BINFLOAT", 1.5] : someText(random), someTensor(random), "SETITEM")
    case 2:
      return assemble(
        someGlobal(random),
        ...(random.oneIn(2) ? ["EMPTY_TUPLE" as const] : [someText(random), "TUPLE1" as const]),
        random.pick(["REDUCE", "NEWOBJ"]),
      )
    case 3:
      return assemble(someStorage(random))
    case 4:
      return assemble([random.pick(["BINPUT", "BINGET"]), random.below(6)])
    case 5:
      return assemble(
        random.pick<Part>([
          someNumber(random),
          someText(random),
          someGlobal(random),
          "MARK",
          "EMPTY_DICT",
          "EMPTY_LIST",
          "NONE",
        ]),
      )
    case 6:
      return assemble(
        ["GLOBAL", "torch._utils", "_rebuild_parameter"],
        someTensor(random),
        "NEWTRUE",
        "EMPTY_DICT",
        "TUPLE3",
        "REDUCE",
      )
    default: {
      const { code, arg } = random.pick(OPCODES)
      if (arg === null) return Uint8Array.of(code)
      return join(Uint8Array.of(code), random.bytes(random.below(10)))
    }
  }
}
