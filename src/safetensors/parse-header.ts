/** The header of a safetensors file, from bytes in memory. */

import { readUint64LE, toSafeInteger } from "../bytes/byte-cursor.ts"
import { invalidArgument } from "../bytes/failures.ts"
import { atOnce, type Steps } from "../bytes/turns.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { type Limits, withLimits } from "../limits/limits.ts"
import { HeaderEntryReader, type SafetensorsTensor } from "./header-entries.ts"
import { checkLayout, HeaderReport, LENGTH_PREFIX_BYTES } from "./header-rules.ts"
import { decodeUtf8, findInvalidUtf8, HeaderText } from "./header-text.ts"
import { JsonReader } from "./json-reader.ts"

/** What a safetensors file says about itself. */
export interface SafetensorsHeader {
  /** Free text by key; undefined when the file has none. */
  readonly metadata: ReadonlyMap<string, string> | undefined
  /** The tensors by name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>
  /** Bytes of JSON and padding, as the length prefix says. */
  readonly headerByteLength: number
  /** File offset of the tensor data: `headerByteLength` and the 8 bytes of the prefix. */
  readonly dataOffset: number
}

/** Options of `parseSafetensorsHeader`. */
export interface ParseHeaderOptions {
  /** Length of the whole file in bytes. Without it, missing and trailing tensor data go unnoticed. */
  readonly fileByteLength?: number
  /** `maxHeaderBytes`, `maxHeaderNesting` and `maxTensors` apply. */
  readonly limits?: Partial<Limits>
}

/**
 * The header at the beginning of `bytes`, which may go on with tensor data.
 *
 * @throws `safetensors-invalid` with everything that is wrong with it; `invalid-argument` when `bytes` end inside the
 *   header although `fileByteLength` says that the file goes on.
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  options: ParseHeaderOptions = {},
): SafetensorsHeader {
  const limits = withLimits(options.limits)
  const fileByteLength = options.fileByteLength ?? bytes.byteLength
  const report = new HeaderReport()
  if (bytes.byteLength < Math.min(LENGTH_PREFIX_BYTES, fileByteLength)) throw partOfHeader(bytes)
  const length = readHeaderLength(bytes, fileByteLength, report, limits)
  if (length === undefined) throw report.error()
  const end = LENGTH_PREFIX_BYTES + length
  if (bytes.byteLength < end) throw partOfHeader(bytes)
  // A copy: where memory is shared, no browser decodes it.
  const json = new Uint8Array(bytes.subarray(LENGTH_PREFIX_BYTES, end))
  const header = atOnce(readHeaderJson(json, options.fileByteLength, report, limits))
  if (header === undefined) throw report.error()
  return header
}

function partOfHeader(bytes: Uint8Array): Error {
  return invalidArgument("bytes", `${bytes.byteLength} bytes are only a part of the header`)
}

/** Reads the length that a file of `fileByteLength` bytes, the first of them `head`, begins with; undefined, with findings, when it cannot be right. */
export function readHeaderLength(
  head: Uint8Array,
  fileByteLength: number,
  report: HeaderReport,
  limits: Limits,
): number | undefined {
  if (fileByteLength < LENGTH_PREFIX_BYTES) {
    report.add("file-too-short", `${fileByteLength} bytes cannot hold the length of a header`, 0)
    return undefined
  }
  const value = readUint64LE(head)
  const length = toSafeInteger(value)
  if (length === undefined || length > limits.maxHeaderBytes) {
    const problem = `the header's length is ${value} bytes, above the limit of ${limits.maxHeaderBytes}`
    report.add("header-too-large", problem, 0)
  }
  const available = fileByteLength - LENGTH_PREFIX_BYTES
  if (length === undefined || length > available) {
    const problem = `the header's length is ${value} bytes, but only ${available} follow`
    report.add("header-past-end", problem, 0)
  }
  return report.valid ? length : undefined
}

/** Reads the JSON and its padding, all of the header but the prefix; undefined, with findings, when it is invalid. */
export function* readHeaderJson(
  bytes: Uint8Array,
  fileByteLength: number | undefined,
  report: HeaderReport,
  limits: Limits,
): Steps<SafetensorsHeader | undefined> {
  const headerByteLength = bytes.byteLength
  const dataOffset = LENGTH_PREFIX_BYTES + headerByteLength
  const dataByteLength = fileByteLength === undefined ? undefined : fileByteLength - dataOffset
  try {
    const source = yield* decodeHeader(bytes, report)
    checkStart(source, report)
    const reader = new JsonReader(source, report, limits.maxHeaderNesting)
    const entries = yield* new HeaderEntryReader(reader, limits).read()
    checkPadding(source.text, reader)
    const { metadata, tensors, placements, allPlaced } = entries
    yield* checkLayout({ placements, allPlaced, dataOffset, dataByteLength }, report)
    return report.valid ? { metadata, tensors, headerByteLength, dataOffset } : undefined
  } catch (error) {
    // The report holds what `stop` threw.
    if (isCheckpointError(error) && error.code === "safetensors-invalid") return undefined
    throw error
  }
}

function* decodeHeader(bytes: Uint8Array, report: HeaderReport): Steps<HeaderText> {
  try {
    return new HeaderText(bytes, LENGTH_PREFIX_BYTES, yield* decodeUtf8(bytes))
  } catch {
    const at = LENGTH_PREFIX_BYTES + findInvalidUtf8(bytes)
    throw report.stop("header-utf8", "the header is not UTF-8 text", at)
  }
}

function checkStart({ text }: HeaderText, report: HeaderReport): void {
  if (text.startsWith("{")) return
  const at = LENGTH_PREFIX_BYTES
  // The reader goes on after white space, to find what else is wrong.
  if (!/^[ \n\r\t]/.test(text)) throw report.stop("header-start", "the header does not begin with {", at)
  report.add("header-start", "the header begins with white space", at)
}

function checkPadding(text: string, reader: JsonReader): void {
  const padding = /[^ ]/g
  padding.lastIndex = reader.index
  const found = padding.exec(text)
  if (found !== null && /[\n\r\t]/.test(found[0])) {
    reader.note("header-padding", "the header is padded with other characters than spaces", found.index)
  }
  reader.expectEnd()
}
