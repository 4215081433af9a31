/**
 * Runs ranges of mutants in a process of its own, which `scripts/soak.mjs` starts with a small heap, and watches each:
 * its time, the buffers it makes, the process's memory, and rejections that nobody handles.
 */

import { mkdirSync, openSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { getHeapStatistics } from "node:v8"
import { openCheckpoint } from "../../src/index.ts"
import { allocations } from "./count-allocations.ts"
import { checkMutant, convertOnly, type Verdict, type Watch } from "./invariant.ts"
import { type Mutant, makeMutant } from "./mutate.ts"
import { loadSeeds } from "./seeds.ts"
import { slowHeader } from "./slow-header.ts"
import { count, failureOf, newTally } from "./tally.ts"

/** What the parent gives as the only argument, as JSON. */
interface Settings {
  readonly fixtures: string
  readonly seed: number
  /** The index of the mutant under way is written here: it names the culprit when this process dies. */
  readonly progress: string
  /** Where mutants that fail are kept; undefined for nowhere. */
  readonly save?: string
  /** Where one in `every` accepted mutants is kept for torch. */
  readonly sample?: { readonly folder: string; readonly every: number }
  readonly mostMilliseconds: number
  readonly mostBytes: number
  /** Says all that is known of each mutant, and keeps it in `save`. */
  readonly replay: boolean
}

/** A range that the parent asks for. */
interface Range {
  readonly start: number
  readonly end: number
  readonly skip: readonly number[]
  /** Whether the process's memory is looked at after every mutant, which takes longer than most mutants do. */
  readonly careful: boolean
}

/** What a range was like at worst. */
interface Worst {
  milliseconds: number
  slowest: number
  heapBytes: number
  heapAt: number
  bufferBytes: number
  bufferAt: number
  residentBytes: number
}

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings
const { seed, mostMilliseconds, mostBytes } = settings
const seeds = loadSeeds(settings.fixtures)
const progress = openSync(settings.progress, "w")

/** Mutants between two looks at the process's memory, where they are not careful ones. */
const LOOK_EVERY = 50

/** Above this a mutant is run again, and the fastest run counts: something may have been compiled, or collected. */
const RETRY_MILLISECONDS = 100

let unhandled: unknown
process.on("unhandledRejection", (reason) => {
  unhandled = reason ?? "nothing"
})

/** Of this process. It stands still while others have the processor. */
function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Takes the processor time, which other processes do not change; the time that passed where that is less: V8 has threads. */
class Stopwatch implements Watch {
  milliseconds = 0
  heapBytes = 0
  bufferBytes = 0
  #startedAt = 0
  #processorBefore = 0
  #heapBefore = 0

  start(): void {
    this.#heapBefore = getHeapStatistics().used_heap_size
    allocations.bytes = 0
    allocations.watching = true
    this.#startedAt = performance.now()
    this.#processorBefore = processorMilliseconds()
  }

  stop(): void {
    const processor = processorMilliseconds() - this.#processorBefore
    this.milliseconds = Math.min(performance.now() - this.#startedAt, processor)
    allocations.watching = false
    this.bufferBytes = allocations.bytes
    this.heapBytes = getHeapStatistics().used_heap_size - this.#heapBefore
  }
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024

function noteProgress(index: number): void {
  const word = Buffer.alloc(8)
  word.writeDoubleLE(index)
  writeSync(progress, word, 0, 8, 0)
}

async function run(mutant: Mutant, watch: Stopwatch): Promise<Verdict> {
  unhandled = undefined
  const verdict = await checkMutant(mutant, undefined, watch)
  // Rejections that nobody handles are told of once the microtasks have run.
  await setImmediate()
  if (unhandled !== undefined) return { is: "failed", why: `an unhandled rejection: ${String(unhandled)}` }
  if (watch.bufferBytes > mostBytes) {
    return { is: "failed", why: `made buffers of ${watch.bufferBytes} bytes together` }
  }
  return verdict
}

async function fastest(mutant: Mutant, first: number): Promise<number> {
  let least = first
  for (let i = 0; i < 4 && least > RETRY_MILLISECONDS; i++) {
    const watch = new Stopwatch()
    await convertOnly(mutant, watch)
    noteProgress(mutant.index + (i + 1) / 8)
    least = Math.min(least, watch.milliseconds)
  }
  return least
}

async function runRange({ start, end, skip, careful }: Range, before: number): Promise<void> {
  const tally = newTally()
  const worst: Worst = {
    ...{ milliseconds: 0, slowest: start, heapBytes: 0, heapAt: start, bufferBytes: 0, bufferAt: start },
    residentBytes: 0,
  }
  for (let index = start; index < end; index++) {
    if (skip.includes(index)) continue
    noteProgress(index)
    const mutant = makeMutant(seeds, seed, index)
    const watch = new Stopwatch()
    let verdict = await run(mutant, watch)
    const milliseconds = await fastest(mutant, watch.milliseconds)
    if (milliseconds > mostMilliseconds) {
      verdict = { is: "failed", why: `took ${Math.round(milliseconds)} ms, five times` }
    }
    if (milliseconds > worst.milliseconds) Object.assign(worst, { milliseconds, slowest: index })
    const { heapBytes, bufferBytes } = watch
    if (heapBytes > worst.heapBytes) Object.assign(worst, { heapBytes, heapAt: index })
    if (bufferBytes > worst.bufferBytes) Object.assign(worst, { bufferBytes, bufferAt: index })
    if (careful || index % LOOK_EVERY === 0 || index === end - 1) {
      worst.residentBytes = Math.max(worst.residentBytes, peakBytes() - before)
    }
    if (worst.residentBytes > mostBytes) {
      // The parent looks for the mutant that it was, and tries that one alone before it believes it.
      process.send?.({ is: "memory", index, bytes: worst.residentBytes, careful })
      await new Promise(() => {})
    }
    count(tally, mutant, verdict)
    if (settings.replay) tell(mutant, verdict, { milliseconds, heapBytes, bufferBytes })
    await keep(mutant, verdict)
  }
  process.send?.({ is: "done", tally, worst })
}

async function keep(mutant: Mutant, verdict: Verdict): Promise<void> {
  const { save, sample } = settings
  if (verdict.is === "failed" && save !== undefined) {
    write(save, mutant, { "mutant.bin": mutant.bytes }, { failure: failureOf(mutant, verdict.why) })
  }
  if (sample === undefined || Math.imul(mutant.index, 0x9e3779b1) >>> 0 >= 2 ** 32 / sample.every) return
  const about = { file: mutant.origin.name, chain: mutant.chain, kind: mutant.kind }
  if (mutant.kind === "safetensors") {
    write(
      sample.folder,
      mutant,
      { safetensors: mutant.bytes },
      { ...about, verdict: slowHeader(mutant.bytes).is },
    )
  } else if (verdict.is === "accepted" && Object.keys(mutant.options).length === 0) {
    const { identical, output } = verdict
    const { root } = (await openCheckpoint(mutant.bytes)).plan().report
    write(sample.folder, mutant, { pt: mutant.bytes, safetensors: output }, { ...about, identical, root })
  }
}

function tell(mutant: Mutant, verdict: Verdict, watched: unknown): void {
  const { origin, chain, options, bytes } = mutant
  const outcome =
    verdict.is === "accepted" ? { ...verdict, output: `${verdict.output.length} bytes` } : verdict
  console.log({ file: origin.name, chain, options, byteLength: bytes.length, outcome, watched })
  if (settings.save === undefined) return
  write(settings.save, mutant, { "mutant.bin": bytes }, { file: origin.name, chain, options, outcome })
  console.log(`kept as ${join(settings.save, `${mutant.seed}-${mutant.index}.mutant.bin`)}`)
}

function write(
  folder: string,
  mutant: Mutant,
  files: Readonly<Record<string, Uint8Array>>,
  about: unknown,
): void {
  mkdirSync(folder, { recursive: true })
  const stem = join(folder, `${mutant.seed}-${mutant.index}`)
  for (const [extension, bytes] of Object.entries(files)) writeFileSync(`${stem}.${extension}`, bytes)
  writeFileSync(`${stem}.json`, JSON.stringify(about))
}

/** Compiles what there is to compile and makes the garbage that there always is. With legal files: they do no harm. */
async function warmUp(): Promise<number> {
  for (let index = 0; index < 300; index++) {
    const mutant = makeMutant(seeds, seed + 1, index)
    await checkMutant({ ...mutant, bytes: mutant.origin.bytes, options: {} })
  }
  return process.memoryUsage.rss()
}

const before = await warmUp()
process.on("message", (range: Range) => {
  runRange(range, before).catch((error: unknown) => {
    process.send?.({ is: "broken", error: error instanceof Error ? error.stack : String(error) })
  })
})
process.send?.({ is: "ready" })
