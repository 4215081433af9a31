/** What the tests of this room share: opening bytes, and the error that opening gives. */

import { readZip, type ZipArchive } from "../../src/archive/read-zip.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { type AnyCheckpointError, isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"

/** Opens an archive that is in memory. */
export function open(bytes: Uint8Array, limits: Limits = DEFAULT_LIMITS): Promise<ZipArchive> {
  return readZip(memorySource(bytes), limits)
}

/** The `CheckpointError` that `promise` rejects with; anything else fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<AnyCheckpointError> {
  try {
    await promise
  } catch (error) {
    if (isCheckpointError(error)) return error
    throw error
  }
  throw new Error("it was accepted")
}

/** An archive's members as plain data, to be compared. */
export function listing(archive: ZipArchive): readonly unknown[] {
  return archive.entries.values().map(({ source: _, ...extent }) => [extent.name, extent])
}
