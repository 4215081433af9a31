/** Pickles that lie in no container: whether a file is one, and what its globals come to. */

import { storedExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { inTurns } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Audit, LayoutFile } from "../layouts/layout.ts"
import { refuseArchiveAtEnd } from "../layouts/two-formats.ts"
import { LIMIT_EXCEEDED } from "../limits/errors.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import {
  hasPlainName,
  hasProtocolHead,
  isCertainPickle,
  isPickleToPython,
  listPickles,
  listWindows,
} from "../pickle/list-pickles.ts"
import { runPickleSteps } from "../pickle/machine.ts"
import { MemoryBudget, PICKLE_BYTES } from "../pickle/memory-budget.ts"
import type { GlobalMention } from "../pickle/symbolic-stack.ts"
import { ANY_FIELDS, StorageTable } from "../torch/storage-table.ts"
import { TorchPolicy } from "../torch/torch-policy.ts"
import { loadKnowledge } from "./global-table.ts"

/** Globals that are looked up among the dangerous ones, of a file that may be no pickle at all. */
const MOST_ASKED = 1000

interface ReadingBounds {
  readonly limits: Limits
  readonly signal: AbortSignal | undefined
}

/**
 * Lists the pickles in a row that a file without a container is, and has the machine interpret each: it refuses what it
 * would refuse in a checkpoint. Storages that they refer to are taken to be there.
 */
export async function runBarePickles(
  source: ByteSource,
  { limits, signal }: ReadingBounds,
  audit: Audit,
): Promise<void> {
  try {
    requireWithin(limits, "maxPickleBytes", source.byteLength)
    const bytes = await readExactly(source, { offset: 0, length: source.byteLength }, signal)
    const memory = MemoryBudget.of(limits, bytes.byteLength)
    const budget = { opcodes: 0, memory }
    const starts = await listRow(bytes, limits, audit)
    for (const [index, start] of starts.entries()) {
      if (index > 0) memory.take(PICKLE_BYTES, nameOf(index))
      const storages = new StorageTable(({ key, byteLength }) =>
        storedExtent(source, 0, byteLength, `storage ${key}`),
      )
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
    audit.addError(error)
  }
  await refuseArchiveAtEnd(source, "a pickle", signal)
}

/** Lists all of them before any is refused, and returns where they begin. */
async function listRow(bytes: Uint8Array, limits: Limits, audit: Audit): Promise<readonly number[]> {
  const memory = MemoryBudget.of(limits, bytes.byteLength)
  const budget = { opcodes: 0, memory }
  const starts: number[] = []
  for (let start = 0; start < bytes.byteLength; ) {
    memory.take(PICKLE_BYTES, nameOf(starts.length))
    const name = nameOf(starts.length)
    const { end, complete } = await audit.list({ name, bytes, start, fileOffset: 0 }, budget)
    starts.push(start)
    if (!complete) break
    start = end
  }
  return starts
}

function nameOf(index: number): string {
  return index === 0 ? "pickle" : `pickle ${index + 1}`
}

/** See `Audit.isPickle`. */
export async function isBarePickle(
  source: ByteSource,
  { limits, signal }: ReadingBounds,
  isStrict: boolean,
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

/**
 * See `Audit.requireTold`. A long file could be a pickle when Python would still read on where its head ends. Most files of
 * any other kind have a byte there that is no opcode.
 */
export function requireTold({ source, head }: LayoutFile, limits: Limits): void {
  const { byteLength: wanted } = source
  const { maxPickleBytes: allowed } = limits
  if (wanted <= allowed || !listPickles(head, { within: "pickle", limits, isWhole: false }).isOpen) return
  throw new CheckpointError(LIMIT_EXCEEDED, { limit: "maxPickleBytes", allowed, wanted })
}
