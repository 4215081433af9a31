/**
 * The zip layout of torch 1.6 and newer: one folder with `data.pkl`, `data/<key>` for each storage, and small records
 * such as `byteorder` and `version` (torch 2.13, `torch/serialization.py`, `_save` and `_load`).
 */

import type { MemberTable, ZipArchive } from "../../archive/read-zip.ts"
import type { ByteExtent } from "../../bytes/byte-extent.ts"
import { readExtent } from "../../bytes/read-extent.ts"
import { inTurns } from "../../bytes/turns.ts"
import { CheckpointError, isCheckpointError } from "../../errors/checkpoint-error.ts"
import { GLOBAL_NOT_ALLOWED, PICKLE_TRAILING } from "../../pickle/errors.ts"
import { type PickleRun, runPickleSteps } from "../../pickle/machine.ts"
import { MemoryBudget } from "../../pickle/memory-budget.ts"
import type { PickleValue } from "../../pickle/values.ts"
import { quoteText } from "../../text/quote-text.ts"
import { faultAt } from "../../torch/call-site.ts"
import type {
  CheckpointContents,
  ReadingOptions,
  UnclaimedMember,
  UnclaimedMembers,
} from "../../torch/checkpoint-contents.ts"
import { BYTE_ORDER, STORAGE_KEY, STORAGE_SIZE } from "../../torch/errors.ts"
import { StorageTable, smallDecimal } from "../../torch/storage-table.ts"
import { TorchPolicy } from "../../torch/torch-policy.ts"
import type { ByteOrder } from "../../torch/torch-tensors.ts"
import type { FoundPickles } from "../layout.ts"
import { DEFLATED_TIMES, PickleAllowance, searchMembers } from "./pickle-members.ts"
import { findRecords, findUnclaimed, refuseOtherCase, requireVersion } from "./torch-records.ts"
import { layoutFault } from "./zip-layout.ts"

/** Storage keys are counters; torch 1.6 wrote addresses. 20 digits hold any 64-bit number. */
const STORAGE_NUMBER = /^[0-9]{1,20}$/

/**
 * Reads the checkpoint in an archive that has been opened, and whose one folder is `prefix`, with its slash.
 *
 * `onPickles` gets every pickle of it, the one that is read first, and as many as can be found where that is refused.
 */
export async function readArchive(
  archive: ZipArchive,
  prefix: string,
  options: ReadingOptions,
  onPickles?: (found: FoundPickles) => Promise<void>,
): Promise<CheckpointContents> {
  const { limits } = options
  const { entries } = archive
  const name = `${prefix}data.pkl`
  const extent = entries.get(name)
  if (extent === undefined) throw await layoutFault(archive, `the archive holds no ${quoteText(name)}`)
  const allowance = new PickleAllowance(limits)
  allowance.take(extent)
  const ordered = readByteOrder(entries.get(`${prefix}byteorder`), options)
  ordered.catch(() => {})
  const bytes = await readExtent(extent, options)
  await onPickles?.({ name, bytes, fileOffset: extent.coding === "stored" ? extent.offset : undefined })
  const byteOrder = await ordered

  const storages = storageTable(entries, prefix)
  const memory = MemoryBudget.of(limits, Math.min(extent.byteLength, DEFLATED_TIMES * extent.storedLength))
  const budget = { opcodes: 0, memory }
  const policy = new TorchPolicy({ within: name, limits, storages, memory, byteOrder })
  const findOthers = async (): Promise<UnclaimedMembers> =>
    findUnclaimed(
      entries,
      prefix,
      [extent, ...(await findRecords(entries, prefix, options))],
      storages.storages(),
    )
  const searchOthers = async (members: readonly UnclaimedMember[]): Promise<void> => {
    if (members.length === 0) return
    const others = members.map((member) => entries.get(member.name) as ByteExtent)
    const globals = await searchMembers(others, { options, allowance, budget, isStrict: true, onPickles })
    if (globals.length > 0) throw new CheckpointError(GLOBAL_NOT_ALLOWED, { globals })
  }
  let value: PickleValue
  try {
    value = await readMain(bytes, { within: name, policy, limits, budget }, options.signal)
  } catch (error) {
    if (onPickles !== undefined && isCheckpointError(error)) {
      // What is refused anyway is looked through for whoever asks; what that comes to adds nothing. Unless the pickle was
      // read to its end, nobody knows which storages hold weights.
      const isRead = error.code === "global-not-allowed" && error.cause === undefined
      const { members, storages: others } = await findOthers()
      await searchOthers(isRead ? [...members, ...others] : members).catch(ignoreRefusal)
    }
    throw error
  }
  const unclaimed = await findOthers()
  await searchOthers([...unclaimed.members, ...unclaimed.storages])
  // After the search: a pickle in place of a record is worse than a record that torch does not read.
  refuseOtherCase(entries, prefix)
  await requireVersion(entries, prefix, options)
  return {
    layout: "zip",
    value,
    storages: storages.storages(),
    unclaimed,
    checksums: archive.hasChecksums ? "kept" : "left-out",
    globals: [...policy.globals],
    memory,
  }
}

/** The value of the one pickle that torch.load reads. */
async function readMain(
  bytes: Uint8Array,
  run: PickleRun,
  signal: AbortSignal | undefined,
): Promise<PickleValue> {
  const { value, end } = await inTurns(runPickleSteps(bytes, run), signal)
  if (end === bytes.byteLength) return value
  const problem = `${bytes.byteLength - end} bytes follow the end of the pickle`
  throw new CheckpointError(PICKLE_TRAILING, { within: run.within, at: end, problem })
}

/** @throws what says nothing of the file. */
function ignoreRefusal(error: unknown): void {
  if (!isCheckpointError(error) || error.code === "read-failed" || error.code === "input-changed") throw error
}

/** The storages of an archive by their keys. */
function storageTable(entries: MemberTable, prefix: string): StorageTable {
  const members = numberedMembers(entries, `${prefix}data/`)
  return new StorageTable((mention, site) => {
    const { key, number, byteLength } = mention
    if (number < 0 && !STORAGE_NUMBER.test(key))
      throw faultAt(site, STORAGE_KEY, `the storage key ${quoteText(key)} is no number`)
    const member = members[number] ?? entries.get(`${prefix}data/${key}`)
    if (member === undefined)
      throw faultAt(site, STORAGE_KEY, `the archive holds no storage ${quoteText(key)}`)
    if (member.byteLength === byteLength) return member
    const problem = `storage ${quoteText(key)} has ${member.byteLength} bytes, the pickle says ${byteLength}`
    throw faultAt(site, STORAGE_SIZE, problem)
  })
}

/** The members of `folder` whose names are numbers below the number of members, by these. */
function numberedMembers(entries: MemberTable, folder: string): readonly (ByteExtent | undefined)[] {
  const members: (ByteExtent | undefined)[] = new Array(entries.size).fill(undefined)
  for (const extent of entries.values()) {
    const { name } = extent
    const number = name.startsWith(folder) ? smallDecimal(name, folder.length) : -1
    if (number >= 0 && number < members.length) members[number] = extent
  }
  return members
}

/** torch 2.1 and newer say it; before, torch wrote little-endian or said nothing (`_load`, byteorder). */
async function readByteOrder(extent: ByteExtent | undefined, options: ReadingOptions): Promise<ByteOrder> {
  if (options.byteOrder !== undefined) return options.byteOrder
  if (extent === undefined) return "little"
  const longest = 16
  const text =
    extent.byteLength > longest ? "" : new TextDecoder("latin1").decode(await readExtent(extent, options))
  if (text === "little" || text === "big") return text
  const problem = `the byte order is ${quoteText(text)}, neither "little" nor "big"`
  throw new CheckpointError(BYTE_ORDER, { within: extent.name, at: 0, problem })
}
