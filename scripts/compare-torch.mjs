/**
 * Makes random checkpoints that are legal, or legal but for an oddity or two, and compares what this library and
 * torch.load(weights_only=True) make of them: whether each takes the file, and every tensor, bit by bit.
 *
 *     npm run compare:torch -- --count 20000 --seed 1
 *     npm run compare:torch -- --seed 1 --first 4711 --count 1 --save /tmp      one again; keeps the file
 *
 * What differs must be explained by a row of test/compare/causes.ts. Needs the Python that scripts/oracle.sh prepares.
 */

import { fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { bundleForNode } from "./bundle-for-node.mjs"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
/** Checkpoints that one start of Python is given. */
const RANGE = 1000
/** Of a process. Checkpoints are small; the conversion of none may need more. */
const HEAP_MIB = 512
const SHOWN = 40

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    jobs: { type: "string", default: "2" },
    save: { type: "string" },
    python: { type: "string", default: join(ROOT, ".oracle/venv/bin/python") },
  },
})
const first = Number(options.first)
const end = first + Number(options.count)
const work = mkdtempSync(join(tmpdir(), "tosafetensors-compare-"))
const bundle = join(work, "worker.mjs")
const total = { checkpoints: 0, accepted: 0, refused: 0, explained: {}, unexplained: [] }

try {
  await bundleForNode("test/compare/worker.ts", bundle)
  const startedAt = Date.now()
  const ranges = []
  for (let start = first; start < end; start += RANGE) ranges.push([start, Math.min(end, start + RANGE)])
  const jobs = Math.min(Number(options.jobs), ranges.length)
  await Promise.all(Array.from({ length: jobs }, () => workThrough(ranges)))
  report((Date.now() - startedAt) / 1000)
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function workThrough(ranges) {
  const settings = {
    seed: Number(options.seed),
    save: options.save,
    python: options.python,
    script: join(ROOT, "test/compare/load_with_torch.py"),
  }
  const child = fork(bundle, [JSON.stringify(settings)], { execArgv: [`--max-old-space-size=${HEAP_MIB}`] })
  try {
    for (let range = ranges.shift(); range !== undefined; range = ranges.shift())
      merge(await ask(child, range))
  } finally {
    child.kill()
  }
}

function ask(child, range) {
  return new Promise((resolve, reject) => {
    const onExit = (code, signal) => reject(new Error(`the process ended with ${signal ?? code} in ${range}`))
    child.once("exit", onExit)
    child.once("message", (answer) => {
      child.off("exit", onExit)
      if (answer.error === undefined) resolve(answer)
      else reject(new Error(answer.error))
    })
    child.send(range)
  })
}

function merge(part) {
  for (const field of ["checkpoints", "accepted", "refused"]) total[field] += part[field]
  for (const [why, times] of Object.entries(part.explained))
    total.explained[why] = (total.explained[why] ?? 0) + times
  total.unexplained.push(...part.unexplained)
}

function report(seconds) {
  const { checkpoints, accepted, refused, explained, unexplained } = total
  const row = (times, what) => console.log(`${String(times).padStart(8)}  ${what}`)
  row(accepted, "accepted by both")
  row(refused, "refused by both")
  for (const [why, times] of Object.entries(explained).sort(([, a], [, b]) => b - a)) row(times, why)
  for (const { index, oddities, ours, torch } of unexplained.slice(0, SHOWN)) {
    console.log(
      `UNEXPLAINED ${options.seed}:${index} [${oddities.join("; ")}]\n  here:  ${ours}\n  torch: ${torch}`,
    )
  }
  console.log(`${seconds.toFixed(0)} s`)
  console.log(
    `compare: ${checkpoints} checkpoints, ${accepted} accepted by both, ${unexplained.length} unexplained`,
  )
  process.exitCode = unexplained.length === 0 && checkpoints === end - first ? 0 : 1
}
