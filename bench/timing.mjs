/** Times processes in turn, so that whatever else the machine does falls on all of them. */

import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"

/** A contender that is this far in has said enough after two runs: the slow ones must not take the afternoon. */
const ENOUGH_SECONDS = 20

/**
 * `runs` counted rounds after one that warms the page cache, each in a new random order.
 *
 * @param {Record<string, string[]>} commands
 * @param {{ runs: number, before?: () => void }} options `before` is called before each process.
 */
export async function inTurn(commands, { runs, before = () => {} }) {
  const measured = new Map(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round <= runs; round++) {
    for (const name of shuffled(Object.keys(commands))) {
      const sofar = measured.get(name)
      const spent = sofar.reduce((sum, { seconds }) => sum + seconds, 0)
      if (sofar.length >= 2 && spent > ENOUGH_SECONDS) continue
      before()
      const run = await time(commands[name])
      if (round > 0) sofar.push(run)
    }
  }
  return Object.fromEntries(Array.from(measured, ([name, all]) => [name, sum(all)]))
}

/** Runs a command to its end and watches its peak memory. */
export async function time([program, ...args]) {
  const started = process.hrtime.bigint()
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] })
  let peakKiB = 0
  const watch = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid))
  }, 5)
  let printed = ""
  child.stdout.setEncoding("utf8").on("data", (text) => {
    printed += text
  })
  const ended = new Promise((resolve) => child.on("close", resolve))
  const status = await new Promise((resolve, reject) => child.on("exit", resolve).on("error", reject))
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  clearInterval(watch)
  await ended
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}`)
  return { seconds, peakKiB, printed }
}

/** VmHWM only grows, so a look every few milliseconds misses little. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function sum(all) {
  const seconds = all.map((run) => run.seconds)
  return {
    runs: all.length,
    seconds: middle(seconds),
    fastest: Math.min(...seconds),
    slowest: Math.max(...seconds),
    peakMiB: middle(all.map((run) => run.peakKiB)) / 1024,
    printed: all.map((run) => run.printed),
  }
}

/** The median; of an even number, the mean of the two in the middle. */
export function middle(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** The medians of what processes printed as JSON, key by key. */
export function middles(printed) {
  const all = printed.map((text) => JSON.parse(text))
  return Object.fromEntries(Object.keys(all[0] ?? {}).map((key) => [key, middle(all.map((one) => one[key]))]))
}

function shuffled(names) {
  const order = [...names]
  for (let left = order.length - 1; left > 0; left--) {
    const other = Math.floor(Math.random() * (left + 1))
    ;[order[left], order[other]] = [order[other], order[left]]
  }
  return order
}
