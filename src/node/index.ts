/** tosafetensors for Node, Deno and Bun: strings and `file:` URLs are paths. All else is as in the universal build. */

import type { Checkpoint as CheckpointOf } from "../api/checkpoint.ts"
import type { ConvertedBlob } from "../api/converted-blob.ts"
import type {
  BlobOptions,
  ConvertOptions,
  OpenOptions,
  ReadHeaderOptions,
  ScanOptions,
} from "../api/options.ts"
import type { SafetensorsFile as SafetensorsFileOf } from "../api/safetensors-file.ts"
import * as verbs from "../api/verbs.ts"
import { checkFile, readHeader, scanInput } from "../api/verbs.ts"
import { writePlan as carryOut, type PlanSources, type WritePlanOptions } from "../api/write-plan.ts"
import type { ScanReport } from "../audit/scan-report.ts"
import type { ConversionReport } from "../checkpoint/plan-checkpoint.ts"
import type { Plan, PlanReport } from "../plan/plan.ts"
import type { SafetensorsHeader } from "../safetensors/parse-header.ts"
import type { SafetensorsCheck } from "../safetensors/read-header.ts"
import { NODE_PLATFORM, type NodeCheckpointInput, type NodeSafetensorsOutput } from "./platform.ts"

export * from "../api/shared-exports.ts"
export type {
  NodeCheckpointInput as CheckpointInput,
  NodeSafetensorsOutput as SafetensorsOutput,
} from "./platform.ts"
export type {
  NodeBlobOptions as BlobOptions,
  NodeConvertOptions as ConvertOptions,
  NodeOpenOptions as OpenOptions,
  NodeScanOptions as ScanOptions,
}

/** A checkpoint that has been opened. It writes to paths too. */
export type Checkpoint = CheckpointOf<NodeSafetensorsOutput>

/** A safetensors file that has been opened. It writes to paths too. */
export type SafetensorsFile = SafetensorsFileOf<NodeSafetensorsOutput>

/**
 * Converts a checkpoint to safetensors.
 *
 * A file appears under its name only when everything has been written and checked; one that exists is kept unless
 * `overwrite` is set. A stream as input is taken in through a temporary file.
 *
 * @throws CheckpointError with one of the codes of `ErrorCode`; the signal's reason when aborted.
 */
export function toSafetensors(
  input: NodeCheckpointInput,
  output: NodeSafetensorsOutput,
  options: NodeConvertOptions = {},
): Promise<ConversionReport> {
  return verbs.convert(NODE_PLATFORM, input, output, options)
}

/** Converts a checkpoint to a safetensors file in memory. Throws as `toSafetensors`. */
export function toSafetensorsBytes(
  input: NodeCheckpointInput,
  options: NodeConvertOptions = {},
): Promise<{ bytes: Uint8Array<ArrayBuffer>; report: ConversionReport }> {
  return verbs.convertToBytes(NODE_PLATFORM, input, options)
}

/** Converts a checkpoint to a Blob, made of slices where the input is a Blob too. Throws as `toSafetensors`. */
export function toSafetensorsBlob(
  input: NodeCheckpointInput,
  options: NodeBlobOptions = {},
): Promise<ConvertedBlob> {
  return verbs.convertToBlob(NODE_PLATFORM, input, options)
}

/**
 * Converts a checkpoint to a stream of its safetensors bytes. What goes wrong before the first byte is thrown, as by
 * `toSafetensors`; what goes wrong later errors the stream.
 */
export function toSafetensorsStream(
  input: NodeCheckpointInput,
  options: NodeConvertOptions = {},
): Promise<{ stream: ReadableStream<Uint8Array>; report: ConversionReport }> {
  return verbs.convertToStream(NODE_PLATFORM, input, options)
}

/**
 * Opens a checkpoint and reads everything but its weights. The caller closes it (`await using` does).
 *
 * @throws CheckpointError with one of the codes of `ErrorCode`; the signal's reason when aborted.
 */
export function openCheckpoint(
  input: NodeCheckpointInput,
  options: NodeOpenOptions = {},
): Promise<Checkpoint> {
  return verbs.openCheckpoint(NODE_PLATFORM, input, options)
}

/**
 * Opens a safetensors file and reads its header. The caller closes it (`await using` does).
 *
 * @throws `safetensors-invalid` with everything that is wrong with it; `truncated`, `read-failed`; the signal's reason.
 */
export function openSafetensors(
  input: NodeCheckpointInput,
  options: NodeOpenOptions = {},
): Promise<SafetensorsFile> {
  return verbs.openSafetensors(NODE_PLATFORM, input, options)
}

/**
 * Opens a checkpoint or a safetensors file, whichever it is: `format` tells. What is neither and is called `.safetensors` is
 * refused as a bad safetensors file. Throws as the other two.
 */
export function open(
  input: NodeCheckpointInput,
  options: NodeOpenOptions = {},
): Promise<Checkpoint | SafetensorsFile> {
  return verbs.open(NODE_PLATFORM, input, options)
}

/**
 * Carries out a plan that was made elsewhere, in another process for one: plans are JSON. `sources` are the inputs by the names
 * that `plan.sources` has for them, a store, or the folder or URL of a folder that they lie in.
 *
 * @throws as `toSafetensors`; `invalid-argument` where a source is missing or has another length, and for a plan that does
 *   not fit together.
 */
export function writePlan(
  plan: Plan,
  sources: PlanSources<NodeCheckpointInput>,
  output: NodeSafetensorsOutput,
  options: WritePlanOptions = {},
): Promise<PlanReport> {
  return carryOut(NODE_PLATFORM, plan, sources, output, options)
}

/**
 * Audits a file of any kind: every global that its pickles name with its verdict, what is wrong with the container, and
 * whether a conversion would refuse it. Nothing is executed and no weights are read. A hostile file is an answer, not
 * an error; only failing to read one throws.
 *
 * @throws `read-failed`, `invalid-argument`, `input-changed`; the signal's reason when aborted.
 */
export function scan(input: NodeCheckpointInput, options: NodeScanOptions = {}): Promise<ScanReport> {
  return scanInput(NODE_PLATFORM, input, options)
}

/**
 * Reads the header of a safetensors file and nothing else.
 *
 * @throws `safetensors-invalid` with everything that is wrong with it; `truncated`, `read-failed`.
 */
export function readSafetensorsHeader(
  input: NodeCheckpointInput,
  options: ReadHeaderOptions = {},
): Promise<SafetensorsHeader> {
  return readHeader(NODE_PLATFORM, input, options)
}

/**
 * Holds a safetensors file against the rules of the format and lists every finding. A bad file is an answer, not an
 * error; only failing to read one throws.
 */
export function checkSafetensors(
  input: NodeCheckpointInput,
  options: ReadHeaderOptions = {},
): Promise<SafetensorsCheck> {
  return checkFile(NODE_PLATFORM, input, options)
}

/** What can be asked of an input before anything of it is parsed. */
interface DigestOption {
  /**
   * The SHA-256 that the input must have: 64 hexadecimal digits. Another one is refused with `digest-mismatch` before
   * anything is parsed, and what is parsed then is what was hashed. A file takes one more pass: it stays open, and is
   * checked for changes at the end. Bytes in memory are copied; all else, which may answer otherwise the second time
   * (URLs, sources of your own, Blobs), is taken into a temporary file first, as streams are.
   */
  readonly sha256?: string | undefined
}

/** How to open a checkpoint. */
interface NodeOpenOptions extends OpenOptions, DigestOption {}

/** How to scan a file. */
interface NodeScanOptions extends ScanOptions, DigestOption {}

/** How to convert a checkpoint. */
interface NodeConvertOptions extends ConvertOptions, DigestOption {}

/** How to convert a checkpoint to a Blob. */
interface NodeBlobOptions extends BlobOptions, DigestOption {}
