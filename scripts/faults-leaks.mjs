/**
 * Five hundred conversions that are refused and five hundred that succeed, in one process: afterwards as many files are
 * open as before, no temporary file is left, and the heap has stopped growing. Run by faults.mjs with --expose-gc.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isCheckpointError, openCheckpoint, toSafetensors, toSafetensorsStream } from "../dist/node.js"

const ROUNDS = 500
/** Between the middle and the end. Code that warms up takes some; a leak of a small file each time takes more. */
const GROWTH_BYTES = 4 * 2 ** 20

const [oracle] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), "tosafetensors-leaks-"))
const problems = []
process.on("unhandledRejection", (error) => problems.push(`unhandled: ${error?.stack ?? error}`))

const outputs = join(folder, "outputs")
const { good, bad } = await sortFiles()
for (let i = 0; i < 50; i++) await round(good, i).then(() => round(bad, i))
const before = measure()
const rows = []
for (const [name, files] of [
  ["refused", bad],
  ["converted", good],
]) {
  for (let i = 0; i < ROUNDS; i++) {
    const refused = await round(files, i)
    if (refused !== (name === "refused")) problems.push(`number ${i} should have been ${name}`)
    if (i === ROUNDS / 2 || i === ROUNDS - 1) rows.push({ name, i, ...measure() })
  }
}
const after = measure()
for (const { name, i, heap, files } of rows) {
  console.log(`faults: ${name} ${i + 1}: heap ${(heap / 2 ** 20).toFixed(2)} MiB, ${files} files open`)
}
if (after.files !== before.files) problems.push(`${before.files} files were open and ${after.files} are`)
for (const at of [1, 3]) {
  const growth = rows[at].heap - rows[at - 1].heap
  if (growth > GROWTH_BYTES)
    problems.push(`the heap grew by ${growth} bytes while files were ${rows[at].name}`)
}
if (after.threads !== before.threads)
  problems.push(`${before.threads} threads before, ${after.threads} after`)
const left = readdirSync(tmpdir()).filter((name) => join(tmpdir(), name) !== folder)
if (left.length > 0) problems.push(`temporary files: ${left}`)
rmSync(folder, { recursive: true })
for (const problem of problems.slice(0, 10)) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

/** Committed checkpoints, by what becomes of them, and broken ones made of the good. */
async function sortFiles() {
  const good = []
  const bad = []
  mkdirSync(outputs)
  for (const name of readdirSync(oracle).filter((each) => each.endsWith(".pt"))) {
    const path = join(oracle, name)
    await sort(path)
  }
  for (const [i, path] of [...good].entries()) {
    const bytes = readFileSync(path)
    const broken = join(folder, `broken-${i}.pt`)
    if (i % 2 === 0) writeFileSync(broken, bytes.subarray(0, Math.floor(bytes.length * 0.7)))
    else
      writeFileSync(
        broken,
        bytes.map((byte, at) => (at % 97 === 50 ? byte ^ 0x55 : byte)),
      )
    await sort(broken)
  }
  return { good, bad }

  // Some can be converted and not listed, or the other way round: they are neither.
  async function sort(path) {
    const refusals = []
    for (let way = 0; way < 4; way++) refusals.push(await convert(path, way))
    if (refusals.every((refused) => refused)) bad.push(path)
    if (!refusals.some((refused) => refused)) good.push(path)
  }
}

function round(files, i) {
  return convert(files[i % files.length], i)
}

/** Whether it was refused. Takes another way in and out each time. */
async function convert(path, i) {
  const output = join(outputs, "out.safetensors")
  try {
    if (i % 4 === 1) {
      await toSafetensors(new Blob([readFileSync(path)]).stream(), output, { overwrite: true })
    } else if (i % 4 === 2) {
      const { stream } = await toSafetensorsStream(path)
      for await (const _ of stream);
    } else if (i % 4 === 3) {
      const checkpoint = await openCheckpoint(path)
      try {
        checkpoint.plan()
        for (const name of checkpoint.tensors.keys()) await checkpoint.readTensor(name)
      } finally {
        await checkpoint.close()
      }
    } else {
      await toSafetensors(path, output, { overwrite: true })
    }
    return false
  } catch (error) {
    if (!isCheckpointError(error)) problems.push(`${path}: ${error?.stack ?? error}`)
    return true
  } finally {
    if (readdirSync(outputs).some((name) => name !== "out.safetensors"))
      problems.push(`${path}: left in the folder`)
  }
}

function measure() {
  for (let i = 0; i < 3; i++) globalThis.gc()
  const files = process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0
  const threads = process.platform === "linux" ? readdirSync("/proc/self/task").length : 0
  return { heap: process.memoryUsage().heapUsed, files, threads }
}
