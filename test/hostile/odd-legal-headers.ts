/** Odd safetensors files that are valid. */

import { entry, fileOf } from "../safetensors/header-bytes.ts"
import type { LegalHeaderCase } from "./case.ts"
import { A, header, metadata, nested, only, ranged } from "./safetensors-input.ts"
import type { SectionId } from "./sections.ts"

const LEGAL: readonly (readonly [SectionId, string, Uint8Array, readonly string[]])[] = [
  [
    "st-empty",
    "two empty tensors at one offset",
    fileOf(`{${ranged("a", 0, 4)},${ranged("b", 4, 4)},${ranged("c", 4, 4)}}`, 4),
    ["a", "b", "c"],
  ],
  ["st-empty", "an empty tensor first", fileOf(`{${ranged("a", 0, 0)},${ranged("b", 0, 4)}}`, 4), ["a", "b"]],
  [
    "st-empty",
    "an empty tensor between",
    fileOf(`{${ranged("a", 0, 2)},${ranged("b", 2, 2)},${ranged("c", 2, 4)}}`, 4),
    ["a", "b", "c"],
  ],
  ["st-empty", "only empty tensors", fileOf(`{${ranged("a", 0, 0)},${ranged("b", 0, 0)}}`), ["a", "b"]],
  ["st-empty", "nothing", fileOf("{}"), []],
  [
    "st-offsets",
    "tensors in another order than their data",
    fileOf(`{${ranged("b", 4, 6)},${ranged("a", 0, 4)}}`, 6),
    ["b", "a"],
  ],
  [
    "st-offsets",
    "a wide tensor at an odd offset",
    fileOf(`{${ranged("a", 0, 1)},"b":${entry({ dtype: '"F64"', shape: "[1]", data_offsets: "[1,9]" })}}`, 9),
    ["a", "b"],
  ],
  [
    "st-duplicate",
    "names that objects inherit",
    fileOf(`{${ranged("__proto__", 0, 2)},${ranged("constructor", 2, 4)},${ranged("then", 4, 4)}}`, 4),
    ["__proto__", "constructor", "then"],
  ],
  [
    "st-duplicate",
    "names that look like integers, backwards",
    fileOf(`{${ranged("10", 0, 2)},${ranged("2", 2, 4)},${ranged("01", 4, 4)}}`, 4),
    ["10", "2", "01"],
  ],
  ["st-text", "a header whose length is odd", fileOf(`{${A}}`, 4), ["a"]],
  ["st-text", "blanks within and behind", fileOf(`{ "a" :\n${entry()} }   `, 4), ["a"]],
  ["st-text", "16 containers in one another", only({ x: nested(14, "[", "]") }), ["a"]],
  ["st-metadata", "null", metadata("null"), []],
  ["st-metadata", "last, with escapes", header(A, '"__metadata__":{"\\u0061":"\\ud83d\\ude00"}'), ["a"]],
  ["st-shape", "64 dimensions", only({ shape: `[${"1,".repeat(63)}4]` }), ["a"]],
  ["st-shape", "no dimensions", fileOf(`{"a":${entry({ shape: "[]", data_offsets: "[0,1]" })}}`, 1), ["a"]],
  [
    "st-shape",
    "2^52 of nothing",
    fileOf(`{"a":${entry({ shape: "[0,4503599627370496]", data_offsets: "[0,0]" })}}`),
    ["a"],
  ],
  [
    "st-bits",
    "F4 of 4",
    fileOf(`{"a":${entry({ dtype: '"F4"', shape: "[4]", data_offsets: "[0,2]" })}}`, 2),
    ["a"],
  ],
  [
    "st-bits",
    "F6_E3M2 of 4",
    fileOf(`{"a":${entry({ dtype: '"F6_E3M2"', shape: "[4]", data_offsets: "[0,3]" })}}`, 3),
    ["a"],
  ],
]

/** Every case of this file. */
export const LEGAL_HEADERS: readonly LegalHeaderCase[] = LEGAL.map(([section, name, bytes, tensorNames]) => ({
  name: `legal ${section}: ${name}`,
  section,
  bytes: () => bytes,
  tensorNames,
}))
