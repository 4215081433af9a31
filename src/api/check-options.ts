/** Holds options against their types: not every caller has a compiler, and a misspelt policy must not pass for another. */

import { CheckpointError } from "../errors.ts"
import { areHttpOptions } from "../http/http-options.ts"

type Check = readonly [wanted: string, holds: (value: unknown) => boolean]

const isText = (value: unknown): boolean => typeof value === "string"
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null
const isFunction = (value: unknown): boolean => typeof value === "function"
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)

/* @__NO_SIDE_EFFECTS__ */
function oneOf(...words: readonly string[]): Check {
  return [
    words.map((word) => `"${word}"`).join(" or "),
    (value) => isText(value) && words.includes(value as string),
  ]
}

const FILTER: Check = [
  "a glob, an array of globs, or a function",
  (value) => isText(value) || isTexts(value) || isFunction(value),
]

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["root", ['an array of keys, or "all"', (value) => value === "all" || isTexts(value)]],
  ["include", FILTER],
  ["exclude", FILTER],
  ["rename", ["a function", isFunction]],
  ["shared", oneOf("alias", "copy", "error")],
  // A Map is refused: its entries would be overlooked.
  ["metadata", ["an object of texts", (value) => isObject(value) && !(value instanceof Map)]],
  ["verify", oneOf("crc", "none")],
  ["byteOrder", oneOf("little", "big")],
  ["limits", ["an object of numbers from 0 up", isLimits]],
  ["maxMemoryBytes", ["a number from 0 up", isCount]],
  ["sha256", ["64 hexadecimal digits", (value) => typeof value === "string" && /^[\da-f]{64}$/i.test(value)]],
  [
    "http",
    [
      "an object of fetch, a function, headers, and stallTimeoutMs, a number from 0 up, and of nothing else",
      areHttpOptions,
    ],
  ],
  ["signal", ["an AbortSignal", (value) => value instanceof AbortSignal]],
  ["onProgress", ["a function", isFunction]],
])

/** Infinity is a limit, NaN is none: every comparison with it is false. */
function isLimits(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((limit) => limit === undefined || isCount(limit))
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && value >= 0
}

/** @throws `invalid-argument` for the first option that is not what it should be. Undefined stands for the default. */
export function requireOptions(options: unknown): void {
  if (!isObject(options)) {
    throw new CheckpointError("invalid-argument", { argument: "options", problem: "they must be an object" })
  }
  for (const [argument, value] of Object.entries(options)) {
    const [wanted, holds] = CHECKS.get(argument) ?? []
    if (value === undefined || holds === undefined || holds(value)) continue
    throw new CheckpointError("invalid-argument", { argument, problem: `it must be ${wanted}` })
  }
}
