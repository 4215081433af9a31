/**
 * The worst files we know of for time and memory: small ones that expand, and large ones that are all cost.
 *
 * Each case makes a file. `run` says what is done with it (see hostile.mjs); the default is opening, planning and
 * converting it. Nothing here is a valid attack on anything but patience.
 */

import { createHash } from "node:crypto"
import { crc32, deflateRawSync } from "node:zlib"

const MiB = 1024 * 1024

/** Latin-1 text and numbers as bytes. */
const bytes = (...parts) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  )

const u16 = (value) => [value & 255, value >> 8]
const u32 = (value) => [...u16(value & 0xffff), ...u16(value >>> 16)]

/** `unit` over and over, as many whole times as fit into `length` bytes. */
const fill = (unit, length) =>
  Buffer.alloc(Math.floor(length / bytes(unit).length) * bytes(unit).length, bytes(unit))

/** As many parts as `make` is asked for, joined. */
const each = (count, make) => Buffer.concat(Array.from({ length: count }, (_, index) => bytes(make(index))))

const text = (value) => bytes("X", u32(Buffer.byteLength(value, "latin1")), value)
const put = (index) => bytes("r", u32(index))
const get = (index) => bytes("j", u32(index))
const int = (value) => bytes("J", u32(value))
const global = (module, name) => `c${module}\n${name}\n`

/** PROTO 4 lets every accepted opcode pass. */
const pickle = (...parts) => bytes("\x80\x04", ...parts, ".")

const storage = (key, count, type = "FloatStorage") =>
  bytes("(", text("storage"), global("torch", type), text(key), text("cpu"), int(count), "tQ")

/** A tensor, whose size and strides are given as pickled tuples. */
const tensorOver = (reference, size, strides, offset = 0) =>
  bytes(global("torch._utils", "_rebuild_tensor_v2"), "(", reference, int(offset), size, strides, "\x89}tR")

const tupleOf = (...numbers) => bytes("(", ...numbers.map((n) => (n < 2 ** 31 ? int(n) : long(n))), "t")

function long(value) {
  const digits = []
  for (let left = BigInt(value); left > 0n; left >>= 8n) digits.push(Number(left & 255n))
  return bytes("\x8a", [digits.length + 1], [...digits, 0])
}

/** A tensor of one float in storage 0. */
const ONE = tensorOver(storage("0", 1), tupleOf(1), tupleOf(1))

/** An archive of these members: `[name, bytes, deflated]`. */
export function zip(members) {
  const parts = []
  const rows = []
  let at = 0
  const add = (...added) => {
    for (const part of added) {
      parts.push(part)
      at += part.length
    }
  }
  for (const [name, data, deflated = false] of members) {
    const stored = deflated ? deflateRawSync(data, { level: 9 }) : data
    const sums = [...u32(crc32(data)), ...u32(stored.length), ...u32(data.length)]
    const common = bytes(u16(20), u16(0), u16(deflated ? 8 : 0), u32(0), sums, u16(name.length), u16(0))
    rows.push(bytes("PK\x01\x02", u16(20), common, u16(0), u16(0), u16(0), u32(0), u32(at), name))
    add(bytes("PK\x03\x04", common, name), stored)
  }
  const directory = Buffer.concat(rows)
  const start = at
  add(directory)
  const count = rows.length
  const wide = count >= 0xffff
  if (wide) {
    const record = Buffer.alloc(76)
    record.write("PK\x06\x06", 0, "latin1")
    record.writeBigUInt64LE(44n, 4)
    record.writeUInt16LE(45, 12)
    record.writeUInt16LE(45, 14)
    record.writeBigUInt64LE(BigInt(count), 24)
    record.writeBigUInt64LE(BigInt(count), 32)
    record.writeBigUInt64LE(BigInt(directory.length), 40)
    record.writeBigUInt64LE(BigInt(start), 48)
    record.write("PK\x06\x07", 56, "latin1")
    record.writeBigUInt64LE(BigInt(at), 64)
    record.writeUInt32LE(1, 72)
    add(record)
  }
  const short = wide ? 0xffff : count
  add(bytes("PK\x05\x06", u32(0), u16(short), u16(short), u32(directory.length), u32(start), u16(0)))
  return Buffer.concat(parts)
}

/** A checkpoint with this pickle, deflated unless it is said otherwise, and with a storage of one float. */
const checkpoint = (data, { deflated = true, storages = [["0", Buffer.alloc(4)]] } = {}) =>
  zip([
    ["a/data.pkl", data, deflated],
    ...storages.map(([key, content, packed]) => [`a/data/${key}`, content, packed]),
  ])

/** A list of `length` bytes of `unit`, beside a tensor. */
const listOf = (unit, length, before = "") =>
  pickle(bytes("}(", text("t"), ONE, text("l"), before, "](", fill(unit, length), "eu"))

function legacy(object, keys, tail) {
  const head = bytes("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "\x80\x02M\xe9\x03.")
  const info = bytes("\x80\x02}", text("little_endian"), "\x88s.")
  return bytes(head, info, object, "\x80\x02](", ...keys.map(text), "e.", tail)
}

/** A safetensors file with this header and no data. */
function safetensors(json) {
  const header = bytes(json)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header])
}

/** Bytes that do not deflate, always the same. */
const noise = (length) =>
  Buffer.concat(
    Array.from({ length: length / 32 }, (_, i) => createHash("sha256").update(String(i)).digest()),
  )

const FULL = 64 * MiB - 1024

/** As much as a pickle may inflate to that takes 100 KB in the file, 94 KB of them noise. */
const TUNED = 5_000_000
const tuned = (make) => {
  const data = make(TUNED - 94_000)
  const filler = noise(93_984)
  // The noise comes before STOP, as state of no consequence: an item of one more list would need another place for it.
  return bytes(data.subarray(0, 2), "B", u32(filler.length), filler, data.subarray(2, -1), "\x86.")
}

/** What makes the smallest containers, and other bytes that make much. */
const UNITS = {
  "empty dicts": "}",
  "empty lists": "]",
  "empty tuples": ")",
  "empty sets": "\x8f",
  nones: "N",
  marks: "(",
  "nested tuples": "\x85",
  "dicts of one entry": "}NNs",
  "lists of one item": "]Na",
  "tuples of one item": "N\x85",
  "frozen sets": "(\x91",
  floats: bytes("G", [0, 0, 0, 0, 0, 0, 0, 0]),
  "wide integers": bytes("\x8a\x0a", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
  "very wide integers": bytes("\x8b", u32(4096), Buffer.alloc(4096, 0x55)),
  "empty texts": "\x8c\x00",
  "short texts": "\x8c\x04abcd",
  "short wide texts": "\x8c\x03\xe2\x82\xac",
  "half characters": bytes("X", u32(3 * 2 ** 20), Buffer.alloc(3 * 2 ** 20, bytes([0xed, 0xa0, 0x80]))),
  "empty bytes": "C\x00",
  "keys of one dict": "}N",
}

const cases = []
const add = (name, make, more = {}) => cases.push({ name, make, ...more })

for (const [name, unit] of Object.entries(UNITS)) {
  const make = (length) => {
    if (name === "marks") return pickle("](", fill("(", length))
    if (name === "nested tuples") return pickle("N", fill("\x85", length))
    if (name === "keys of one dict") return pickle("}(", fill(unit, length), "u")
    return listOf(unit, length)
  }
  add(`small: ${name}, deflated to 64 KiB`, () => checkpoint(make(FULL)))
  add(`small: ${name}, as much as passes`, () => checkpoint(tuned(make)))
  add(`medium: ${name}, 8 MiB, deflated`, () => checkpoint(make(8 * MiB)))
  add(`large: ${name}, 64 MiB stored`, () => checkpoint(make(FULL), { deflated: false }), { large: true })
}

/** Units that need something in the memo first. */
const MEMO_UNITS = {
  "OrderedDict calls": [bytes(global("collections", "OrderedDict"), put(1), "0"), "h\x01)R"],
  "storages by memo": [
    bytes("(", text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), int(1), "t", put(1)),
    "h\x01Q",
  ],
}
for (const [name, [made, unit]] of Object.entries(MEMO_UNITS)) {
  // What is memoised stays as the list's first item: there is no POP.
  const first = name === "OrderedDict calls" ? made.subarray(0, -1) : made
  const make = (length) => pickle(bytes("](", first, fill(unit, length), "e"))
  add(`small: ${name}, deflated to 64 KiB`, () => checkpoint(make(FULL)))
  add(`small: ${name}, as much as passes`, () => checkpoint(tuned(make)))
  add(`medium: ${name}, 8 MiB, deflated`, () => checkpoint(make(8 * MiB)))
  add(`large: ${name}, 64 MiB stored`, () => checkpoint(make(FULL), { deflated: false }), { large: true })
}

/** `count` mentions of one tensor with 64 dimensions, each rebuilt. */
function rebuilt(count, dims) {
  const ones = bytes("(", fill("K\x01", 2 * dims), "t")
  const args = bytes("(", storage("0", 1), "K\x00", ones, put(2), get(2), "\x89}t", put(3))
  return pickle(
    "](",
    global("torch._utils", "_rebuild_tensor_v2"),
    put(1),
    args,
    fill("h\x01h\x03R", 5 * count),
    "e",
  )
}

/** `count` mentions of one tensor by memo. */
const mentioned = (count, dims) => {
  const ones = bytes("(", fill("K\x01", 2 * dims), "t")
  return pickle("](", tensorOver(storage("0", 1), ones, ones), put(1), fill("h\x01", 2 * count), "e")
}

for (const dims of [1, 64]) {
  for (const [size, count] of [
    ["small", 100_000],
    ["small", 1_900_000],
    ["small", 6_000_000],
  ]) {
    add(`${size}: ${count} mentions of a tensor of ${dims} dims`, () => checkpoint(mentioned(count, dims)))
    add(`${size}: ${count} rebuilt tensors of ${dims} dims`, () => checkpoint(rebuilt(count, dims)))
  }
  add(
    `small: 1900000 mentions of a tensor of ${dims} dims, copied`,
    () => checkpoint(mentioned(1_900_000, dims)),
    { run: "copy" },
  )
  add(
    `large: 6000000 rebuilt tensors of ${dims} dims, stored`,
    () => checkpoint(rebuilt(6_000_000, dims), { deflated: false }),
    { large: true },
  )
}

/** Each level holds the one before twice. */
const laughsOf = (levels, kind) => {
  const level = (n) =>
    kind === "list"
      ? bytes("](", get(n), get(n), "e", put(n + 1))
      : kind === "tuple"
        ? bytes(get(n), get(n), "\x86", put(n + 1))
        : bytes("}(", text("a"), get(n), text("b"), get(n), "u", put(n + 1))
  return pickle("](", ONE, put(0), each(levels, level), "e")
}
for (const kind of ["list", "tuple", "dict"]) {
  add(`small: billion laughs, ${kind}s, 40 levels`, () => checkpoint(laughsOf(40, kind)))
  add(`small: billion laughs, ${kind}s, values`, () => checkpoint(laughsOf(40, kind)), { run: "values" })
  add(`small: billion laughs, ${kind}s, inspect --json`, () => checkpoint(laughsOf(16, kind)), {
    run: "inspect-json",
  })
  add(`small: billion laughs, ${kind}s, inspect --json, 40 levels`, () => checkpoint(laughsOf(40, kind)), {
    run: "inspect-json",
  })
}
add(
  "small: a long text in a list, often, inspect --json",
  () =>
    checkpoint(
      pickle(
        "}(",
        text("t"),
        ONE,
        text("l"),
        "](",
        text("x".repeat(2 ** 20)),
        put(1),
        fill("h\x01", 2_000),
        "eu",
      ),
    ),
  { run: "inspect-json" },
)
add(
  "small: bytes in a list, often, inspect --json",
  () =>
    checkpoint(
      pickle(
        "}(",
        text("t"),
        ONE,
        text("l"),
        "](",
        "B",
        u32(2 ** 20),
        Buffer.alloc(2 ** 20),
        put(1),
        fill("h\x01", 2_000),
        "eu",
      ),
    ),
  { run: "inspect-json" },
)
add(
  "small: nested tuples, 190 levels, inspect --json",
  () => checkpoint(pickle("}(", text("t"), ONE, text("l"), "N", fill("\x85", 190), "u")),
  { run: "inspect-json" },
)
add("small: nested tuples, 100000 levels", () => checkpoint(pickle("N", fill("\x85", 100_000))))
add("small: a shared list of 1,000,000 beside tensors, 1,000 times", () =>
  checkpoint(
    pickle("](", ONE, put(9), "](", fill("N", 1_000_000), get(9), "e", put(1), fill("h\x01", 2_000), "e"),
  ),
)
add(
  "small: quadratic names",
  () => {
    const key = text("k".repeat(32_768))
    return checkpoint(pickle("}", key, put(1), fill(bytes("}h\x01"), 3 * 190), ONE, fill("s", 191)))
  },
  { run: "all" },
)
add(
  "small: a long key before many tensors",
  () => checkpoint(pickle("}", text("k".repeat(40_000)), "](", ONE, put(1), fill("h\x01", 100_000), "es")),
  { run: "all" },
)
add(
  "small: 3,000 names of 32 KiB",
  () => checkpoint(pickle("}", text("k".repeat(32_768)), "](", ONE, put(1), fill("h\x01", 6_000), "es")),
  { run: "all" },
)
for (const dims of [1, 64]) {
  add(`small: 98,000 mentions of a tensor of ${dims} dims`, () => checkpoint(mentioned(98_000, dims)))
  add(`small: mentions of a tensor of ${dims} dims, as much as passes`, () =>
    checkpoint(tuned((length) => mentioned(Math.min(240_000, length >> 1), dims))),
  )
}
add("small: maps of one tensor at the top, as much as passes", () =>
  checkpoint(
    tuned((length) => pickle("](", "}", text("a"), ONE, put(1), "s", fill("}\x8c\x00h\x01s", length), "e")),
  ),
)
add("small: 1,000,000 maps of one tensor at the top", () =>
  checkpoint(
    pickle(
      "](",
      "}",
      text("a"),
      ONE,
      put(1),
      "s",
      fill("}j\x01\x00\x00\x00h\x01s", 0),
      fill("}\x8c\x00h\x01s", 6_000_000),
      "e",
    ),
  ),
)
add("small: 10,000 refused globals in deep lists", () =>
  checkpoint(
    pickle(
      "](",
      each(9_999, (i) => bytes("](", global("os", `g${i}`), ")R")),
      fill("e", 9_999),
      "e",
    ),
  ),
)
add("small: refused globals up to the pickle's limit", () =>
  checkpoint(pickle("](", fill("cos\nsystem\n)R", FULL), "e")),
)
add(
  "large: refused globals up to the pickle's limit, stored",
  () => checkpoint(pickle("](", fill("cos\nsystem\n)R", FULL), "e"), { deflated: false }),
  { large: true },
)

const grid = (count, unit, content, packed = true) =>
  checkpoint(pickle("](", unit, put(1), fill("h\x01", 2 * count), "e"), {
    storages: [["0", content, packed]],
  })
add("small: zero strides, 2^40 elements", () =>
  checkpoint(pickle("}", text("t"), tensorOver(storage("0", 1), tupleOf(2 ** 40), tupleOf(0)), "s")),
)
add("small: zero strides, 60 MiB of float32", () =>
  checkpoint(pickle("}", text("t"), tensorOver(storage("0", 1), tupleOf(15 * MiB), tupleOf(0)), "s")),
)
add("small: zero strides, 60 MiB of bytes", () =>
  checkpoint(
    pickle(
      "}",
      text("t"),
      tensorOver(storage("0", 1, "ByteStorage"), tupleOf(60 * MiB, 1), tupleOf(0, 1)),
      "s",
    ),
    { storages: [["0", Buffer.alloc(1)]] },
  ),
)
add("small: zero strides, rows of one, 60 MiB of bytes", () =>
  checkpoint(
    pickle(
      "}",
      text("t"),
      tensorOver(storage("0", 2, "ByteStorage"), tupleOf(30 * MiB, 2), tupleOf(0, 1)),
      "s",
    ),
    { storages: [["0", Buffer.alloc(2)]] },
  ),
)
add(
  "small: 4,000 names for a 4 MiB view",
  () => grid(4_000, tensorOver(storage("0", MiB), tupleOf(MiB), tupleOf(1)), Buffer.alloc(4 * MiB)),
  { run: "copy" },
)
add(
  "small: 15 names for a 4 MiB deflated view",
  () => grid(15, tensorOver(storage("0", MiB), tupleOf(MiB), tupleOf(1)), Buffer.alloc(4 * MiB)),
  { run: "copy" },
)
add("small: scattered picks of a deflated storage, backwards", () => {
  const floats = 20 * MiB
  const items = each(2_000, (index) =>
    tensorOver(storage("0", floats), tupleOf(1), tupleOf(1), floats - 1 - index * 10_000),
  )
  return checkpoint(pickle("}(", text("t"), "](", items, "eu"), {
    storages: [["0", Buffer.alloc(4 * floats), true]],
  })
})
add("small: a scattered view of a deflated storage", () => {
  const floats = 20 * MiB
  const view = tensorOver(storage("0", floats), tupleOf(5_000, 4), tupleOf(4_000, 1_000))
  return checkpoint(pickle("}", text("t"), view, "s"), { storages: [["0", Buffer.alloc(4 * floats), true]] })
})
add(
  "large: a scattered view of a storage of 200 MB",
  () => {
    const floats = 50 * MiB
    const view = tensorOver(storage("0", floats), tupleOf(500, 100, 1_000), tupleOf(1, 1_000, 52_000))
    return checkpoint(pickle("}", text("t"), view, "s"), { storages: [["0", Buffer.alloc(4 * floats)]] })
  },
  { large: true },
)
add(
  "large: views one column wide of a storage of 200 MB",
  () => {
    const side = 7_000
    const items = each(400, (index) =>
      tensorOver(storage("0", side * side), tupleOf(side), tupleOf(side), index),
    )
    return checkpoint(pickle("}(", text("t"), "](", items, "eu"), {
      storages: [["0", Buffer.alloc(4 * side * side)]],
    })
  },
  { large: true },
)
add("small: 64 dims of 2, all strides 0 but one", () => {
  const shape = tupleOf(...Array.from({ length: 23 }, () => 2))
  const strides = tupleOf(...Array.from({ length: 23 }, (_, i) => i % 2))
  return checkpoint(pickle("}", text("t"), tensorOver(storage("0", 64), shape, strides), "s"), {
    storages: [["0", Buffer.alloc(256)]],
  })
})
add(
  "medium: names that all stars match, include",
  () => checkpoint(pickle("}", text("a".repeat(500_000)), "](", ONE, put(1), fill("h\x01", 40), "es")),
  { run: "globs" },
)
add(
  "large: a zip of 2,000,000 entries",
  () =>
    zip([
      ["a/data.pkl", pickle("}", text("t"), ONE, "s")],
      ["a/data/0", Buffer.alloc(4)],
      ...Array.from({ length: 1_999_990 }, (_, i) => [`a/x/${i}`, Buffer.alloc(0)]),
    ]),
  { large: true },
)
add("small: legacy, nones up to the limit", () => legacy(pickle("](", fill("N", 90_000), "e"), [], ""))
add("large: legacy, empty dicts, 64 MiB", () => legacy(pickle("](", fill("}", FULL), "e"), [], ""), {
  large: true,
})

const H = 99_000_000
const entry = (i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`
const many = (unit, length = H) => unit.repeat(Math.floor(length / unit.length))
const numbered = (make, length) => {
  const parts = []
  for (let i = 0, size = 0; size < length; i++) {
    const part = make(i)
    parts.push(part)
    size += part.length
  }
  return parts.join("")
}
for (const [size, length] of [
  ["small", 100_000],
  ["large", H],
]) {
  const header = (name, json) =>
    add(`${size}: safetensors, ${name}`, () => safetensors(json()), {
      run: "header",
      large: size === "large",
    })
  header("valid empty tensors", () => `{${numbered(entry, length).slice(0, -1)}}`)
  header("entries that are numbers", () => `{${numbered((i) => `"${i}":0,`, length).slice(0, -1)}}`)
  header("one name over and over", () => `{${many('"a":{},', length).slice(0, -1)}}`)
  header("names of nothing", () => `{${many('"":0,', length).slice(0, -1)}}`)
  header(
    "an endless shape",
    () => `{"a":{"dtype":"U8","shape":[${many("1,", length).slice(0, -1)}],"data_offsets":[0,1]}}`,
  )
  header(
    "wrong shapes",
    () => `{"a":{"dtype":"U8","shape":[${many("{},", length).slice(0, -1)}],"data_offsets":[0,1]}}`,
  )
  header("unknown fields", () => `{"a":{${numbered((i) => `"${i}":0,`, length).slice(0, -1)}}}`)
  header("one text of escapes", () => `{"a":"${many('\\"', length)}"}`)
  header("one text of \\u0041", () => `{"__metadata__":{"a":"${many("\\u0041", length)}"}}`)
  header("metadata", () => `{"__metadata__":{${numbered((i) => `"${i}":"",`, length).slice(0, -1)}}}`)
  header("white space", () => `{${" ".repeat(length)}}`)
  header("brackets", () => `{"a":${"[".repeat(length)}`)
  header("digits", () => `{"a":${"1".repeat(length)}}`)
  header("not UTF-8 at the end", () => `{"a":"${"a".repeat(length)}\xff"}`)
  header(
    "wide text with findings",
    () => `{"${many("\xe2\x82\xac", length / 2)}":0,${many('"b":1,', length / 2).slice(0, -1)}}`,
  )
}

export const CASES = cases
