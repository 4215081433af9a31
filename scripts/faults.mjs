/**
 * Ends conversions at 50 seeded moments each, by SIGKILL, SIGINT and SIGTERM, with and without copying threads, spread
 * over the phases of a run; and converts a thousand files in one process and looks for what is left. Needs `npm run
 * build`. `node scripts/faults.mjs [seed]`. Every file operation fails in test/faults, in a deep run of the tests.
 */

import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

const MOMENTS = 50
/** Processes at a time. */
const LANES = 3
const LARGE_MIB = 68

/** Phases by the operation that each begins with; the first begins with the process. */
const PHASES = ["start", "parse", "write", "close"]
const BEGINS = { parse: "lstat", write: "statfs", close: "close" }

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const CLI = here("../dist/cli.js")
const INJECT = pathToFileURL(here("../test/faults/inject.mjs")).href
const ORACLE = here("../test/fixtures/oracle")
const seed = Number(process.argv[2] ?? 1)
const work = mkdtempSync(join(tmpdir(), "tosafetensors-faults-"))
let passed = 0
const failures = []

/** Mulberry32: the same moments each time, as far as a clock can repeat them. */
let state = seed
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

try {
  if (!existsSync(CLI)) throw new Error("dist/cli.js is not there: npm run build")
  for (const route of [smallRoute(), await largeRoute()]) await checkMoments(route)
  checkLeaks()
} finally {
  rmSync(work, { recursive: true, force: true })
}
for (const failure of failures.slice(0, 20)) console.error(`faults: ${failure}`)
console.log(`faults: ${passed} passed, ${failures.length} failed`)
process.exitCode = failures.length === 0 ? 0 : 1

function check(context, problems) {
  if (problems.length === 0) passed += 1
  else failures.push(`${context}: ${problems.join("; ")}`)
}

/** Through the event loop. */
function smallRoute() {
  const name = "dtypes-zip-all"
  const input = join(ORACLE, `${name}.pt`)
  return { route: "event loop", input, whole: readFileSync(join(ORACLE, `${name}.safetensors`)) }
}

/** Through copying threads. The checkpoint is what the tests write for this. */
async function largeRoute() {
  const input = join(work, "large.pt")
  const writer = join(work, "writer.mjs")
  await build({ entryPoints: [here("../test/node/legacy-checkpoint.ts")], format: "esm", outfile: writer })
  const { largeCheckpoint } = await import(pathToFileURL(writer).href)
  writeFileSync(input, largeCheckpoint(LARGE_MIB))
  const output = join(work, "large.safetensors")
  const { status, stderr } = spawnSync(process.execPath, [CLI, input, "-o", output])
  if (status !== 0) throw new Error(stderr.toString())
  return { route: "threads", input, whole: readFileSync(output) }
}

// Moments

/** A run of the command; `onOperation` hears of its file operations as they come. */
function run({ argv, onStart = () => {}, onOperation = () => {} }) {
  return new Promise((resolve) => {
    const started = performance.now()
    const env = { ...process.env, NODE_OPTIONS: `--import=${INJECT}`, FAULT_TRACE: "3" }
    const child = spawn(process.execPath, [CLI, ...argv], { env, stdio: ["ignore", "pipe", "pipe", "pipe"] })
    const marks = []
    let stderr = ""
    child.stderr.on("data", (part) => {
      stderr += part
    })
    child.stdout.resume()
    child.stdio[3].on("data", (part) => {
      for (const operation of String(part).trim().split("\n")) {
        marks.push({ operation, at: performance.now() - started })
        onOperation(operation, child)
      }
    })
    child.on("close", (code, signal) => {
      resolve({ code, signal, stderr, marks, ended: performance.now() - started })
    })
    onStart(child)
  })
}

/** Medians of how long each phase takes. */
async function phaseLengths({ input }) {
  const rows = []
  for (let i = 0; i < 5; i++) {
    const { marks, ended, code, stderr } = await run({
      argv: [input, "-o", join(work, "measured.safetensors"), "--force"],
    })
    if (code !== 0) throw new Error(stderr)
    const beginOf = (phase) => marks.find(({ operation }) => operation === BEGINS[phase]).at
    const begins = [0, beginOf("parse"), beginOf("write"), beginOf("close"), ended]
    rows.push(PHASES.map((_, i) => begins[i + 1] - begins[i]))
  }
  return PHASES.map((_, phase) => rows.map((row) => row[phase]).sort((a, b) => a - b)[2])
}

async function checkMoments(route) {
  const lengths = await phaseLengths(route)
  const said = PHASES.map((phase, i) => `${phase} ${lengths[i].toFixed(1)} ms`).join(", ")
  console.log(`faults: ${route.route}: ${said}`)
  for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"]) {
    const counts = { ended: 0, finished: 0, early: 0, temporary: 0 }
    const jobs = Array.from({ length: MOMENTS }, (_, number) => {
      const phase = number % PHASES.length
      const moment = { phase: PHASES[phase], delay: random() * lengths[phase] }
      return () => checkMoment(route, { ...moment, signal, number, force: number % 8 >= 4 }, counts)
    })
    const lane = async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job()
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    console.log(
      `faults: ${route.route}, ${signal} at ${MOMENTS} moments: ${counts.ended} ended by it, ${counts.early} of them ` +
        `before the command listened, ${counts.finished} had finished, ${counts.temporary} temporary files left`,
    )
  }
}

async function checkMoment({ route, input, whole }, moment, counts) {
  const { signal, number, phase, delay, force } = moment
  const folder = mkdtempSync(join(work, "moment-"))
  const output = join(folder, "model.safetensors")
  if (force) writeFileSync(output, "precious")
  const argv = [input, "-o", output, ...(force ? ["--force"] : [])]
  let armed = false
  const arm = (child) => {
    if (armed) return
    armed = true
    killAfter(child, signal, delay)
  }
  const ending = await run({
    argv,
    onStart: (child) => phase === "start" && arm(child),
    onOperation: (operation, child) => operation === BEGINS[phase] && arm(child),
  })
  const problems = []
  const found = existsSync(output) ? readFileSync(output) : undefined
  const isWhole = found?.equals(whole) === true
  const isOld = force ? found?.toString() === "precious" : found === undefined
  const left = readdirSync(folder).filter((name) => name !== "model.safetensors")
  if (!isWhole && !isOld) problems.push("the output is neither whole nor as it was before")
  if (ending.code === 0 && !isWhole) problems.push("it said that it was done")
  if (/UNHANDLED|^ +at /m.test(ending.stderr)) problems.push(ending.stderr)
  if (ending.code === 0) counts.finished += 1
  else counts.ended += 1
  if (signal === "SIGKILL") {
    if (ending.code !== 0 && ending.signal !== "SIGKILL") problems.push(`it exited with ${ending.code}`)
    counts.temporary += left.length
    for (const name of left) {
      if (!/^\.model\.safetensors\.[0-9a-z]+-[0-9a-z]+\.tmp$/.test(name)) problems.push(`it left ${name}`)
    }
    if (left.length > 0) {
      const again = await run({ argv: [input, "-o", output, "--force"] })
      if (again.code !== 0 || !readFileSync(output).equals(whole)) problems.push("the next run tripped")
      if (readdirSync(folder).length !== left.length + 1) problems.push("the next run took what was left")
    }
  } else {
    const code = signal === "SIGINT" ? 130 : 143
    // Before the command listens, the signal ends it as it ends any process; nothing has been made by then.
    const early = ending.signal === signal
    if (early) counts.early += 1
    if (!early && ![0, code].includes(ending.code))
      problems.push(`it exited with ${ending.code}: ${ending.stderr}`)
    if (ending.code === code && !isOld)
      problems.push("it said that it was interrupted, and the output is there")
    if (left.length > 0) problems.push(`it left ${left}`)
  }
  check(
    `${route}, ${signal} number ${number}, ${delay.toFixed(2)} ms into ${phase}${force ? ", forced" : ""}`,
    problems,
  )
  rmSync(folder, { recursive: true })
}

/** Exact below a millisecond, which timers are not. */
function killAfter(child, signal, delay) {
  const until = performance.now() + delay
  const kill = () => {
    while (performance.now() < until);
    child.kill(signal)
  }
  if (delay > 2) setTimeout(kill, delay - 1.5)
  else kill()
}

// Leaks

function checkLeaks() {
  const script = here("faults-leaks.mjs")
  const child = spawnSync(process.execPath, ["--expose-gc", script, ORACLE], {
    env: { ...process.env, TMPDIR: mkdtempSync(join(work, "leaks-")) },
    encoding: "utf8",
  })
  process.stdout.write(child.stdout)
  check("leaks", child.status === 0 ? [] : [child.stderr || `exit ${child.status}`])
}
