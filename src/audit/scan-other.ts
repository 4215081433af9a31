/** Scans what is neither a checkpoint nor a pickle: most of it is *not a model*, some of it should have been one. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { memorySource } from "../bytes/memory-source.ts"
import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import { LIMIT_EXCEEDED } from "../limits/errors.ts"
import type { Limits } from "../limits/limits.ts"
import { listPickles } from "../pickle/list-pickles.ts"
import type { ReadingOptions } from "../torch/checkpoint-contents.ts"
import { readCheckpoint } from "../torch/read-checkpoint.ts"
import type { SniffedFormat } from "../torch/sniff-format.ts"
import { sniffUnderTar } from "../torch/sniff-format.ts"
import type { AuditTrail } from "./audit-trail.ts"
import type { InflatedBeginning, OtherFile } from "./other-contents.ts"
import { isBarePickle } from "./scan-pickles.ts"
import type { ScannedFormat } from "./scan-report.ts"

/** What has been seen of a file so far. */
export interface SeenFile {
  readonly name: string
  /** Its beginning. */
  readonly head: Uint8Array
  readonly sniffed: SniffedFormat
}

/** Notes what the file is, or looks like. */
export async function scanOther(
  source: ByteSource,
  { name, head, sniffed }: SeenFile,
  options: ReadingOptions,
  trail: AuditTrail,
): Promise<ScannedFormat> {
  const { signal } = options
  const format = sniffed === "tar" ? "tar" : "unknown"
  const findOther = async (): Promise<OtherFile | undefined> => {
    if (sniffed !== "tar") return contents.findOtherFile(head, name)
    // One that begins as something that would be opened is two things at once.
    const under = sniffUnderTar(head, source.byteLength)
    return under === "tar" || under === "other" ? contents.findOtherTar(source, name, signal) : undefined
  }
  const contents = await import("./other-contents.ts")
  const inflated = sniffed === "tar" ? undefined : await contents.inflateCompressed(source, head, signal)
  if (inflated !== undefined && (await isBarePickle(memorySource(inflated.bytes), options))) {
    await listCompressed(inflated, trail)
    return format
  }
  const other = await findOther()
  if (other !== undefined) {
    trail.addOther(other)
    return format
  }
  if (source.byteLength > options.limits.maxPickleBytes && goesOn(head, options.limits)) {
    trail.addError(tooLong(source.byteLength, options.limits))
    return format
  }
  // It says what the file is, or looks like.
  await readCheckpoint(source, options).catch((error: unknown) => {
    const isOther = isCheckpointError(error) && error.code === "not-a-checkpoint"
    if (isOther && contents.nameMeaning(name) === "other") trail.addOther(error)
    else trail.addError(error)
  })
  return format
}

/**
 * Whether a file that is longer than a pickle may be could be one: Python would still read on where its head ends. Most
 * files of any other kind have a byte there that is no opcode.
 */
function goesOn(head: Uint8Array, limits: Limits): boolean {
  return listPickles(head, { within: "pickle", limits, isWhole: false }).isOpen
}

function tooLong(wanted: number, { maxPickleBytes: allowed }: Limits): CheckpointError {
  return new CheckpointError(LIMIT_EXCEEDED, { limit: "maxPickleBytes", allowed, wanted })
}

/** Lists what the pickle in a stream names, as far as it was inflated. Whoever unpacks it may load it, and joblib does. */
async function listCompressed({ compression, bytes }: InflatedBeginning, trail: AuditTrail): Promise<void> {
  await trail.list({ name: `pickle in the ${compression} stream`, bytes, start: 0, fileOffset: undefined })
  trail.add({
    severity: "error",
    code: "compressed-pickle",
    message: `this is a ${compression} stream with a pickle in it, of which the beginning was looked at`,
    nextStep: "Unpack it, and scan what comes out.",
  })
}
