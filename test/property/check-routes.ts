/** Converts random checkpoints by every route, against a reference that works element by element. */

import fc from "fast-check"
import { expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import {
  type Checkpoint,
  type ConversionPlan,
  type ConvertOptions,
  isCheckpointError,
  openCheckpoint,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
  type UnreferencedBytes,
  writePlan,
} from "../../src/index.ts"
import { TRANSFER_SIZES } from "../../src/transfer/cut-segments.ts"
import { runPlan } from "../../src/transfer/run-plan.ts"
import { depth, sampled } from "../depth.ts"
import { overSource } from "../transfer/plans.ts"
import { writeCheckpoint } from "./checkpoint-writer.ts"
import { DTYPES } from "./dtypes.ts"
import { FileRoute } from "./file-route.ts"
import type { TestTensor, TestValue } from "./model.ts"
import { type RandomCheckpoint, randomCheckpoint } from "./random-state.ts"
import { referenceAliases, referenceFile, referenceSharing } from "./slow-reference.ts"
import { referenceUnreferenced } from "./unreferenced-reference.ts"

/** Checkpoints of each layout. With the seed of the few, each kind comes up among them: another generator may need another. */
const { numRuns: RUNS, seed } = depth({
  quick: { numRuns: 45, seed: 7 },
  deep: { numRuns: 1250, seed: 20_240_229 },
})

/** How often each kind comes up at least. */
const EACH_KIND = depth({ quick: 1, deep: 10 })

/** How often each kind of job is done at least when files are copied. */
const EACH_JOB = depth({ quick: 5, deep: 100 })

/** Sizes at which small tensors cross the bounds of chunks and windows. */
const TINY_SIZES = [
  {
    chunkBytes: 16,
    chunksInFlight: 4,
    smallGatherBytes: 16,
    directBytes: 32,
    windowBytes: 16,
    directWindowBytes: 16,
  },
  {
    chunkBytes: 64,
    chunksInFlight: 4,
    smallGatherBytes: 32,
    directBytes: 8,
    windowBytes: 96,
    directWindowBytes: 96,
  },
  {
    chunkBytes: 1024,
    chunksInFlight: 4,
    smallGatherBytes: 0,
    directBytes: 100,
    windowBytes: 256,
    directWindowBytes: 256,
  },
]

/** A failure that says where the first difference is, not all bytes. */
export function expectSame(actual: Uint8Array, expected: Uint8Array, route: string): void {
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((byte, i) => byte !== actual[i])
  const headers = [actual, expected].map((bytes) => Buffer.from(bytes.subarray(0, 600)).toString("latin1"))
  expect.fail(
    `${route}: first difference at ${at} of ${expected.length} (${actual.length})\n${headers.join("\n")}`,
  )
}

async function streamed(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function expectTiling(segments: readonly { start: number; length: number }[], byteLength: number): void {
  let at = 0
  for (const { start, length } of segments) {
    expect(start).toBe(at)
    expect(length).toBeGreaterThan(0)
    at += length
  }
  expect(at).toBe(byteLength)
}

/** The names of `tensors` of an open checkpoint are those from its top; a tensor under the root has its path before. */
async function expectTensorsRead(
  checkpoint: Checkpoint,
  given: RandomCheckpoint,
  file: Uint8Array,
): Promise<void> {
  const { report } = checkpoint.plan(given.options)
  const prefix = given.root.map((step) => `${step}.`).join("")
  for (const { name, start, byteLength } of report.tensors) {
    expectSame(
      await checkpoint.readTensor(prefix + name),
      file.subarray(start, start + byteLength),
      `readTensor ${name}`,
    )
  }
}

/** The file that a conversion must give, and the names that it must leave out. */
export function expectedFile(given: RandomCheckpoint): {
  file: Uint8Array
  aliases: ReadonlyMap<string, string>
} {
  const { tensors, options, style } = given
  const metadata = new Map(Object.entries(options.metadata ?? { format: "pt" }))
  const { written, aliases } =
    options.shared === "copy"
      ? { written: tensors, aliases: new Map<string, string>() }
      : referenceAliases(tensors, new Set(metadata.keys()), keepIn(options.keep))
  return { file: referenceFile(written, new Map([...metadata, ...aliases]), style.byteOrder), aliases }
}

/** The globs of a random checkpoint as one question. */
function keepIn(keep: ConvertOptions["keep"]): ((name: string) => boolean) | undefined {
  if (keep === undefined || typeof keep === "function") return undefined
  const patterns = [keep].flat().map((glob) => {
    const parts = Array.from(glob, (each) =>
      each === "*" ? "[^]*" : each === "?" ? "[^]" : each.replace(/\W/, "\\$&"),
    )
    return new RegExp(`^${parts.join("")}$`, "u")
  })
  return (name) => patterns.some((pattern) => pattern.test(name))
}

/** What the cases were like: a generator that stopped making some kind would let a test pass for nothing. */
class Coverage {
  readonly seen = new Map<string, number>()

  count(what: string, times = 1): void {
    if (times > 0) this.seen.set(what, (this.seen.get(what) ?? 0) + times)
  }

  /** Fails unless each of `kinds` came up so often. */
  expectAll(kinds: readonly string[]): void {
    expect(kinds.filter((kind) => (this.seen.get(kind) ?? 0) < EACH_KIND)).toEqual([])
  }
}

const KINDS = [
  ...DTYPES.map(({ safetensors }) => safetensors),
  ...[0, 1, 2, 3, 4, 5, 6].map((rank) => `rank ${rank}`),
  ...["left-out bytes", "hidden bytes", "no unreferenced bytes"],
  ...["copy", "gather", "empty", "aliases", "sharing", "above a chunk", "big-endian", "conj", "neg"],
]

function countCase(coverage: Coverage, { tensors, style }: RandomCheckpoint, plan: ConversionPlan): void {
  for (const { kind } of plan.segments) coverage.count(kind)
  for (const { dtype, shape, conj, neg } of tensors.values()) {
    coverage.count(dtype.safetensors)
    coverage.count(`rank ${shape.length}`)
    coverage.count("empty", shape.includes(0) ? 1 : 0)
    coverage.count("conj", conj ? 1 : 0)
    coverage.count("neg", neg ? 1 : 0)
  }
  coverage.count("aliases", plan.report.aliases.length)
  coverage.count("above a chunk", plan.byteLength > TRANSFER_SIZES.chunkBytes ? 1 : 0)
  coverage.count("big-endian", style.byteOrder === "big" ? 1 : 0)
}

async function check(given: RandomCheckpoint, coverage: Coverage, files: FileRoute): Promise<void> {
  const { value, style, options } = given
  const input = writeCheckpoint(value, style)
  const { file, aliases } = expectedFile(given)

  const { bytes, report } = await toSafetensorsBytes(input, options)
  expectSame(bytes, file, "bytes")
  expect(report.root).toEqual(given.root)
  expect(report.leftOut.outsideRoot).toBe(given.outsideRoot)
  expectUnreferenced(given.value, given.tensors, report.unreferenced, coverage)
  expect(new Map(report.aliases.map(({ dropped, kept }) => [dropped, kept]))).toEqual(aliases)

  const { blob } = await toSafetensorsBlob(new Blob([input]), options)
  expectSame(new Uint8Array(await blob.arrayBuffer()), file, "blob")
  expectSame(await streamed((await toSafetensorsStream(input, options)).stream), file, "stream")

  const checkpoint = await openCheckpoint(input, options)
  const plan = checkpoint.plan(options)
  countCase(coverage, given, plan)
  if (file.length < 20_000) {
    const some = new Map([...given.tensors].filter((_, index) => index % 2 === 0))
    const part = checkpoint.plan({ ...options, include: (each) => some.has(each.name) })
    expectUnreferenced(value, some, part.report.unreferenced, coverage)
  }
  expectTiling(plan.segments, plan.byteLength)
  expect(plan.byteLength).toBe(file.length)
  // As another process has it.
  const sent = new MemorySink()
  await writePlan(JSON.parse(JSON.stringify(plan)), { input }, sent)
  expectSame(sent.bytes, file, "a plan that was JSON")
  for (const sizes of sampled(file.length < 20_000 ? TINY_SIZES : TINY_SIZES.slice(2), 1)) {
    const sink = new MemorySink()
    await runPlan(overSource(plan, memorySource(input)), sink, { crc32, sizes })
    expectSame(sink.bytes, file, `chunks of ${sizes.chunkBytes}`)
    expectSame(
      await files.convert(input, options, sizes),
      file,
      `file to file, chunks of ${sizes.chunkBytes}`,
    )
  }
  await expectTensorsRead(checkpoint, given, file)
  coverage.count("sharing", expectSharing(given, checkpoint))
}

/** Against a bitmap of every storage. Where it costs too much, the report may only say too much. */
function expectUnreferenced(
  value: TestValue,
  written: ReadonlyMap<string, TestTensor>,
  actual: UnreferencedBytes,
  coverage: Coverage,
): void {
  const expected = referenceUnreferenced(value, written)
  if (!actual.exact) {
    coverage.count("inexact")
    expect(actual.byteLength).toBeGreaterThanOrEqual(expected.byteLength)
    expect(actual.behindViews).toBeGreaterThanOrEqual(expected.behindViews)
    return
  }
  expect(actual).toMatchObject(expected)
  coverage.count("left-out bytes", expected.leftOut > 0 ? 1 : 0)
  coverage.count("hidden bytes", expected.behindViews > 0 ? 1 : 0)
  coverage.count("no unreferenced bytes", expected.byteLength === 0 ? 1 : 0)
}

/** The policy `error` names exactly the groups that touch one another. Returns how many there are. */
function expectSharing({ tensors, options }: RandomCheckpoint, checkpoint: Checkpoint): number {
  const expected = referenceSharing(tensors)
  const groups = sharedGroups(() => checkpoint.plan({ ...options, shared: "error" }))
  const sorted = (lists: readonly (readonly string[])[]): readonly string[] =>
    lists.map((names) => JSON.stringify([...names].sort())).sort()
  expect(sorted(groups)).toEqual(sorted(expected))
  return expected.length
}

function sharedGroups(plan: () => unknown): readonly (readonly string[])[] {
  try {
    plan()
    return []
  } catch (error) {
    if (isCheckpointError(error) && error.code === "tensors-shared") return error.detail.groups
    throw error
  }
}

/** The test of one layout. Each has a file of its own, so that they run side by side. */
export function checkRoutes(layout: "zip" | "legacy"): void {
  const title = `${RUNS} random checkpoints in the ${layout} layout come out as the reference says, by every route`
  it(title, async () => {
    const coverage = new Coverage()
    const files = await FileRoute.open()
    try {
      const property = fc.asyncProperty(randomCheckpoint(layout), (given) => check(given, coverage, files))
      await fc.assert(property, { seed, numRuns: RUNS })
    } finally {
      files.close()
    }
    coverage.expectAll(KINDS)
    for (const [job, times] of Object.entries(files.jobs)) {
      if (job !== "checks" || layout === "zip") expect(times, job).toBeGreaterThan(EACH_JOB)
    }
    expect(coverage.seen.get("inexact") ?? 0).toBeLessThanOrEqual(RUNS / 100)
  })
}
