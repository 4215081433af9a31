/**
 * Runs the library on the worst files we know of (hostile-cases.mjs), each in a process of its own, and prints what
 * came of it: bytes of the file, outcome, seconds, and peak memory above that of the loaded library. Asserts nothing.
 *
 *   npm run build && node bench/hostile.mjs [--only TEXT] [--large] [--dist dist] [--json FILE]
 *
 * Without `--large`, files of more than 1 MB are left out: making them takes minutes. Needs Linux, for peak memory.
 */

import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"

const root = fileURLToPath(new URL("..", import.meta.url))
/** A case that takes longer is killed. */
const LONGEST_MS = 120_000

let cpuAtStart

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    large: { type: "boolean", default: false },
    dist: { type: "string", default: join(root, "dist") },
    json: { type: "string" },
    child: { type: "string" },
  },
})

/** Of the parent, which tells its children. */
const folder = join(root, `.bench/hostile-${options.child === undefined ? process.pid : process.env.HOSTILE}`)
const input = join(folder, "input.bin")

if (options.child !== undefined) await runChild(options.child)
else await runAll()

async function runAll() {
  const { CASES } = await import("./hostile-cases.mjs")
  mkdirSync(folder, { recursive: true })
  const rows = []
  for (const { name, make, run = "convert", large = false } of CASES) {
    if (!name.includes(options.only) || (large && !options.large)) continue
    writeFileSync(input, make())
    const bytes = statSync(input).size
    const args = [fileURLToPath(import.meta.url), "--child", run, "--dist", resolve(options.dist)]
    const child = spawnSync(process.execPath, args, {
      encoding: "utf8",
      timeout: LONGEST_MS,
      maxBuffer: 2 ** 30,
      env: { ...process.env, HOSTILE: String(process.pid) },
    })
    const said = /^measured (.*)$/m.exec(child.stdout)?.[1]
    const result =
      said === undefined
        ? { outcome: sayDeath(child), seconds: Number.NaN, cpu: Number.NaN, mb: Number.NaN }
        : JSON.parse(said)
    rows.push({ name, bytes, ...result })
    const { outcome, seconds, cpu, mb } = result
    console.log(
      `${name.padEnd(72)} ${String(bytes).padStart(10)}  ${seconds.toFixed(2).padStart(6)} s ${cpu.toFixed(2).padStart(6)} s cpu ${mb.toFixed(0).padStart(5)} MB  ${outcome}`,
    )
  }
  rmSync(folder, { recursive: true, force: true })
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`)
}

function sayDeath({ status, signal, error, stderr }) {
  const heap = /heap out of memory|Allocation failed/.exec(stderr)?.[0]
  return `DIED: ${heap ?? error?.code ?? signal ?? status} ${/\w*Error: .*/.exec(stderr)?.[0] ?? ""}`.trim()
}

async function runChild(run) {
  const load = (name) => import(pathToFileURL(join(options.dist, name)).href)
  const library = await load("node.js")
  const before = peakKiB()
  const started = performance.now()
  cpuAtStart = process.cpuUsage()
  let outcome
  try {
    outcome = await act(run, library)
  } catch (error) {
    const { code, detail } = error
    outcome =
      code === undefined
        ? `UNTYPED ${error}`.slice(0, 200)
        : detail?.limit === undefined
          ? code
          : `${code} ${detail.limit}`
  }
  console.log(`measured ${JSON.stringify({ outcome, ...since(started, before) })}`)
}

async function act(run, library) {
  const load = (name) => import(pathToFileURL(join(options.dist, name)).href)
  const target = join(folder, "output")
  if (run === "header") {
    const { valid, findings } = await library.checkSafetensors(input)
    return valid ? "valid" : `invalid: ${findings[0].rule}, ${findings.length}`
  }
  if (run === "inspect-json" || run === "inspect") {
    // The command ends the process itself, so what was measured is said when it does.
    let printed = 0
    let failure = ""
    process.stdout.write = (text, done) => {
      printed += text.length
      setImmediate(done)
      return true
    }
    process.stderr.write = (text, done) => {
      failure += text
      setImmediate(done)
      return true
    }
    process.argv = [
      process.execPath,
      "tosafetensors",
      "inspect",
      ...(run === "inspect" ? [] : ["--json"]),
      input,
    ]
    const started = performance.now()
    const before = peakKiB()
    process.on("exit", (status) => {
      const said =
        /limit \w+/.exec(failure)?.[0] ??
        /code\s+(\S+)/.exec(failure)?.[1] ??
        /\w*Error: .*/.exec(failure)?.[0] ??
        ""
      const outcome = `exit ${status}, ${printed} units printed ${said}`
      writeSync(1, `measured ${JSON.stringify({ outcome, ...since(started, before) })}\n`)
    })
    return await load("cli.js")
  }
  if (run === "values") {
    const checkpoint = await library.openCheckpoint(input)
    void checkpoint.values
    await checkpoint.close()
    return "values"
  }
  const how = {
    convert: {},
    copy: { shared: "copy" },
    all: { root: "all" },
    globs: { include: "*a*a*a*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab*" },
  }[run]
  const { tensorCount } = await library.toSafetensors(input, target, { overwrite: true, ...how })
  return `${tensorCount} tensors`
}

/** Seconds by the clock and of the processor (its threads for garbage included), and megabytes. */
function since(started, before) {
  const { user, system } = process.cpuUsage(cpuAtStart)
  const seconds = (performance.now() - started) / 1000
  return { seconds, cpu: (user + system) / 1e6, mb: ((peakKiB() - before) * 1024) / 1e6 }
}

function peakKiB() {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? Number.NaN)
}
