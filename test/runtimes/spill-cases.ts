/** What a Blob spills to where it is there: the browser's own files, in pages and in workers alike. */

import { EXAMPLE } from "embedded-files"
import { toSafetensorsBlob, toSafetensorsBytes } from "../../src/index.ts"
import type { Problems } from "../hostile/run-case.ts"
import { differences } from "./differences.ts"
import { FIXTURES } from "./fixture-cases.ts"
import type { WayCase } from "./way-cases.ts"

/** As the library names it. */
const FOLDER = "tosafetensors-spill"

const TWO_HOURS_MS = 2 * 60 * 60_000

async function folder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory()
  return root.getDirectoryHandle(FOLDER, { create: true })
}

async function names(): Promise<readonly string[]> {
  const found: string[] = []
  for await (const name of (await folder()).keys()) found.push(name)
  return found.sort()
}

/** Nothing when `work` leaves as many files as there were. */
async function leavesNothing(what: string, work: () => Promise<Problems>): Promise<Problems> {
  const before = await names()
  const problems = await work()
  const left = (await names()).filter((name) => !before.includes(name))
  return left.length === 0 ? problems : [...problems, `${what} leaves ${left.join(", ")}`]
}

/** Everything that is made is spilled, of every fixture that can be converted. */
async function spillsFixtures(): Promise<Problems> {
  const problems: string[] = []
  for (const { name, row, files } of FIXTURES) {
    const input = files.get(row.input)
    const expected = files.get(row.expected ?? "")
    if (input === undefined || expected === undefined) continue
    for (const from of [input, new Blob([input])]) {
      await using converted = await toSafetensorsBlob(from, { ...row.options, maxMemoryBytes: 0 })
      const { blob, spilledBytes } = converted
      problems.push(...differences(name, new Uint8Array(await blob.arrayBuffer()), expected))
      // The header at least is no slice.
      if (spilledBytes === 0) problems.push(`${name}: nothing was spilled`)
    }
  }
  return problems
}

async function severalAtOnce(): Promise<Problems> {
  const { bytes } = await toSafetensorsBytes(EXAMPLE)
  const all = await Promise.all(
    Array.from({ length: 5 }, () => toSafetensorsBlob(EXAMPLE, { maxMemoryBytes: 0 })),
  )
  const problems: string[] = []
  for (const { blob } of all) {
    problems.push(...differences("blob", new Uint8Array(await blob.arrayBuffer()), bytes))
  }
  for (const converted of all) await converted.close()
  return problems
}

async function abortedBetween(): Promise<Problems> {
  const controller = new AbortController()
  const reason = new Error("the caller has had enough")
  const { signal } = controller
  const onProgress = (): void => controller.abort(reason)
  const end: unknown = await toSafetensorsBlob(EXAMPLE, { maxMemoryBytes: 0, signal, onProgress }).catch(
    (error: unknown) => error,
  )
  return end === reason ? [] : [`it ended in ${String(end)}`]
}

/** One that is left over, one whose maker lives, and one of this moment. */
async function cleansUp(): Promise<Problems> {
  const then = Date.now() - TWO_HOURS_MS
  const [left, used, fresh] = [`${then}-left`, `${then}-used`, `${Date.now()}-fresh`]
  const inside = await folder()
  for (const name of [left, used, fresh]) await inside.getFileHandle(name, { create: true })
  let unlock = (): void => {}
  await new Promise<void>((locked) => {
    const held = new Promise<void>((resolve) => {
      unlock = resolve
    })
    void navigator.locks.request(`${FOLDER}/${used}`, () => {
      locked()
      return held
    })
  })
  const converted = await toSafetensorsBlob(EXAMPLE, { maxMemoryBytes: 0 })
  const after = await names()
  await converted.close()
  unlock()
  for (const name of [used, fresh]) await inside.removeEntry(name)
  if (after.includes(left)) return ["what was left over is still there"]
  return after.includes(used) && after.includes(fresh) ? [] : [`too much was removed: ${after.join(", ")}`]
}

export const SPILLS: readonly WayCase[] = [
  { name: "spill: every fixture", run: () => leavesNothing("a closed result", spillsFixtures) },
  { name: "spill: several at once", run: () => leavesNothing("a closed result", severalAtOnce) },
  { name: "spill: aborted", run: () => leavesNothing("an aborted conversion", abortedBetween) },
  { name: "spill: what is left over", run: () => leavesNothing("cleaning", cleansUp) },
]
