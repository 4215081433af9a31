/** The header of a safetensors file, from any source. Tensor data is never read. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { inTurns } from "../bytes/turns.ts"
import { type Limits, withLimits } from "../limits/limits.ts"
import type { HeaderFinding } from "./errors.ts"
import { HeaderReport, LENGTH_PREFIX_BYTES } from "./header-rules.ts"
import { readHeaderJson, readHeaderLength, type SafetensorsHeader } from "./parse-header.ts"

/** Options of `readSafetensorsHeader` and `checkSafetensors`. */
export interface ReadHeaderOptions {
  /** `maxHeaderBytes`, `maxHeaderNesting` and `maxTensors` apply. */
  readonly limits?: Partial<Limits>
  readonly signal?: AbortSignal
}

/** What a check found. */
export interface SafetensorsCheck {
  /** True when there is no finding of severity "error". */
  readonly valid: boolean
  readonly findings: readonly HeaderFinding[]
  /** The header of a valid file. */
  readonly header?: SafetensorsHeader
}

/**
 * The header of a file: reads the 8 bytes of its length, then the header.
 *
 * @throws `safetensors-invalid` with everything that is wrong; what reading throws (`truncated`, `read-failed`, the
 *   signal's reason).
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  options: ReadHeaderOptions = {},
): Promise<SafetensorsHeader> {
  const report = new HeaderReport()
  const header = await readWithReport(source, options, report)
  if (header === undefined) throw report.error()
  return header
}

/** Like `readSafetensorsHeader`, but tells what is wrong with a bad file instead of throwing; warnings too. */
export async function checkSafetensors(
  source: ByteSource,
  options: ReadHeaderOptions = {},
): Promise<SafetensorsCheck> {
  const report = new HeaderReport()
  const header = await readWithReport(source, options, report)
  const { valid, findings } = report
  return header === undefined ? { valid, findings } : { valid, findings, header }
}

async function readWithReport(
  source: ByteSource,
  options: ReadHeaderOptions,
  report: HeaderReport,
): Promise<SafetensorsHeader | undefined> {
  const { signal } = options
  const limits = withLimits(options.limits)
  const fileByteLength = source.byteLength
  const prefix = { offset: 0, length: Math.min(LENGTH_PREFIX_BYTES, fileByteLength) }
  const length = readHeaderLength(await readExactly(source, prefix, signal), fileByteLength, report, limits)
  if (length === undefined) return undefined
  const bytes = await readExactly(source, { offset: LENGTH_PREFIX_BYTES, length }, signal)
  return await inTurns(readHeaderJson(bytes, fileByteLength, report, limits), signal)
}
