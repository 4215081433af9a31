/**
 * The zip layout of torch 1.6 and newer: one folder with `data.pkl`, `data/<key>` for each storage, and small records
 * such as `byteorder` and `version` (torch 2.13, `torch/serialization.py`, `_save` and `_load`).
 */

import type { MemberTable } from "../archive/member-table.ts"
import { readZip, type ZipArchive } from "../archive/read-zip.ts"
import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExtent } from "../bytes/read-extent.ts"
import { inTurns } from "../bytes/turns.ts"
import { CheckpointError } from "../errors.ts"
import { runPickleSteps } from "../pickle/machine.ts"
import { MemoryBudget } from "../pickle/memory-budget.ts"
import { quoteText } from "../quote-text.ts"
import { faultAt } from "./call-site.ts"
import type { ByteOrder, CheckpointContents, ReadingOptions } from "./checkpoint-contents.ts"
import { PickleAllowance } from "./pickle-allowance.ts"
import { findPickleMembers, refuseStrayGlobals } from "./pickle-members.ts"
import { smallDecimal } from "./small-decimal.ts"
import { StorageTable } from "./storage-table.ts"
import { TorchPolicy } from "./torch-policy.ts"
import { findUnclaimed } from "./unclaimed-members.ts"

/** Storage keys are counters; torch 1.6 wrote addresses. 20 digits hold any 64-bit number. */
const STORAGE_KEY = /^[0-9]{1,20}$/

/** Of a deflated pickle so many times its stored bytes count where memory is granted: real ones deflate to 1/2 to 1/18. */
const DEFLATED_TIMES = 16

/** Another layout that is a zip archive too, and the record that marks it. */
export interface OtherLayout {
  readonly record: string
  readonly format: "torchscript" | "torch-export"
  readonly layout: string
  readonly problem: string
}

const OTHER_LAYOUTS: readonly OtherLayout[] = [
  {
    record: "constants.pkl",
    format: "torchscript",
    layout: "a TorchScript archive",
    problem: "programs are not converted, only state dicts are",
  },
  {
    record: "archive_format",
    format: "torch-export",
    layout: "a torch.export archive (.pt2)",
    problem: "exported programs are not converted, only state dicts are",
  },
]

/** Reads the archive's directory, its local headers (unless reads are dear: then those that it needs) and `data.pkl`. */
export async function readZipLayout(
  source: ByteSource,
  options: ReadingOptions,
): Promise<CheckpointContents> {
  const headerTime = source.readCost === "high" ? "when-needed" : "at-once"
  return readArchive(await readZip(source, options.limits, options.signal, headerTime), options)
}

/** Reads the checkpoint in an archive that has been opened. */
export async function readArchive(archive: ZipArchive, options: ReadingOptions): Promise<CheckpointContents> {
  const { limits } = options
  const prefix = findPrefix(archive)
  refuseOtherLayouts(archive.entries)
  const name = `${prefix}data.pkl`
  const extent = archive.entries.get(name)
  if (extent === undefined) throw layoutFault(`the archive holds no ${quoteText(name)}`)
  new PickleAllowance(limits).take(extent)
  const byteOrder =
    options.byteOrder ?? (await readByteOrder(archive.entries.get(`${prefix}byteorder`), options))

  const members = numberedMembers(archive.entries, `${prefix}data/`)
  const storages = new StorageTable((mention, site) => {
    const { key, number, byteLength } = mention
    if (number < 0 && !STORAGE_KEY.test(key))
      throw faultAt(site, "storage-key", `the storage key ${quoteText(key)} is no number`)
    const member = members[number] ?? archive.entries.get(`${prefix}data/${key}`)
    if (member === undefined)
      throw faultAt(site, "storage-key", `the archive holds no storage ${quoteText(key)}`)
    if (member.byteLength === byteLength) return member
    const problem = `storage ${quoteText(key)} has ${member.byteLength} bytes, the pickle says ${byteLength}`
    throw faultAt(site, "storage-size", problem)
  })
  const memory = MemoryBudget.of(limits, Math.min(extent.byteLength, DEFLATED_TIMES * extent.storedLength))
  const policy = new TorchPolicy({ within: name, limits, storages, memory })
  const bytes = await readExtent(extent, options)
  const run = { within: name, policy, limits, budget: { opcodes: 0, memory } }
  const { value, end } = await inTurns(runPickleSteps(bytes, run), options.signal)
  if (end !== bytes.byteLength) {
    const problem = `${bytes.byteLength - end} bytes follow the end of the pickle`
    throw new CheckpointError("pickle-trailing", { within: name, at: end, problem })
  }
  const named = storages.storages()
  const unclaimed = findUnclaimed(archive.entries, prefix, extent, named)
  const others = unclaimed.members.map((member) => archive.entries.get(member.name) as ByteExtent)
  await refuseStrayGlobals(await findPickleMembers(others, options), options)
  return {
    layout: "zip",
    value,
    storages: named,
    unclaimed,
    byteOrder,
    hasChecksums: archive.hasChecksums,
    globals: [...policy.globals],
    memory,
  }
}

/**
 * The one folder that all members lie in, with its slash. It need not be the file's name: files get renamed. Entries of
 * empty folders count, because torch goes by whatever entry comes first.
 */
function findPrefix({ entries, folders }: ZipArchive): string {
  const first = entries.values()[0]?.name
  if (first === undefined) throw layoutFault("the archive is empty")
  const slash = first.indexOf("/")
  if (slash < 0) throw layoutFault(`the member ${quoteText(first)} lies in no folder`)
  const prefix = first.slice(0, slash + 1)
  const refuse = (name: string): never => {
    throw layoutFault(`members lie in more than one folder: ${quoteText(first)} and ${quoteText(name)}`)
  }
  for (const { name } of entries.values()) if (!name.startsWith(prefix)) refuse(name)
  for (const name of folders) if (!name.startsWith(prefix)) refuse(name)
  return prefix
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

/** Which of the other layouts an archive has: the marking record lies in its folder. */
export function otherLayoutOf(entries: MemberTable): OtherLayout | undefined {
  const first = entries.values()[0]?.name ?? ""
  const prefix = first.slice(0, first.indexOf("/") + 1)
  return OTHER_LAYOUTS.find(({ record }) => entries.has(prefix + record))
}

function refuseOtherLayouts(entries: MemberTable): void {
  const other = otherLayoutOf(entries)
  if (other === undefined) return
  const { layout, problem } = other
  throw new CheckpointError("unsupported-layout", { layout, problem })
}

/** torch 2.1 and newer say it; before, torch wrote little-endian or said nothing (`_load`, byteorder). */
async function readByteOrder(extent: ByteExtent | undefined, options: ReadingOptions): Promise<ByteOrder> {
  if (extent === undefined) return "little"
  const longest = 16
  const text =
    extent.byteLength > longest ? "" : new TextDecoder("latin1").decode(await readExtent(extent, options))
  if (text === "little" || text === "big") return text
  const problem = `the byte order is ${quoteText(text)}, neither "little" nor "big"`
  throw new CheckpointError("byte-order", { within: extent.name, at: 0, problem })
}

function layoutFault(problem: string): CheckpointError {
  return new CheckpointError("zip-layout", { problem })
}
