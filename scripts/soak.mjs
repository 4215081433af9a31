/**
 * Mutates legal files and holds the converter to its promise for each mutant: a documented error, or what an independent
 * slow reader makes of the file, within 1 s and 200 MB.
 *
 *     npm run soak -- --mutants 1000000 --seed 1 --jobs 2
 *     npm run soak -- --replay 1:4711                      one mutant again, with all that is known of it
 *     npm run soak -- --mutants 200000 --torch 20          compares one accepted mutant in 20 with torch
 *
 * Time: that of the processor, for each mutant; one above 100 ms is run up to five times and the fastest run counts. Memory is held in
 * three ways. V8's heap: each process has 200 MB more than it needs for itself, and dies above that. Buffers: all that a
 * mutant's conversion makes are added up, whether they are used or not. All of it: the process's peak of resident memory,
 * against what it was before. A process that dies, hangs or grows names its mutant, which is tried again alone.
 */

import { execFileSync, fork } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { bundleForNode } from "./bundle-for-node.mjs"

const MiB = 1024 * 1024
const MOST_MILLISECONDS = 1000
const MOST_BYTES = 200 * MiB
/** What the process needs for the seeds, the mutants and the slow reader. */
const OWN_HEAP_MIB = 60
const RANGE = 2000
/** The slow reader takes seconds for outputs near the limit of 64 MiB, and more on a busy machine. */
const HANG_MILLISECONDS = 60_000
const ROOT = fileURLToPath(new URL("..", import.meta.url))

const { values: options } = parseArgs({
  options: {
    mutants: { type: "string", default: "50000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    jobs: { type: "string", default: String(Math.min(4, availableParallelism())) },
    save: { type: "string", default: join(ROOT, ".soak") },
    replay: { type: "string" },
    torch: { type: "string" },
    python: { type: "string", default: join(ROOT, ".oracle/venv/bin/python") },
  },
})

const [replaySeed, replayIndex] = (options.replay ?? "").split(":").map(Number)
const seed = options.replay === undefined ? Number(options.seed) : replaySeed
const first = options.replay === undefined ? Number(options.first) : replayIndex
const end = options.replay === undefined ? first + Number(options.mutants) : first + 1
const sample =
  options.torch === undefined
    ? undefined
    : { folder: join(options.save, "torch"), every: Number(options.torch) }

const work = mkdtempSync(join(tmpdir(), "tosafetensors-soak-"))
const bundle = join(work, "worker.mjs")

const totals = { mutants: 0, identical: 0, different: 0, refused: {}, kinds: {}, mutators: {}, failures: [] }
const worst = {
  milliseconds: 0,
  slowest: first,
  heapBytes: 0,
  heapAt: first,
  bufferBytes: 0,
  bufferAt: first,
}
let residentBytes = 0
let retried = 0

try {
  mkdirSync(options.save, { recursive: true })
  if (sample !== undefined) rmSync(sample.folder, { recursive: true, force: true })
  await bundleForNode("test/soak/worker.ts", bundle)
  const startedAt = Date.now()
  await runAll()
  report((Date.now() - startedAt) / 1000)
  if (sample !== undefined) compareWithTorch()
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function runAll() {
  const ranges = []
  for (let start = first; start < end; start += RANGE) {
    ranges.push({ start, end: Math.min(end, start + RANGE), skip: [], careful: false })
  }
  ranges.reverse()
  const jobs = Math.max(1, Math.min(Number(options.jobs), ranges.length))
  let noted = Date.now()
  await Promise.all(Array.from({ length: jobs }, (_, job) => runJob(job, ranges)))

  async function runJob(job, left) {
    let worker
    for (let range = left.pop(); range !== undefined; range = left.pop()) {
      worker ??= await startWorker(job)
      const result = await worker.run(range)
      if (result.is === "done") {
        merge(result)
        if (Date.now() - noted > 30_000) {
          noted = Date.now()
          console.error(`${totals.mutants} of ${end - first} mutants, ${totals.failures.length} failures`)
        }
        continue
      }
      worker.stop()
      worker = undefined
      if (result.is === "grew" && !range.careful) {
        left.push({ ...range, careful: true })
        continue
      }
      await tryAlone(job, result)
      left.push({ ...range, skip: [...range.skip, result.index], careful: false })
    }
    worker?.stop()
  }
}

/** A mutant at which a process died, hung or grew: the process before it may have been the reason. */
async function tryAlone(job, { index, why }) {
  retried += 1
  const worker = await startWorker(job)
  const result = await worker.run({ start: index, end: index + 1, skip: [], careful: true })
  worker.stop()
  if (result.is === "done") {
    merge(result)
    return
  }
  totals.mutants += 1
  totals.failures.push({
    seed,
    index,
    file: "?",
    chain: [],
    options: "?",
    why: `${why}; alone: ${result.why}`,
  })
}

/** A process that runs ranges. `run` resolves with "done" and counts, or with what became of the process. */
async function startWorker(job) {
  const progress = join(work, `progress-${job}`)
  const settings = {
    ...{ fixtures: join(ROOT, "test/fixtures"), seed, progress, save: options.save, sample },
    ...{ mostMilliseconds: MOST_MILLISECONDS, mostBytes: MOST_BYTES, replay: options.replay !== undefined },
  }
  const child = fork(bundle, [JSON.stringify(settings)], {
    execArgv: [`--max-old-space-size=${OWN_HEAP_MIB + MOST_BYTES / MiB}`],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  })
  let errors = ""
  child.stderr.on("data", (text) => {
    errors = (errors + text).slice(-4000)
  })
  let settle = () => {}
  let ended
  let stopped = false
  const indexNow = () => {
    const bytes = existsSync(progress) ? readFileSync(progress) : Buffer.alloc(0)
    return bytes.length === 8 ? Math.floor(bytes.readDoubleLE()) : first
  }
  child.on("message", (message) => {
    if (message.is === "ready" || message.is === "done") settle(message)
    if (message.is === "memory") {
      settle({ is: "grew", index: message.index, why: `the process grew by ${message.bytes} bytes` })
    }
    if (message.is === "broken") settle({ is: "died", index: indexNow(), why: message.error })
  })
  child.on("exit", (code, signal) => {
    if (stopped) return
    const cause = /heap out of memory/.test(errors) ? "the heap grew above its bound" : errors.slice(-600)
    ended = { is: "died", index: indexNow(), why: `the process ended with ${signal ?? code}: ${cause}` }
    settle(ended)
  })
  const next = () =>
    new Promise((resolve) => {
      if (ended !== undefined) resolve(ended)
      settle = resolve
    })
  const started = await next()
  if (started.is !== "ready") throw new Error(`a worker does not start: ${started.why}`)

  const run = async (range) => {
    let lastStep = ""
    let lastChange = Date.now()
    const timer = setInterval(() => {
      const index = indexNow()
      const step = existsSync(progress) ? readFileSync(progress, "hex") : ""
      if (step !== lastStep) {
        lastStep = step
        lastChange = Date.now()
      } else if (Date.now() - lastChange > HANG_MILLISECONDS) {
        settle({ is: "died", index, why: `no end within ${HANG_MILLISECONDS} ms` })
      }
    }, 1000)
    const result = next()
    child.send(range)
    return await result.finally(() => clearInterval(timer))
  }
  const stop = () => {
    stopped = true
    child.kill("SIGKILL")
  }
  return { run, stop }
}

function merge({ tally, worst: at }) {
  for (const field of ["mutants", "identical", "different"]) totals[field] += tally[field]
  for (const [code, times] of Object.entries(tally.refused)) {
    totals.refused[code] = (totals.refused[code] ?? 0) + times
  }
  for (const group of ["kinds", "mutators"]) {
    for (const [name, { mutants, accepted }] of Object.entries(tally[group])) {
      totals[group][name] ??= { mutants: 0, accepted: 0 }
      totals[group][name].mutants += mutants
      totals[group][name].accepted += accepted
    }
  }
  totals.failures.push(...tally.failures)
  if (at.milliseconds > worst.milliseconds) {
    Object.assign(worst, { milliseconds: at.milliseconds, slowest: at.slowest })
  }
  if (at.heapBytes > worst.heapBytes) Object.assign(worst, { heapBytes: at.heapBytes, heapAt: at.heapAt })
  if (at.bufferBytes > worst.bufferBytes) {
    Object.assign(worst, { bufferBytes: at.bufferBytes, bufferAt: at.bufferAt })
  }
  residentBytes = Math.max(residentBytes, at.residentBytes)
}

function report(seconds) {
  const { mutants, identical, different, refused, kinds, mutators, failures } = totals
  const row = (name, value) => console.log(`${name.padEnd(34)} ${value}`)
  const counts = ({ mutants: made, accepted }) => `${String(made).padStart(8)}, ${accepted} accepted`
  row("mutants", String(mutants).padStart(8))
  for (const [name, each] of Object.entries(kinds).sort()) row(`  of ${name}`, counts(each))
  row("accepted, identical", String(identical).padStart(8))
  row("accepted, different and confirmed", String(different).padStart(8))
  const codes = Object.entries(refused).sort(([, a], [, b]) => b - a)
  row("refused", String(codes.reduce((sum, [, times]) => sum + times, 0)).padStart(8))
  for (const [code, times] of codes) row(`  ${code}`, String(times).padStart(8))
  console.log("by mutator")
  for (const [name, each] of Object.entries(mutators).sort()) row(`  ${name}`, counts(each))
  row("slowest mutant", `${worst.milliseconds.toFixed(1)} ms (${seed}:${worst.slowest})`)
  row("largest growth of the heap", `${mebibytes(worst.heapBytes)} (${seed}:${worst.heapAt})`)
  row("most buffers of a mutant", `${mebibytes(worst.bufferBytes)} (${seed}:${worst.bufferAt})`)
  row("peak of a process above its start", mebibytes(residentBytes))
  row("tried again alone", String(retried))
  row("time", `${seconds.toFixed(0)} s, ${Math.round(mutants / seconds)} mutants a second`)
  for (const failure of failures.slice(0, 50)) console.log(`FAILED ${failure.seed}:${failure.index}`, failure)
  if (failures.length > 0) console.log(`the failing mutants are in ${options.save}`)
  console.log(`soak: ${mutants} mutants, ${failures.length} failures`)
  process.exitCode = failures.length === 0 && mutants === end - first ? 0 : 1
}

function mebibytes(bytes) {
  return `${(bytes / MiB).toFixed(1)} MiB`
}

function compareWithTorch() {
  const script = join(ROOT, "test/soak/compare_with_torch.py")
  try {
    execFileSync(options.python, [script, sample.folder], { stdio: "inherit" })
  } catch (error) {
    console.error(`torch: ${error.message}`)
    process.exitCode = 1
  }
}
