/** Every limit: what it guards passes at the limit and is refused, by the limit's name, one above it. */

import { describe, expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { checkSafetensors, openCheckpoint, toSafetensorsBytes } from "../../src/index.ts"
import { readCheckpoint } from "../../src/layouts/table.ts"
import { DEFAULT_LIMITS, type Limits, scaledLimit, withLimits } from "../../src/limits/limits.ts"
import { MemoryBudget } from "../../src/pickle/memory-budget.ts"
import { gatherCost } from "../../src/strided/blocks.ts"
import { type contentsOf, dict, pair } from "../checkpoint/contents.ts"
import { pickle2 } from "../pickle/assemble.ts"
import { load } from "../pickle/run.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { Tuple, tensor } from "../property/model.ts"
import { writeHeader } from "../safetensors/written-header.ts"

const F32 = dtypeNamed("float32")

/** Two tensors, of which one is transposed. */
const VALUE = dict({ a: pair(), bc: tensor(F32, [3, 2], { strides: [1, 3] }) })
const FILE = writeCheckpoint(VALUE)
const DEFLATED = writeCheckpoint(VALUE, { deflated: () => true })
/** Entries, and bytes of the directory, which stands before the 98 bytes of the end records. */
const ENTRIES = 5
const DIRECTORY_BYTES = FILE.length - 98 - Buffer.from(FILE).indexOf("PK\x01\x02", 0, "latin1")

const HEADER = '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":[[]]}}'.padEnd(72)

type Action = (limits: Partial<Limits>) => unknown

const convert =
  (file: Uint8Array<ArrayBuffer>): Action =>
  (limits) =>
    toSafetensorsBytes(file, { limits })

/** The pickle of a file, and what it takes in it. */
async function pickleOf(
  file: Uint8Array<ArrayBuffer>,
): Promise<{ byteLength: number; memory: MemoryBudget }> {
  const options = { limits: DEFAULT_LIMITS, crc32, signal: undefined, byteOrder: undefined }
  const { memory } = await readCheckpoint(storeOfOne(memorySource(file)), options)
  const scaled = memory.allowed - DEFAULT_LIMITS.memoryFloorBytes
  return { byteLength: scaled / DEFAULT_LIMITS.memoryRatio, memory }
}

const opcodesOf = (count: number): Uint8Array =>
  pickle2("EMPTY_LIST", "MARK", ...new Array<"NONE">(count - 5).fill("NONE"), "APPENDS")

/** How to meet a limit: what is done, the smallest value that passes, and what is set besides. */
interface Case {
  readonly act: Action
  readonly passes: number
  readonly besides?: Partial<Limits>
}

const SAFETENSORS = (limits: Partial<Limits>): Promise<void> =>
  checkSafetensors(safetensorsFile(), { limits }).then(({ findings, valid }) => {
    if (!valid) throw new Error(findings.map(({ problem }) => problem).join())
  })

function safetensorsFile(): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(8 + HEADER.length + 1)
  new DataView(file.buffer).setBigUint64(0, BigInt(HEADER.length), true)
  file.set(new TextEncoder().encode(HEADER), 8)
  return file
}

const wide = tensor(F32, [2], { strides: [40_000] })
/** Steps of views that each span a storage, no two of them the same. */
const STEPS: readonly number[] = Array.from({ length: 100 }, (_, index) => 40_000 - index)
const GATHERED = writeCheckpoint(dict({ wide }))
const EXPANDED = writeCheckpoint(dict({ expanded: tensor(F32, [1000], { strides: [0] }) }))
const expandedLength = (await toSafetensorsBytes(EXPANDED)).bytes.length
const headerBytes =
  writeHeader(
    [
      { name: "a", dtype: "F32", shape: [2], byteLength: 8 },
      { name: "bc", dtype: "F32", shape: [3, 2], byteLength: 24 },
    ],
    { format: "pt" },
  ).bytes.length - 8
const { byteLength: pickleBytes, memory } = await pickleOf(FILE)
/** What planning takes is charged on top of what reading took. */
const planned = memory.taken + 2 * 640 + 6 * 3 + 48 * 3
const deflatedPickle = storedPickleLength()
const inflated = 8 + 24

function storedPickleLength(): number {
  const bytes = Buffer.from(DEFLATED)
  const row = bytes.indexOf("PK\x01\x02", 0, "latin1")
  return bytes.readUInt32LE(row + 20)
}

/** One for each limit. */
const CASES: { readonly [Limit in keyof Limits]: Case } = {
  maxZipEntries: { act: convert(FILE), passes: ENTRIES },
  maxZipDirectoryBytes: { act: convert(FILE), passes: DIRECTORY_BYTES },
  maxPickleBytes: { act: convert(FILE), passes: pickleBytes },
  pickleFloorBytes: { act: convert(DEFLATED), passes: pickleBytes, besides: { pickleRatio: 0 } },
  pickleRatio: {
    act: convert(DEFLATED),
    passes: Math.ceil(pickleBytes / deflatedPickle),
    besides: { pickleFloorBytes: 0 },
  },
  maxOpcodes: { act: (limits) => load(opcodesOf(20), limits), passes: 20 },
  memoryFloorBytes: { act: convert(FILE), passes: planned, besides: { memoryRatio: 0 } },
  memoryRatio: {
    act: convert(FILE),
    passes: Math.ceil(planned / pickleBytes),
    besides: { memoryFloorBytes: 0 },
  },
  maxMemoEntries: {
    act: (limits) => load(pickle2("NONE", ["BINPUT", 0], ["BINPUT", 1], ["BINPUT", 7]), limits),
    passes: 3,
  },
  maxIntegerBytes: { act: (limits) => load(pickle2(["LONG1", 2n ** 70n]), limits), passes: 9 },
  maxNesting: { act: (limits) => open(dict({ a: dict({ b: new Tuple([pair()]) }) }), limits), passes: 3 },
  maxNodes: { act: (limits) => open(dict({ a: [1, 2, 3], b: pair() }), limits), passes: 5 },
  maxTensors: { act: convert(FILE), passes: 2 },
  maxRank: { act: (limits) => open(tensor(F32, [1, 2, 1]), limits), passes: 3 },
  maxNameBytes: { act: convert(FILE), passes: 2 },
  maxTotalNameBytes: { act: convert(FILE), passes: 3 },
  maxHeaderBytes: { act: convert(FILE), passes: headerBytes },
  // A header that nests too deep is invalid, and says so as a finding.
  maxHeaderNesting: { act: SAFETENSORS, passes: 4 },
  inflateFloorBytes: { act: convert(DEFLATED), passes: inflated, besides: { inflateRatio: 0 } },
  inflateRatio: { act: convert(inflating()), passes: inflateTimes(), besides: { inflateFloorBytes: 0 } },
  outputFloorBytes: { act: convert(EXPANDED), passes: expandedLength, besides: { outputRatio: 0 } },
  outputRatio: {
    act: convert(EXPANDED),
    passes: Math.ceil(expandedLength / EXPANDED.length),
    besides: { outputFloorBytes: 0 },
  },
  gatherFloorBytes: { act: convert(GATHERED), passes: gathered(), besides: { gatherRatio: 0 } },
  gatherRatio: { act: convert(scattered()), passes: gatherTimes(), besides: { gatherFloorBytes: 0 } },
}

function open(value: Parameters<typeof contentsOf>[0], limits: Partial<Limits>): Promise<unknown> {
  return openCheckpoint(writeCheckpoint(value), { limits }).then(({ tensors }) => tensors)
}

/** Zeros, which deflate well. */
function inflating(): Uint8Array<ArrayBuffer> {
  const zeros = tensor(F32, [100_000])
  zeros.storage.bytes.fill(0)
  return writeCheckpoint(dict({ zeros }), { deflated: () => true })
}

function inflateTimes(): number {
  return Math.ceil(400_000 / inflating().length)
}

function gathered(step = 40_000): number {
  return gatherCost({ itemBytes: F32.itemBytes, elementOffset: 0, shape: [2], strides: [step] })
}

function scattered(): Uint8Array<ArrayBuffer> {
  const { storage } = wide
  const views = STEPS.map((step) => [`v${step}`, tensor(F32, [2], { storage, strides: [step] })])
  return writeCheckpoint(dict(Object.fromEntries(views)))
}

function gatherTimes(): number {
  return Math.ceil(STEPS.reduce((sum, step) => sum + gathered(step), 0) / scattered().length)
}

/** The limit that refuses, or undefined when nothing does. */
async function refusedBy(act: Action, limits: Partial<Limits>): Promise<string | undefined> {
  try {
    await act(limits)
    return undefined
  } catch (error) {
    if (isCheckpointError(error) && error.code === "limit-exceeded") return error.detail.limit
    if (error instanceof Error && /containers in one another/.test(error.message)) return "maxHeaderNesting"
    throw error
  }
}

describe("a limit", () => {
  it("has a case here", () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort())
  })

  it.each(Object.entries(CASES))("%s passes what it allows and nothing more", async (name, given) => {
    const { act, passes, besides = {} } = given
    expect(passes).toBeGreaterThan(0)
    expect(await refusedBy(act, { ...besides, [name]: passes })).toBeUndefined()
    expect(await refusedBy(act, { ...besides, [name]: passes - 1 })).toBe(name)
  })
})

describe("limits of the caller", () => {
  it("are lowered to what an engine can hold, so that its own errors are not met", () => {
    const lifted = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, Infinity]))
    const limits = withLimits(lifted)
    expect(limits.maxTensors).toBe(16_000_000)
    expect(limits.maxNodes).toBe(16_000_000)
    expect(limits.maxPickleBytes).toBeLessThan(2 ** 29)
    expect(limits.memoryFloorBytes).toBe(Infinity)
    for (const [name, value] of Object.entries(DEFAULT_LIMITS))
      expect(withLimits({})).toHaveProperty(name, value)
  })

  it("that are all lifted convert as the defaults do", async () => {
    const limits = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, Infinity]))
    const { bytes } = await toSafetensorsBytes(FILE, { limits })
    expect(Buffer.compare(bytes, (await toSafetensorsBytes(FILE)).bytes)).toBe(0)
  })

  it("that grow with the file name the part that allows most", () => {
    const limits = withLimits({ outputFloorBytes: 100, outputRatio: 2 })
    expect(scaledLimit(limits, "outputFloorBytes", "outputRatio", 50)).toEqual({
      limit: "outputFloorBytes",
      allowed: 200,
    })
    expect(scaledLimit(limits, "outputFloorBytes", "outputRatio", 51)).toEqual({
      limit: "outputRatio",
      allowed: 202,
    })
  })

  it("of memory bound what a checkpoint makes, and start anew for each plan", () => {
    const budget = MemoryBudget.of(withLimits({ memoryFloorBytes: 10, memoryRatio: 0 }), 1)
    budget.take(6)
    const copy = budget.copy()
    copy.take(4)
    expect(() => copy.take(1)).toThrow("11 exceeds the limit memoryFloorBytes of 10")
    expect(budget.taken).toBe(6)
  })
})
