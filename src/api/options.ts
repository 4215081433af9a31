/** The options of the verbs, and the check of what a caller passes. All are optional; none is changed. */

import { invalidArgument } from "../bytes/failures.ts"
import type { PlanOptions } from "../checkpoint/plan-checkpoint.ts"
import { areHttpOptions, type HttpOptions } from "../http/http-options.ts"
import type { Limits } from "../limits/limits.ts"
import type { ReadHeaderOptions as HeaderOptions } from "../safetensors/read-header.ts"
import type { ByteOrder } from "../torch/torch-tensors.ts"
import type { Progress } from "../transfer/run-plan.ts"

/** How to get at an input. */
export interface AccessOptions {
  /** How `http:` and `https:` URLs are fetched: a `fetch` of your own, and headers such as a token. */
  readonly http?: HttpOptions | undefined
}

/** How to open a checkpoint. */
export interface OpenOptions extends AccessOptions {
  /** Bounds on what the file may ask for, laid over `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits> | undefined
  /** The byte order of the storages, for files that do not say it or say it wrongly. Default: what the file says. */
  readonly byteOrder?: ByteOrder | undefined
  /** Ends the work; its reason is what gets thrown. */
  readonly signal?: AbortSignal | undefined
}

/** How to scan a file. */
export interface ScanOptions extends OpenOptions {
  /**
   * What the file is called, without its folders. A file that is no checkpoint is *not a model*, unless its name has the
   * ending of one (`.pt`, `.pkl`, `.safetensors`): then it is refused. Default: the name of a path, a URL or a `File`.
   */
  readonly name?: string | undefined
}

/** How to convert a checkpoint. */
export interface ConvertOptions extends OpenOptions, PlanOptions {
  /** Called as bytes of the output are written. What it throws ends the conversion. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Whether a file that exists may be replaced. Default false. */
  readonly overwrite?: boolean | undefined
}

/** How to convert a checkpoint to a Blob. */
export interface BlobOptions extends ConvertOptions {
  /**
   * Bytes of the Blob that may be held in memory: tensors that are not in order or deflated, and everything where the input
   * is no Blob. Of more, all of them go to a file of the browser's origin private file system. Default 64 MiB in the
   * universal build. The Node build has no such place and no bound, unless one is given.
   */
  readonly maxMemoryBytes?: number | undefined
}

/** How to read or check a safetensors file. */
export interface ReadHeaderOptions extends HeaderOptions, AccessOptions {}

// Holds options against their types: not every caller has a compiler, and a misspelt policy must not pass for another.

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

/** What every verb takes. */
const ACCESS_CHECKS: readonly (readonly [option: string, check: Check])[] = [
  ["limits", ["an object of numbers from 0 up", isLimits]],
  [
    "http",
    [
      "an object of fetch, a function, headers, and stallTimeoutMs, a number from 0 up, and of nothing else",
      areHttpOptions,
    ],
  ],
  ["signal", ["an AbortSignal", (value) => value instanceof AbortSignal]],
]

/** What is taken to open a checkpoint, plan and convert. */
const CONVERSION_CHECKS: readonly (readonly [option: string, check: Check])[] = [
  ["root", ['an array of keys, or "all"', (value) => value === "all" || isTexts(value)]],
  ["include", FILTER],
  ["exclude", FILTER],
  ["rename", ["a function", isFunction]],
  ["keep", FILTER],
  ["shared", oneOf("alias", "copy", "error")],
  // A Map is refused: its entries would be overlooked.
  ["metadata", ["an object of texts", (value) => isObject(value) && !(value instanceof Map)]],
  ["unsupported", oneOf("error", "skip")],
  ["verify", oneOf("crc", "none")],
  ["byteOrder", oneOf("little", "big")],
  ["maxMemoryBytes", ["a number from 0 up", isCount]],
  ["sha256", ["64 hexadecimal digits", (value) => typeof value === "string" && /^[\da-f]{64}$/i.test(value)]],
  ["onProgress", ["a function", isFunction]],
  ["name", ["a text", isText]],
]

/** Infinity is a limit, NaN is none: every comparison with it is false. */
function isLimits(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((limit) => limit === undefined || isCount(limit))
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && value >= 0
}

/**
 * Checks the options of whatever opens a file.
 *
 * @throws `invalid-argument` for the first option that is not what it should be. Undefined stands for the default.
 */
export function requireAccessOptions(options: unknown): void {
  requireAll(options, ACCESS_CHECKS)
}

/** Checks the options of whatever opens a checkpoint. Throws as `requireAccessOptions`. */
export function requireOptions(options: unknown): void {
  requireAll(options, [...ACCESS_CHECKS, ...CONVERSION_CHECKS])
}

function requireAll(options: unknown, checks: readonly (readonly [option: string, check: Check])[]): void {
  if (!isObject(options)) throw invalidArgument("options", "they must be an object")
  const given = new Map<string, unknown>(Object.entries(options))
  for (const [argument, [wanted, holds]] of checks) {
    const value = given.get(argument)
    if (value !== undefined && !holds(value)) throw invalidArgument(argument, `it must be ${wanted}`)
  }
}
