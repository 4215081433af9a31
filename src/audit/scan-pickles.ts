/** Scans pickles that lie in no archive: those of a legacy checkpoint, and bare ones. */

import { locateExtents } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { inTurns } from "../bytes/turns.ts"
import { requireWithin } from "../errors.ts"
import { runPickleSteps } from "../pickle/machine.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { readLegacyLayout } from "../torch/layout-legacy.ts"
import { readLegacyPickles } from "../torch/legacy-pickles.ts"
import { isPickleSteps } from "../torch/pickle-members.ts"
import { StorageTable } from "../torch/storage-table.ts"
import { TorchPolicy } from "../torch/torch-policy.ts"
import type { AuditTrail } from "./audit-trail.ts"

/** Lists the five pickles, then has the file read as a conversion would. */
export async function scanLegacy(
  source: ByteSource,
  options: ReadingOptions,
  trail: AuditTrail,
): Promise<CheckpointContents | undefined> {
  try {
    const { bytes, starts } = await readLegacyPickles(source, options.limits, options.signal)
    for (const [name, start] of starts)
      await trail.list({ name: `${name} pickle`, bytes, start, fileOffset: 0 })
    const contents = await readLegacyLayout(source, options)
    await locateExtents(
      contents.storages.map(({ extent }) => extent),
      options.signal,
    )
    return contents
  } catch (error) {
    trail.addError(error)
    return undefined
  }
}

/**
 * Lists the pickles in a row that a file without a container is, and has the machine interpret each: it refuses what it
 * would refuse in a checkpoint. Storages that they refer to are taken to be there.
 */
export async function scanBarePickles(
  source: ByteSource,
  options: ReadingOptions,
  trail: AuditTrail,
): Promise<void> {
  const { limits, signal } = options
  try {
    requireWithin(limits, "maxPickleBytes", source.byteLength)
    const bytes = await readExactly(source, { offset: 0, length: source.byteLength }, signal)
    const budget = { opcodes: 0 }
    for (let start = 0, index = 0; start < bytes.byteLength; index++) {
      const within = index === 0 ? "pickle" : `pickle ${index + 1}`
      const { end, complete } = await trail.list({ name: within, bytes, start, fileOffset: 0 })
      const policy = new TorchPolicy({ within, limits, storages: absentStorages(source), storageViews: true })
      await inTurns(runPickleSteps(bytes, { within, policy, limits, budget, start }), signal)
      if (!complete) return
      start = end
    }
  } catch (error) {
    trail.addError(error)
  }
}

/** Whether a file that no signature tells is a pickle of protocol 0 or 1. */
export async function isBarePickle(
  source: ByteSource,
  { limits, signal }: Pick<ReadingOptions, "limits" | "signal">,
): Promise<boolean> {
  if (source.byteLength > limits.maxPickleBytes) return false
  const bytes = await readExactly(source, { offset: 0, length: source.byteLength }, signal)
  return await inTurns(isPickleSteps(bytes, limits), signal)
}

function absentStorages(source: ByteSource): StorageTable {
  return new StorageTable(({ key, byteLength }) => ({
    source,
    offset: 0,
    storedLength: byteLength,
    byteLength,
    coding: "stored",
    crc32: undefined,
    name: `storage ${key}`,
  }))
}
