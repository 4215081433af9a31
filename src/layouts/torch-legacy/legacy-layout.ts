/**
 * The layout of torch before 1.6: five pickles in a row, then the storages.
 *
 * The pickles are a magic number, a protocol version, facts about the writer, the object, and the list of storage
 * keys. Then follow, for each key in that order, the number of elements (int64, little-endian) and the raw elements.
 * (torch 2.13, `torch/serialization.py`, `_legacy_save` and `_legacy_load`.)
 */

import { type ByteExtent, storedExtent } from "../../bytes/byte-extent.ts"
import type { ByteSource } from "../../bytes/byte-source.ts"
import { TRUNCATED } from "../../bytes/errors.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import { inTurns } from "../../bytes/turns.ts"
import { CheckpointError, isCheckpointError } from "../../errors/checkpoint-error.ts"
import type { Limits } from "../../limits/limits.ts"
import { requireWithin } from "../../limits/require-within.ts"
import { findPickleEndSteps } from "../../pickle/decode.ts"
import { type PickleBudget, runPickleSteps } from "../../pickle/machine.ts"
import { MemoryBudget } from "../../pickle/memory-budget.ts"
import { PickleDict, PickleList, type PickleValue } from "../../pickle/values.ts"
import { quoteText } from "../../text/quote-text.ts"
import {
  type CheckpointContents,
  NOTHING_UNCLAIMED,
  type ReadingOptions,
} from "../../torch/checkpoint-contents.ts"
import { BYTE_ORDER, LEGACY_LAYOUT, LEGACY_TRAILING } from "../../torch/errors.ts"
import { LEGACY_FIELDS, StorageTable } from "../../torch/storage-table.ts"
import { TorchPolicy } from "../../torch/torch-policy.ts"
import type { ByteOrder, TorchStorage } from "../../torch/torch-tensors.ts"
import type { Layout, LayoutFile, ListPickles } from "../layout.ts"
import { COUNT_BYTES, LEGACY_NAME, LegacyCounts } from "./legacy-counts.ts"

/** LONG1 with ten bytes, the magic number, STOP: how the first pickle ends. */
const FIRST_PICKLE = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

export const TORCH_LEGACY_LAYOUT: Layout = {
  format: "legacy",
  what: LEGACY_NAME,
  // PROTO, and from protocol 4 on a FRAME of nine bytes, stand before it.
  recognise: (head) =>
    [2, 11].some((offset) => String.fromCharCode(...head.subarray(offset, offset + 13)) === FIRST_PICKLE),
  open: async (file, options) =>
    readContents(file, options, await readLegacyPickles(file.source, options.limits, options.signal)),
}

/** `MAGIC_NUMBER` and `PROTOCOL_VERSION` of torch/serialization.py. */
export const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const PROTOCOL_VERSION = 1001

/** An extent whose place is known only after the last pickle. */
type PendingExtent = { -readonly [K in keyof ByteExtent]: ByteExtent[K] }

/** Lists the five pickles, and makes of them what a conversion does. */
export const listLegacy: ListPickles = async (file, options, audit) => {
  const pickles = await readLegacyPickles(file.source, options.limits, options.signal)
  const { bytes, starts } = pickles
  for (const [name, start] of starts)
    await audit.list({ name: `${name} pickle`, bytes, start, fileOffset: 0 })
  return readContents(file, options, pickles)
}

/** Runs the five pickles and reads the count before each storage (where reads are dear, when the storage is needed). */
async function readContents(
  { source }: LayoutFile,
  options: ReadingOptions,
  pickles: LegacyPickles,
): Promise<CheckpointContents> {
  const { signal } = options
  const pending = new Map<string, PendingExtent>()
  const table = new StorageTable(({ key, byteLength }) => {
    const extent: PendingExtent = storedExtent(source, 0, byteLength, `storage ${key}`)
    pending.set(key, extent)
    return extent
  })
  const run = new LegacyRun(pickles, options)
  await run.expectHead()
  const info = await run.interpret("system info")
  const byteOrder = options.byteOrder ?? readByteOrder(info, run)
  const policy = run.policyFor("object", table, byteOrder)
  const value = await run.interpret("object", policy)
  const keys = readKeys(await run.interpret("storage keys"), table.storages(), run)
  await placeStorages(source, { keys, pending, start: pickles.end, storages: table.storages(), signal })
  return {
    layout: "legacy",
    value,
    storages: table.storages(),
    unclaimed: NOTHING_UNCLAIMED,
    checksums: "none",
    globals: [...policy.globals],
    memory: run.memory,
  }
}

/** The five pickles under one budget. Only one of them may refer to storages. */
class LegacyRun {
  readonly #pickles: LegacyPickles
  readonly #limits: Limits
  readonly #signal: AbortSignal | undefined
  /** Shared by the five. */
  readonly memory: MemoryBudget
  readonly #budget: PickleBudget

  constructor(pickles: LegacyPickles, { limits, signal }: ReadingOptions) {
    this.#pickles = pickles
    this.#limits = limits
    this.#signal = signal
    this.memory = MemoryBudget.of(limits, pickles.bytes.byteLength)
    this.#budget = { opcodes: 0, memory: this.memory }
  }

  policyFor(name: LegacyPickleName, storages?: StorageTable, byteOrder?: ByteOrder): TorchPolicy {
    const { within } = this.placeOf(name)
    const { memory } = this
    const limits = this.#limits
    return new TorchPolicy({ within, limits, storages, storageFields: LEGACY_FIELDS, memory, byteOrder })
  }

  async interpret(name: LegacyPickleName, policy: TorchPolicy = this.policyFor(name)): Promise<PickleValue> {
    const { within, at: start } = this.placeOf(name)
    const limits = this.#limits
    if (!this.#pickles.starts.has(name)) throw this.fault(name, "it is missing")
    const run = { within, policy, limits, budget: this.#budget, start }
    return (await inTurns(runPickleSteps(this.#pickles.bytes, run), this.#signal)).value
  }

  async expectHead(): Promise<void> {
    if ((await this.interpret("magic number")) !== LEGACY_MAGIC) {
      throw this.fault("magic number", "the first pickle is not the magic number of torch.save")
    }
    const version = await this.interpret("protocol version")
    if (version !== PROTOCOL_VERSION) {
      throw this.fault(
        "protocol version",
        `the second pickle is not the protocol version ${PROTOCOL_VERSION}`,
      )
    }
  }

  /** Where a pickle begins in the file, or where the pickles end when it is not there. */
  placeOf(name: LegacyPickleName): { readonly within: string; readonly at: number } {
    return { within: `${name} pickle`, at: this.#pickles.starts.get(name) ?? this.#pickles.end }
  }

  fault(name: LegacyPickleName, problem: string): CheckpointError {
    return new CheckpointError(LEGACY_LAYOUT, { ...this.placeOf(name), problem })
  }
}

/** torch itself reads this flag and ignores it, which gives wrong numbers; see docs/formats.md. */
function readByteOrder(info: PickleValue, run: LegacyRun): ByteOrder {
  const littleEndian = info instanceof PickleDict ? info.get("little_endian") : undefined
  if (littleEndian === true) return "little"
  const problem =
    littleEndian === false
      ? "the file says that a big-endian machine wrote it, and torch ignored that when it wrote: either may be true"
      : "the file does not say which byte order it was written with"
  throw new CheckpointError(BYTE_ORDER, { ...run.placeOf("system info"), problem })
}

/** The storage keys in file order. They must be exactly the storages that the object refers to, once each. */
function readKeys(value: PickleValue, storages: readonly TorchStorage[], run: LegacyRun): readonly string[] {
  const fault = (problem: string): CheckpointError => run.fault("storage keys", problem)
  if (!(value instanceof PickleList)) throw fault("the storage keys are no list")
  const wanted = new Set(storages.map(({ key }) => key))
  const keys = value.items.map((key) => {
    if (typeof key !== "string") throw fault("a storage key is no text")
    if (!wanted.delete(key)) {
      throw fault(`the storage ${quoteText(key)} is listed twice, or nothing refers to it`)
    }
    return key
  })
  const [missing] = wanted
  if (missing !== undefined) throw fault(`the storage ${quoteText(missing)} is not in the file`)
  return keys
}

interface Placement {
  readonly keys: readonly string[]
  readonly pending: ReadonlyMap<string, PendingExtent>
  readonly start: number
  readonly storages: readonly TorchStorage[]
  readonly signal: AbortSignal | undefined
}

/** Gives each storage its place. All sizes are known from the pickle; the counts in the file must say the same. */
async function placeStorages(source: ByteSource, placement: Placement): Promise<void> {
  const { keys, pending, storages, signal } = placement
  let at = placement.start
  for (const key of keys) {
    const extent = pending.get(key) as PendingExtent
    extent.offset = at + COUNT_BYTES
    at = extent.offset + extent.byteLength
    if (at > source.byteLength) {
      const got = Math.max(0, source.byteLength - extent.offset)
      throw new CheckpointError(TRUNCATED, {
        within: extent.name,
        at: extent.offset,
        wanted: extent.byteLength,
        got,
      })
    }
  }
  if (at !== source.byteLength) {
    const problem = `${source.byteLength - at} bytes follow the last storage`
    throw new CheckpointError(LEGACY_TRAILING, { at, problem })
  }
  const counts = new LegacyCounts(source, storages)
  if (source.readCost !== "high") await counts.locate(pending.values(), signal)
  else for (const extent of pending.values()) extent.locator = counts
}

/** Bytes read first; most files have all five pickles in them. Each further read takes four times as much. */
const FIRST_READ_BYTES = 256 * 1024
const GROWTH = 4

const NAMES = ["magic number", "protocol version", "system info", "object", "storage keys"] as const

type LegacyPickleName = (typeof NAMES)[number]

/** The head of the file, where each pickle begins in it, and where the last one ends. */
export interface LegacyPickles {
  readonly bytes: Uint8Array
  /** In file order. Ends with the first pickle that is broken or cut off: what lies behind it cannot be found. */
  readonly starts: ReadonlyMap<LegacyPickleName, number>
  readonly end: number
}

/**
 * Reads as much of the head as the five pickles take. A broken pickle is no error here: the machine says what is wrong
 * with it, and which globals it names.
 *
 * @throws `limit-exceeded` when they take more than `maxPickleBytes`.
 */
export async function readLegacyPickles(
  source: ByteSource,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<LegacyPickles> {
  const starts = new Map<LegacyPickleName, number>()
  const most = Math.min(source.byteLength, limits.maxPickleBytes)
  let end = 0
  for (let wanted = FIRST_READ_BYTES; ; wanted *= GROWTH) {
    const bytes = await readExactly(source, { offset: 0, length: Math.min(wanted, most) }, signal)
    const isWhole = bytes.byteLength === source.byteLength
    for (let name = NAMES[starts.size]; name !== undefined; name = NAMES[starts.size]) {
      const next = await findEnd(bytes, end, name, limits, signal)
      if (next === "cut off" && !isWhole) break
      starts.set(name, end)
      if (typeof next === "string") return { bytes, starts, end }
      end = next
    }
    if (starts.size === NAMES.length) return { bytes, starts, end }
    if (bytes.byteLength === most) {
      requireWithin(limits, "maxPickleBytes", most + 1, `${NAMES[starts.size]} pickle`)
    }
  }
}

async function findEnd(
  bytes: Uint8Array,
  start: number,
  name: LegacyPickleName,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<number | "cut off" | "broken"> {
  try {
    return (await inTurns(findPickleEndSteps(bytes, start, `${name} pickle`, limits), signal)) ?? "cut off"
  } catch (error) {
    if (isCheckpointError(error)) return "broken"
    throw error
  }
}
