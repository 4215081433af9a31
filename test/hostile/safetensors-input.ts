/** safetensors files that are not: the frame, the text, the entries, and the layout of the data. */

import type { Limits } from "../../src/index.ts"
import type { HeaderRule } from "../../src/safetensors/header-rules.ts"
import { entry, fileOf } from "../safetensors/header-bytes.ts"
import type { HostileHeaderCase } from "./case.ts"
import type { SectionId } from "./sections.ts"

type Row = readonly [
  name: string,
  bytes: Uint8Array | (() => Uint8Array),
  rules: readonly HeaderRule[],
  at?: number | undefined,
  limits?: Partial<Limits>,
]

const cases = (section: SectionId, rows: readonly Row[]): readonly HostileHeaderCase[] =>
  rows.map(([name, bytes, rules, at, limits]) => ({
    name: `${section}: ${name}`,
    section,
    bytes: typeof bytes === "function" ? bytes : () => bytes,
    rules,
    at,
    limits,
  }))

export const A = `"a":${entry()}`
export const header = (...entries: string[]): Uint8Array => fileOf(`{${entries.join(",")}}`, 4)
export const only = (fields: Readonly<Record<string, string>>): Uint8Array => header(`"a":${entry(fields)}`)
export const metadata = (json: string): Uint8Array => fileOf(`{"__metadata__":${json}}`)
export const ranged = (name: string, start: number | bigint, end: number | bigint): string =>
  `"${name}":${entry({ shape: `[${BigInt(end) - BigInt(start)}]`, data_offsets: `[${start},${end}]` })}`

const FIRST = 8

const LENGTHS: readonly Row[] = [
  ["a file of nothing", new Uint8Array(0), ["file-too-short"], 0],
  ["a file of seven bytes", new Uint8Array(7), ["file-too-short"], 0],
  ["0", fileOf(""), ["header-start"], FIRST],
  ["one more than there is", fileOf("{}", 0, 3n), ["header-past-end"], 0],
  ["that of the file, its own bytes with it", fileOf("{}", 0, 10n), ["header-past-end"], 0],
  ["100,000,001", fileOf("{}", 0, 100_000_001n), ["header-too-large", "header-past-end"], 0],
  ["2^53 + 1", fileOf("{}", 0, 2n ** 53n + 1n), ["header-too-large", "header-past-end"], 0],
  ["2^63", fileOf("{}", 0, 2n ** 63n), ["header-too-large", "header-past-end"], 0],
  [
    "2^64 - 6, which wraps to 2 with its own bytes",
    fileOf("{}", 0, 2n ** 64n - 6n),
    ["header-too-large", "header-past-end"],
    0,
  ],
  ["big-endian", fileOf("{}", 0, 2n << 56n), ["header-too-large", "header-past-end"], 0],
  ["above a lower limit", fileOf(`{}${" ".repeat(98)}`), ["header-too-large"], 0, { maxHeaderBytes: 99 }],
  ["one byte of the header as data", fileOf(`{${A}} `, 3, BigInt(A.length + 1)), ["json-syntax"]],
]

export const nested = (depth: number, open: string, close: string): string =>
  `${open.repeat(depth)}${close.repeat(depth)}`

const TEXTS: readonly Row[] = [
  ["a blank first", fileOf(` {${A}}`, 4), ["header-start"], FIRST],
  ["a line feed first", fileOf(`\n{${A}}`, 4), ["header-start"], FIRST],
  ["a byte order mark", fileOf(`\ufeff{${A}}`, 4), ["header-start"], FIRST],
  ["a NUL first", fileOf(`\0{${A}}`, 4), ["header-start"], FIRST],
  ["an array", fileOf("[]"), ["header-start"], FIRST],
  ["text", fileOf('"a"'), ["header-start"], FIRST],
  ["null", fileOf("null"), ["header-start"], FIRST],
  ["padded with NUL", fileOf(`{${A}}\0\0`, 4), ["json-syntax"], FIRST + A.length + 2],
  ["padded with line feeds", fileOf(`{${A}}\n\n`, 4), ["header-padding"], FIRST + A.length + 2],
  ["padded with tabs behind blanks", fileOf(`{${A}}  \t`, 4), ["header-padding"], FIRST + A.length + 4],
  ["a second object behind", fileOf(`{${A}}{}`, 4), ["json-syntax"], FIRST + A.length + 2],
  ["a comment", fileOf(`{/* */${A}}`, 4), ["json-syntax"], FIRST + 1],
  ["a comma at the end", fileOf(`{${A},}`, 4), ["json-syntax"], FIRST + A.length + 2],
  ["no comma", fileOf(`{${A} ${A}}`, 4), ["json-syntax"]],
  ["single quotes", fileOf("{'a':1}"), ["json-syntax"], FIRST + 1],
  ["a name without quotes", fileOf("{a:1}"), ["json-syntax"], FIRST + 1],
  ["no closing brace", fileOf(`{${A}`, 4), ["json-syntax"]],
  ["a name without end", fileOf('{"a'), ["json-syntax"], FIRST + 1],
  ["NaN", only({ x: "NaN" }), ["json-syntax"]],
  ["Infinity", only({ x: "-Infinity" }), ["json-syntax"]],
  ["a number that no double holds", only({ x: "1e999" }), ["json-syntax"]],
  ["a number with a plus sign", only({ shape: "[+4]" }), ["json-syntax"]],
  ["a number in hexadecimal", only({ shape: "[0x4]" }), ["json-syntax"]],
  ["a leading zero", only({ shape: "[04]" }), ["json-syntax"]],
  ["a control character in a name", fileOf(`{"a\u0001":${entry()}}`, 4), ["json-syntax"]],
  ["an unknown escape", fileOf(`{"\\x61":${entry()}}`, 4), ["json-syntax"]],
  ["half a character, escaped", fileOf(`{"\\ud800":${entry()}}`, 4), ["json-syntax"]],
  [
    "half a character, in bytes",
    fileOf(Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22), 4),
    ["header-utf8"],
    FIRST + 2,
  ],
  ["a byte that is not UTF-8", fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), ["header-utf8"], FIRST + 1],
  ["UTF-16", fileOf(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0)), ["header-utf8"], FIRST],
  ["100,000 arrays in one another", () => only({ x: nested(100_000, "[", "]") }), ["json-nesting"]],
  [
    "100,000 arrays that never close",
    () => fileOf(`{"a":${"[".repeat(100_000)}`),
    ["entry-type", "json-nesting"],
  ],
  ["17 containers in one another", only({ x: nested(15, "[", "]") }), ["json-nesting"]],
  [
    "two tensors where one is allowed",
    header(A, ranged("b", 4, 4)),
    ["too-many-entries"],
    undefined,
    { maxTensors: 1 },
  ],
  [
    "two metadata keys where one is allowed",
    metadata('{"a":"","b":""}'),
    ["too-many-entries"],
    undefined,
    { maxTensors: 1 },
  ],
]

const DUPLICATES: readonly Row[] = [
  ["a name", header(A, A), ["name-duplicate", "data-overlap"]],
  ["a name, after unescaping", header(A, A.replace("a", "\\u0061")), ["name-duplicate", "data-overlap"]],
  ["a name, of another range", fileOf(`{${A},${ranged("a", 4, 8)}}`, 8), ["name-duplicate"]],
  ["a name, once as an empty tensor", header(A, ranged("a", 4, 4)), ["name-duplicate"]],
  ["__proto__", header(A.replace("a", "__proto__"), ranged("__proto__", 4, 4)), ["name-duplicate"]],
  ["the dtype", header(`"a":${entry().replace("}", ',"dtype":"U8"}')}`), ["field-duplicate"]],
  [
    "the shape, of another value",
    header(`"a":${entry().replace("}", ',"shape":[5]}')}`),
    ["field-duplicate", "size-mismatch"],
  ],
  ["the offsets", header(`"a":${entry().replace("}", ',"data_offsets":[0,4]}')}`), ["field-duplicate"]],
  [
    "the dtype, after unescaping",
    header(`"a":${entry().replace("}", ',"\\u0064type":"U8"}')}`),
    ["field-duplicate"],
  ],
  ["an unknown field", header(`"a":${entry({ x: "1" }).replace("}", ',"x":2}')}`), ["field-duplicate"]],
  ["the metadata", fileOf('{"__metadata__":{},"__metadata__":{}}'), ["metadata-duplicate"]],
  ["a metadata key", metadata('{"a":"1","a":"2"}'), ["metadata-key-duplicate"]],
]

const DTYPES: readonly Row[] = [
  ...[
    "u8",
    "F128",
    "C128",
    "U4",
    "",
    "__proto__",
    "constructor",
    "toString",
    " U8",
    "U8 ",
    "Ｕ8",
    "float32",
  ].map((dtype): Row => [`"${dtype}"`, only({ dtype: `"${dtype}"` }), ["dtype-unknown"]]),
  ["a number", only({ dtype: "8" }), ["dtype-type"]],
  ["null", only({ dtype: "null" }), ["dtype-type"]],
  ["an array", only({ dtype: '["U8"]' }), ["dtype-type"]],
  ["an object, as serde takes it", only({ dtype: '{"U8":null}' }), ["dtype-type"]],
  ["none", only({ dtype: "" }), ["field-missing"]],
]

const shape = (json: string, dtype = '"U8"'): Uint8Array => only({ shape: json, dtype })
const SHAPES: readonly Row[] = [
  ...["-4", "4.0", "4e0", '"4"', "null", "true", "[4]", "-0", "18446744073709551616", "1e2"].map(
    (item): Row => [`[${item}]`, shape(`[${item}]`), ["shape-type"]],
  ),
  ["null", shape("null"), ["shape-type"]],
  ["a number", shape("4"), ["shape-type"]],
  ["an object", shape('{"0":4}'), ["shape-type"]],
  ["none", shape(""), ["field-missing"]],
  ["2^53 + 1", shape("[9007199254740993]"), ["shape-range"]],
  ["2^64 - 1", shape("[18446744073709551615]"), ["shape-range"]],
  [
    "2^32 x 2^32, which wraps to 0",
    only({ shape: "[4294967296,4294967296]", data_offsets: "[0,0]" }),
    ["shape-overflow", "data-trailing"],
  ],
  ["2^32 + 1 times 2^32 + 4, which wraps", shape("[4294967297,4294967300]"), ["shape-overflow"]],
  [
    "an overflow before a zero",
    only({ shape: "[4294967296,4294967296,0]", data_offsets: "[0,0]" }),
    ["shape-overflow", "data-trailing"],
  ],
  ["bits that overflow", shape("[4503599627370496,4096]", '"F64"'), ["shape-overflow"]],
  ["65 dimensions", shape(`[${"1,".repeat(64)}4]`), ["shape-rank"]],
  ["more than the bytes", shape("[5]"), ["size-mismatch"]],
  ["fewer than the bytes", shape("[3]"), ["size-mismatch"]],
  ["of a wider dtype", shape("[4]", '"F32"'), ["size-mismatch"]],
]

const offsets = (json: string): Uint8Array => only({ data_offsets: json })
const OFFSETS: readonly Row[] = [
  ["reversed", offsets("[4,0]"), ["offsets-reversed"]],
  ["one value", offsets("[0]"), ["offsets-type"]],
  ["three values", offsets("[0,4,4]"), ["offsets-type"]],
  ["negative", offsets("[-4,0]"), ["offsets-type"]],
  ["a float", offsets("[0,4.0]"), ["offsets-type"]],
  ["text", offsets('["0","4"]'), ["offsets-type", "offsets-type"]],
  ["an object", offsets('{"0":0,"1":4}'), ["offsets-type"]],
  ["none", offsets(""), ["field-missing"]],
  ["2^53 + 1", offsets("[0,9007199254740993]"), ["offsets-range"]],
  ["2^64 - 4 to 0", offsets("[18446744073709551612,0]"), ["offsets-range"]],
  ["not from 0", fileOf(`{${ranged("a", 1, 5)}}`, 5), ["data-start"]],
  ["a hole", fileOf(`{${ranged("a", 0, 4)},${ranged("b", 5, 9)}}`, 9), ["data-hole"]],
  [
    "a hole that nothing but the order hides",
    fileOf(`{${ranged("b", 5, 9)},${ranged("a", 0, 4)}}`, 9),
    ["data-hole"],
  ],
  ["an overlap of one byte", fileOf(`{${ranged("a", 0, 4)},${ranged("b", 3, 7)}}`, 7), ["data-overlap"]],
  ["the same range twice", fileOf(`{${ranged("a", 0, 4)},${ranged("b", 0, 4)}}`, 4), ["data-overlap"]],
  ["a tensor within another", fileOf(`{${ranged("a", 0, 8)},${ranged("b", 2, 4)}}`, 8), ["data-overlap"]],
  ["past the end", fileOf(`{${ranged("a", 0, 4)}}`, 3), ["data-truncated"]],
  ["far past the end", fileOf(`{${ranged("a", 0, 2n ** 52n)}}`, 4), ["data-truncated"]],
  ["no data at all", fileOf(`{${ranged("a", 0, 4)}}`), ["data-truncated"]],
  ["a byte left over", fileOf(`{${ranged("a", 0, 4)}}`, 5), ["data-trailing"]],
  ["data without tensors", fileOf("{}", 4), ["data-trailing"]],
  [
    "an empty tensor inside another",
    fileOf(`{${ranged("a", 0, 4)},${ranged("b", 2, 2)}}`, 4),
    ["data-overlap"],
  ],
  [
    "an empty tensor behind the end",
    fileOf(`{${ranged("a", 0, 4)},${ranged("b", 5, 5)}}`, 4),
    ["data-hole", "data-truncated"],
  ],
]

const METADATA: readonly Row[] = [
  ["an array", metadata("[]"), ["metadata-type"]],
  ["text", metadata('"pt"'), ["metadata-type"]],
  ["a number", metadata("1"), ["metadata-type"]],
  ["a number in it", metadata('{"a":1}'), ["metadata-value-type"]],
  ["null in it", metadata('{"a":null}'), ["metadata-value-type"]],
  ["an object in it", metadata('{"a":{}}'), ["metadata-value-type"]],
  ["a list of text in it", metadata('{"a":["b"]}'), ["metadata-value-type"]],
  ["true and text in it", metadata('{"a":true,"b":"c"}'), ["metadata-value-type"]],
  [
    "a tensor",
    header(`"__metadata__":${entry()}`),
    ["metadata-value-type", "metadata-value-type", "data-trailing"],
  ],
]

const INFOS: readonly Row[] = [
  ["an array, as serde takes it", header('"a":["U8",[4],[0,4]]'), ["entry-type"]],
  ["null", fileOf('{"a":null}'), ["entry-type"]],
  ["text", fileOf('{"a":"U8"}'), ["entry-type"]],
  ["a number", fileOf('{"a":4}'), ["entry-type"]],
  ["an object without fields", fileOf('{"a":{}}'), ["field-missing", "field-missing", "field-missing"]],
  ["an empty array", fileOf('{"a":[]}'), ["entry-type"]],
]

const BITS: readonly Row[] = [
  [
    "F4 of 3",
    fileOf(`{"a":${entry({ dtype: '"F4"', shape: "[3]", data_offsets: "[0,2]" })}}`, 2),
    ["size-misaligned"],
  ],
  [
    "F6_E3M2 of 3",
    fileOf(`{"a":${entry({ dtype: '"F6_E3M2"', shape: "[3]", data_offsets: "[0,3]" })}}`, 3),
    ["size-misaligned"],
  ],
  [
    "F6_E2M3 of 2 x 3",
    fileOf(`{"a":${entry({ dtype: '"F6_E2M3"', shape: "[2,3]", data_offsets: "[0,5]" })}}`, 5),
    ["size-misaligned"],
  ],
  [
    "F4 without dimensions",
    fileOf(`{"a":${entry({ dtype: '"F4"', shape: "[]", data_offsets: "[0,1]" })}}`, 1),
    ["size-misaligned"],
  ],
]

/** Every case of this file. */
export const HOSTILE_HEADERS: readonly HostileHeaderCase[] = [
  ...cases("st-length", LENGTHS),
  ...cases("st-text", TEXTS),
  ...cases("st-duplicate", DUPLICATES),
  ...cases("st-dtype", DTYPES),
  ...cases("st-shape", SHAPES),
  ...cases("st-offsets", OFFSETS),
  ...cases("st-metadata", METADATA),
  ...cases("st-info", INFOS),
  ...cases("st-bits", BITS),
]
