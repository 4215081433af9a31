/**
 * Measures the built library from inside its process and prints one line of JSON. Run by run.mjs, in a process of its
 * own each time, so that "first" means the first: nothing has been compiled yet.
 *
 *   node --expose-gc bench/in-process.mjs phases INPUT OUTPUT | open INPUT | read INPUT | bytes INPUT
 */

import { readFileSync } from "node:fs"
import { openCheckpoint, scan, toSafetensors, toSafetensorsBytes } from "../dist/node.js"
import { middle } from "./timing.mjs"

const [what, input, output] = process.argv.slice(2)
const measures = { phases, open, read, bytes }
console.log(JSON.stringify(await measures[what]()))

/**
 * Milliseconds of a conversion's three parts. Converting, opening and planning each list the options before anything
 * else, and `onProgress` is asked for when a plan is about to be carried out, so the options tell the time.
 */
async function phases() {
  const listed = []
  let planned
  const options = new Proxy(
    { overwrite: true },
    {
      ownKeys: (target) => {
        listed.push(performance.now())
        return Reflect.ownKeys(target)
      },
      get: (target, key) => {
        if (key === "onProgress") planned ??= performance.now()
        return target[key]
      },
    },
  )
  const started = performance.now()
  await toSafetensors(input, output, options)
  const ended = performance.now()
  const opened = listed[2]
  if (listed.length !== 3 || planned < opened) throw new Error("the parts of a conversion have changed")
  return { open: opened - started, plan: planned - opened, transfer: ended - planned }
}

/** Milliseconds to open a checkpoint for the first time, and once everything is compiled. */
async function open() {
  const once = async () => {
    const started = performance.now()
    await (await openCheckpoint(input)).close()
    return performance.now() - started
  }
  const first = await once()
  const more = []
  for (let i = 0; i < 20; i++) more.push(await once())
  return { first, warm: middle(more.slice(10)) }
}

/** Bytes that the process reads for what `inspect` and `scan` are made of. */
async function read() {
  const before = bytesRead()
  const checkpoint = await openCheckpoint(input)
  void checkpoint.tensors
  checkpoint.plan()
  await checkpoint.close()
  const opened = bytesRead()
  await scan(input)
  return { inspect: opened - before, scan: bytesRead() - opened }
}

function bytesRead() {
  return Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "latin1"))?.[1])
}

/** Milliseconds to convert in memory, and to copy as many bytes into memory that is new, and that is not. */
async function bytes() {
  const checkpoint = new Uint8Array(readFileSync(input))
  const known = new Uint8Array(checkpoint.length)
  const contenders = {
    convert: () => toSafetensorsBytes(checkpoint),
    copyNew: () => new Uint8Array(checkpoint.length).set(checkpoint),
    copyKnown: () => known.set(checkpoint),
  }
  const taken = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  for (let round = 0; round <= 7; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      // 107 MB that the contender before has let go of take 10 ms to be given back, and should not count for this one.
      globalThis.gc()
      const started = performance.now()
      await run()
      if (round > 0) taken[name].push(performance.now() - started)
    }
  }
  return Object.fromEntries(Object.entries(taken).map(([name, all]) => [name, middle(all)]))
}
