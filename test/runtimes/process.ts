/** Runs the suite in Node, Deno and Bun: in the process, then in a thread of it. Prints the outcomes as JSON. */

import { once } from "node:events"
import { readFile, rm, writeFile } from "node:fs/promises"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import { EXAMPLE } from "embedded-files"
import { toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import type { Problems } from "../hostile/run-case.ts"
import { differences } from "./differences.ts"
import { type Outcome, runSuite } from "./suite.ts"

const CHECKS = [{ name: "paths", run: fromPathToPath }]

/** From a file to a file: what only these runtimes can do. */
async function fromPathToPath(): Promise<Problems> {
  const input = new URL(`input-${isMainThread}.pt`, import.meta.url)
  const output = new URL(`output-${isMainThread}.safetensors`, import.meta.url)
  await writeFile(input, EXAMPLE)
  await rm(output, { force: true })
  const { bytes: expected } = await toSafetensorsBytes(EXAMPLE)
  await toSafetensors(input, output)
  const written = new Uint8Array(await readFile(output))
  const existing: unknown = await toSafetensors(input, output).catch((error: unknown) => error)
  const problems = differences("file", written, expected)
  return String(existing).includes("exists already") ? problems : [...problems, "a file was replaced"]
}

if (isMainThread) {
  const outcome = await runSuite("process", CHECKS)
  const worker = new Worker(new URL(import.meta.url))
  const [inThread]: readonly Outcome[] = await once(worker, "message")
  await worker.terminate()
  console.log(JSON.stringify([outcome, inThread]))
} else {
  parentPort?.postMessage(await runSuite("thread", CHECKS))
}
