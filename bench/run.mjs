/**
 * Times whole processes: this library's command line, `cp`, and Python with torch and safetensors, in turn, so that
 * whatever else the machine does falls on all of them. Prints medians and ratios; asserts nothing.
 *
 *   npm run bench [-- --runs 5] [--only 20MB]
 *
 * Needs Linux (peak memory is read from /proc) and the virtual environment that scripts/oracle.sh prepares: torch
 * writes the inputs. They are made once, in .bench/.
 */

import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const root = fileURLToPath(new URL("..", import.meta.url))
const folder = join(root, ".bench")
const python = join(root, ".oracle/venv/bin/python")
const output = join(folder, "output")

const { values } = parseArgs({
  options: { runs: { type: "string", default: "5" }, only: { type: "string", default: "" } },
})
const runs = Number(values.runs)

if (!existsSync(python)) {
  console.log("bench: skipped, there is no torch to make the inputs (run scripts/oracle.sh first)")
  process.exit(0)
}
mkdirSync(folder, { recursive: true })
const made = spawnSync(python, [join(root, "bench/make_inputs.py"), folder], { stdio: "inherit" })
if (made.status !== 0) process.exit(1)

const cli = join(root, "dist/cli.js")
/** @type {(input: string) => Record<string, string[]>} */
const contenders = (input) => ({
  tosafetensors: [process.execPath, cli, input, "-o", output, "--force", "--quiet"],
  cp: ["cp", input, output],
  torch: [python, join(root, "bench/convert_with_torch.py"), input, output],
})

const rows = []
for (const name of readdirSync(folder).filter((n) => n.endsWith(".pt") && n.includes(values.only))) {
  const input = join(folder, name)
  const commands = contenders(input)
  /** @type {Record<string, { seconds: number[], peakKiB: number[] }>} */
  const measured = Object.fromEntries(Object.keys(commands).map((key) => [key, { seconds: [], peakKiB: [] }]))
  for (let run = 0; run <= runs; run++) {
    for (const [contender, command] of Object.entries(commands)) {
      rmSync(output, { force: true })
      const { seconds, peakKiB } = await time(command)
      // The first round warms the page cache and is not counted.
      if (run === 0) continue
      measured[contender].seconds.push(seconds)
      measured[contender].peakKiB.push(peakKiB)
    }
  }
  const median = Object.fromEntries(Object.entries(measured).map(([key, m]) => [key, middle(m.seconds)]))
  rows.push({
    input: name,
    bytes: statSync(input).size,
    seconds: median,
    ratioToCp: median.tosafetensors / median.cp,
    fasterThanTorch: median.torch / median.tosafetensors,
    peakMiB: middle(measured.tosafetensors.peakKiB) / 1024,
    torchPeakMiB: middle(measured.torch.peakKiB) / 1024,
  })
  print(rows.at(-1))
}
rmSync(output, { force: true })
const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model }
writeFileSync(join(folder, "results.json"), `${JSON.stringify({ machine, runs, rows }, null, 2)}\n`)

/** Runs a command to its end and watches its peak memory. */
async function time([program, ...args]) {
  const started = process.hrtime.bigint()
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] })
  let peakKiB = 0
  const watch = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid))
  }, 5)
  const status = await new Promise((resolve) => child.on("exit", resolve))
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  clearInterval(watch)
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}`)
  return { seconds, peakKiB }
}

/** VmHWM only grows, so a look every few milliseconds misses little. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function middle(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function print({ input, seconds, ratioToCp, fasterThanTorch, peakMiB, torchPeakMiB }) {
  const s = (value) => `${value.toFixed(2)} s`
  console.log(
    `${input.padEnd(24)} ours ${s(seconds.tosafetensors)}  cp ${s(seconds.cp)}  torch ${s(seconds.torch)}  ` +
      `${ratioToCp.toFixed(2)} x cp, ${fasterThanTorch.toFixed(1)} x faster than torch, ` +
      `peak ${peakMiB.toFixed(0)} MiB (torch ${torchPeakMiB.toFixed(0)})`,
  )
}
