/**
 * tosafetensors for every runtime with web standards: browsers, workers, and others. Nothing here touches Node.
 *
 * Strings are refused as inputs and outputs: the Node build, which the same import gives under Node, Deno and Bun,
 * takes them as paths.
 */

import type { Checkpoint } from "./api/checkpoint.ts"
import type { ConvertedBlob } from "./api/converted-blob.ts"
import type { CheckpointInput } from "./api/inputs.ts"
import type {
  BlobOptions,
  ConvertOptions,
  OpenOptions,
  ReadHeaderOptions,
  ScanOptions,
} from "./api/options.ts"
import type { SafetensorsOutput } from "./api/outputs.ts"
import { UNIVERSAL_INPUTS, UNIVERSAL_PLATFORM } from "./api/platform.ts"
import type { SafetensorsFile } from "./api/safetensors-file.ts"
import * as verbs from "./api/verbs.ts"
import { checkFile, readHeader, scanInput } from "./api/verbs.ts"
import { writePlan as carryOut, type PlanSources, type WritePlanOptions } from "./api/write-plan.ts"
import type { ScanReport } from "./audit/scan-report.ts"
import type { ConversionReport } from "./checkpoint/plan-checkpoint.ts"
import type { Plan, PlanReport } from "./plan/plan.ts"
import type { SafetensorsHeader } from "./safetensors/parse-header.ts"
import type { SafetensorsCheck } from "./safetensors/read-header.ts"

export type { Checkpoint } from "./api/checkpoint.ts"
export type { CheckpointInput } from "./api/inputs.ts"
export type { SafetensorsOutput } from "./api/outputs.ts"
export type { SafetensorsFile } from "./api/safetensors-file.ts"
export * from "./api/shared-exports.ts"

/**
 * Converts a checkpoint to safetensors.
 *
 * The stream is closed when everything has been written and checked, and aborted when anything fails.
 *
 * @throws CheckpointError with one of the codes of `ErrorCode`; the signal's reason when aborted.
 */
export function toSafetensors(
  input: CheckpointInput,
  output: SafetensorsOutput,
  options: ConvertOptions = {},
): Promise<ConversionReport> {
  return verbs.convert(UNIVERSAL_PLATFORM, input, output, options)
}

/** Converts a checkpoint to a safetensors file in memory. Throws as `toSafetensors`. */
export function toSafetensorsBytes(
  input: CheckpointInput,
  options: ConvertOptions = {},
): Promise<{ bytes: Uint8Array<ArrayBuffer>; report: ConversionReport }> {
  return verbs.convertToBytes(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Converts a checkpoint to a Blob. From a `File` or `Blob`, contiguous tensors become slices of the input, so that the
 * result costs no memory; with `verify: "none"` they are not even read. What has to be made is held in memory up to
 * `maxMemoryBytes`, and beyond that lies in a file of the browser's origin private file system: see `ConvertedBlob`.
 *
 * @throws as `toSafetensors`; `blob-memory` where the browser has no such file system, or no room in it.
 */
export function toSafetensorsBlob(input: CheckpointInput, options: BlobOptions = {}): Promise<ConvertedBlob> {
  return verbs.convertToBlob(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Converts a checkpoint to a stream of its safetensors bytes. What goes wrong before the first byte is thrown, as by
 * `toSafetensors`; what goes wrong later errors the stream.
 */
export function toSafetensorsStream(
  input: CheckpointInput,
  options: ConvertOptions = {},
): Promise<{ stream: ReadableStream<Uint8Array>; report: ConversionReport }> {
  return verbs.convertToStream(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Opens a checkpoint and reads everything but its weights. The caller closes it (`await using` does).
 *
 * @throws CheckpointError with one of the codes of `ErrorCode`; the signal's reason when aborted.
 */
export function openCheckpoint(input: CheckpointInput, options: OpenOptions = {}): Promise<Checkpoint> {
  return verbs.openCheckpoint(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Opens a safetensors file and reads its header. The caller closes it (`await using` does).
 *
 * @throws `safetensors-invalid` with everything that is wrong with it; `truncated`, `read-failed`; the signal's reason.
 */
export function openSafetensors(input: CheckpointInput, options: OpenOptions = {}): Promise<SafetensorsFile> {
  return verbs.openSafetensors(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Opens a checkpoint or a safetensors file, whichever it is: `format` tells. What is neither and is called `.safetensors` is
 * refused as a bad safetensors file. Throws as the other two.
 */
export function open(
  input: CheckpointInput,
  options: OpenOptions = {},
): Promise<Checkpoint | SafetensorsFile> {
  return verbs.open(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Carries out a plan that was made elsewhere, in another process for one: plans are JSON. `sources` are the inputs by the names
 * that `plan.sources` has for them, a store, or the URL of the folder that they lie in.
 *
 * @throws as `toSafetensors`; `invalid-argument` where a source is missing or has another length, and for a plan that does
 *   not fit together.
 */
export function writePlan(
  plan: Plan,
  sources: PlanSources<CheckpointInput>,
  output: SafetensorsOutput,
  options: WritePlanOptions = {},
): Promise<PlanReport> {
  return carryOut(UNIVERSAL_PLATFORM, plan, sources, output, options)
}

/**
 * Audits a file of any kind: every global that its pickles name with its verdict, what is wrong with the container, and
 * whether a conversion would refuse it. Nothing is executed and no weights are read. A hostile file is an answer, not
 * an error; only failing to read one throws.
 *
 * @throws `read-failed`, `invalid-argument`, `input-changed`; the signal's reason when aborted.
 */
export function scan(input: CheckpointInput, options: ScanOptions = {}): Promise<ScanReport> {
  return scanInput(UNIVERSAL_PLATFORM, input, options)
}

/**
 * Reads the header of a safetensors file and nothing else.
 *
 * @throws `safetensors-invalid` with everything that is wrong with it; `truncated`, `read-failed`.
 */
export function readSafetensorsHeader(
  input: CheckpointInput,
  options: ReadHeaderOptions = {},
): Promise<SafetensorsHeader> {
  return readHeader(UNIVERSAL_INPUTS, input, options)
}

/**
 * Holds a safetensors file against the rules of the format and lists every finding. A bad file is an answer, not an
 * error; only failing to read one throws.
 */
export function checkSafetensors(
  input: CheckpointInput,
  options: ReadHeaderOptions = {},
): Promise<SafetensorsCheck> {
  return checkFile(UNIVERSAL_INPUTS, input, options)
}
