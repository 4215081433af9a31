/**
 * How long the event loop is held while the library works on bytes in memory: for each of the worst files we know of
 * (hostile-cases.mjs), in a process of its own, the longest time between two turns of the loop, and how late a signal of
 * 50 ms ends the work. What the garbage collector takes is in it. Asserts nothing.
 *
 *   npm run build && node bench/turns.mjs [--only TEXT] [--large] [--build node|index] [--together 40] [--dist dist]
 */

import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { PerformanceObserver } from "node:perf_hooks"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"

const root = fileURLToPath(new URL("..", import.meta.url))

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    large: { type: "boolean", default: false },
    build: { type: "string", default: "node" },
    together: { type: "string", default: "1" },
    dist: { type: "string", default: join(root, "dist") },
    child: { type: "string" },
    input: { type: "string" },
  },
})

if (options.child !== undefined) await runChild()
else await runAll()

async function runAll() {
  const { CASES } = await import("./hostile-cases.mjs")
  const folder = join(root, `.bench/turns-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  const input = join(folder, "input.bin")
  for (const { name, make, run = "convert", large = false } of CASES) {
    if (!name.includes(options.only) || (large && !options.large)) continue
    writeFileSync(input, make())
    const flags = ["--build", options.build, "--together", options.together, "--dist", resolve(options.dist)]
    const said = []
    for (const verb of run === "header" ? ["header"] : ["convert", "scan"]) {
      const args = [fileURLToPath(import.meta.url), ...flags, "--child", verb, "--input", input]
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 300_000 })
      said.push(`${verb} ${stdout.trim() || stderr.trim().slice(-200)}`)
    }
    console.log(`${name.padEnd(70)} ${said.join(" | ")}`)
  }
  rmSync(folder, { recursive: true, force: true })
}

async function runChild() {
  const library = await import(pathToFileURL(join(options.dist, `${options.build}.js`)).href)
  const bytes = new Uint8Array(readFileSync(options.input))
  const verbs = { convert: "toSafetensorsBytes", scan: "scan", header: "checkSafetensors" }
  const work = (signal) => library[verbs[options.child]](bytes, { signal })
  let collected = 0
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collected = Math.max(collected, duration)
  }).observe({ entryTypes: ["gc"] })
  const free = await watch(() => work())
  const ended = await watch(() => work(AbortSignal.timeout(50)))
  console.log(
    `held ${free.gap.toFixed(0)} of ${free.took.toFixed(0)} ms (${free.outcome}; garbage ${collected.toFixed(0)}); with a signal ended after ${ended.took.toFixed(0)} (${ended.outcome})`,
  )
}

/** Runs `work` as often side by side as asked, and notes the longest time between two turns of the loop. */
async function watch(work) {
  let gap = 0
  let last = performance.now()
  let watching = true
  const look = () => {
    const now = performance.now()
    gap = Math.max(gap, now - last)
    last = now
    if (watching) setImmediate(look)
  }
  setImmediate(look)
  await new Promise((next) => setTimeout(next, 20))
  gap = 0
  const started = performance.now()
  const outcomes = await Promise.allSettled(Array.from({ length: Number(options.together) }, work))
  const took = performance.now() - started
  await new Promise((next) => setImmediate(next))
  watching = false
  const [{ status, reason }] = outcomes
  return { gap, took, outcome: status === "fulfilled" ? "done" : (reason.code ?? reason.name) }
}
