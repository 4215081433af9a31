/** Scans pickles that lie in no archive: those of a legacy checkpoint, and bare ones. */

import { locateExtents } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { inTurns } from "../bytes/turns.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { hasPlainName, hasProtocolHead, isCertainPickle, isPickleToPython } from "../pickle/list-pickles.ts"
import { runPickleSteps } from "../pickle/machine.ts"
import { MemoryBudget, PICKLE_BYTES } from "../pickle/memory-budget.ts"
import type { GlobalMention } from "../pickle/symbolic-stack.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { readLegacyLayout } from "../torch/layout-legacy.ts"
import { readLegacyPickles } from "../torch/legacy-pickles.ts"
import { listWindows } from "../torch/pickle-windows.ts"
import { ANY_FIELDS, StorageTable } from "../torch/storage-table.ts"
import { TorchPolicy } from "../torch/torch-policy.ts"
import type { AuditTrail } from "./audit-trail.ts"
import { loadKnowledge } from "./danger-first.ts"

/** Globals that are looked up among the dangerous ones, of a file that may be no pickle at all. */
const MOST_ASKED = 1000

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
    const memory = MemoryBudget.of(limits, bytes.byteLength)
    const budget = { opcodes: 0, memory }
    const starts = await listRow(bytes, limits, trail)
    for (const [index, start] of starts.entries()) {
      if (index > 0) memory.take(PICKLE_BYTES, nameOf(index))
      const storages = absentStorages(source)
      const policy = new TorchPolicy({
        within: nameOf(index),
        limits,
        storages,
        storageFields: ANY_FIELDS,
        memory,
      })
      await inTurns(runPickleSteps(bytes, { within: nameOf(index), policy, limits, budget, start }), signal)
    }
  } catch (error) {
    trail.addError(error)
  }
}

/** Lists all of them before any is refused, and returns where they begin. */
async function listRow(bytes: Uint8Array, limits: Limits, trail: AuditTrail): Promise<readonly number[]> {
  const memory = MemoryBudget.of(limits, bytes.byteLength)
  const budget = { opcodes: 0, memory }
  const starts: number[] = []
  for (let start = 0; start < bytes.byteLength; ) {
    memory.take(PICKLE_BYTES, nameOf(starts.length))
    const name = nameOf(starts.length)
    const { end, complete } = await trail.list({ name, bytes, start, fileOffset: 0 }, budget)
    starts.push(start)
    if (!complete) break
    start = end
  }
  return starts
}

function nameOf(index: number): string {
  return index === 0 ? "pickle" : `pickle ${index + 1}`
}

/**
 * Whether a file that is no checkpoint is a pickle, or several in a row. `isStrict` asks whether an unpickler of CPython
 * would look anything up, which text may make it do: it is for files that somebody means to load. Otherwise it must be a
 * pickle for certain (`isCertainPickle`), or name a global that is known to be dangerous.
 */
export async function isBarePickle(
  source: ByteSource,
  { limits, signal }: Pick<ReadingOptions, "limits" | "signal">,
  isStrict = false,
): Promise<boolean> {
  let mentions: GlobalMention[] = []
  const { bytes, row } = await listWindows({
    ...{ within: "pickle", limits, byteLength: source.byteLength, most: limits.maxPickleBytes, signal },
    read: (length) => {
      mentions = []
      return readExactly(source, { offset: 0, length }, signal)
    },
    onMention: (mention) => {
      if (mention.isReached && mentions.length < MOST_ASKED) mentions.push(mention)
      return mention
    },
  })
  if (row.isOpen && !hasProtocolHead(bytes)) return false
  if ((isStrict ? isPickleToPython : isCertainPickle)(bytes, row)) return true
  if (!row.looksUp) return false
  const { findDanger } = await loadKnowledge()
  return mentions.some((each) => hasPlainName(each) && findDanger(each.module, each.name) !== undefined)
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
