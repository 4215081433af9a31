/** The thread that fuzzes one target. */

import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { parentPort, workerData } from "node:worker_threads"
import type { FuzzTarget } from "../target.ts"
import { readDictionary } from "./dictionary.ts"
import { Search } from "./fuzz-loop.ts"
import type { Edge } from "./instrument.ts"
import { installInstruments } from "./instruments.ts"
import { type Job, type Message, type Progress, SharedInput } from "./messages.ts"
import { Random } from "./random.ts"

const PROGRESS_MILLISECONDS = 1000

const job = workerData as Job
const tell = (message: Message): void => parentPort?.postMessage(message)

const instruments = installInstruments()
const target = await load(job.target.coverage)
const comparing = await load(job.target.comparisons)
const started = performance.now()
if (job.corpus !== undefined) mkdirSync(job.corpus, { recursive: true })

const search = new Search({
  target,
  comparing,
  instruments,
  edgeCount: job.target.edges.length,
  tokens: await readDictionary(job.dictionary),
  random: new Random(job.randomSeed),
  shared: new SharedInput(job.shared),
  onFinding: (finding) => tell({ is: "finding", finding }),
  onNew: save,
})
for (const folder of [job.seeds, ...(job.corpus === undefined ? [] : [job.corpus])]) {
  const inputs = readdirSync(folder)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))))
  for (const bytes of inputs.sort((a, b) => a.length - b.length)) {
    if (bytes.length <= target.maxLength) await search.try(bytes)
  }
}
if (search.corpus.size === 0) await search.try(Uint8Array.of(0))
await search.breathe()
let told = started
while (performance.now() - started < job.seconds * 1000 && search.executions < job.mostExecutions) {
  await search.step()
  if (performance.now() - told < PROGRESS_MILLISECONDS) continue
  told = performance.now()
  tell({ is: "progress", progress: progress() })
}
if (job.corpus !== undefined) minimise(job.corpus)
const seen = (edge: Edge): boolean => search.coverage.has(job.target.edges.indexOf(edge))
const uncovered = counted()
  .filter((edge) => !seen(edge))
  .map(({ file, line, kind, text }) => `${file}:${line} ${kind}: ${text}`)
const outcomes = search.coverage.outcomes.map(
  (outcome) => `${outcome}: ${search.coverage.outcomeHits(outcome)}`,
)
tell({ is: "done", progress: progress(), uncovered, outcomes })

async function load(path: string): Promise<FuzzTarget> {
  const loaded = (await import(pathToFileURL(path).href)) as { target: FuzzTarget }
  return loaded.target
}

/** The edges that the report counts: those of the target's own rooms. */
function counted(): readonly Edge[] {
  return job.target.edges.filter(({ file }) => target.rooms.some((room) => file.startsWith(`src/${room}`)))
}

function progress(): Progress {
  const rooms = counted()
  const numbers = new Map(job.target.edges.map((edge, number) => [edge, number]))
  return {
    executions: search.executions,
    seconds: (performance.now() - started) / 1000,
    edges: rooms.filter((edge) => search.coverage.has(numbers.get(edge) ?? 0)).length,
    totalEdges: rooms.length,
    corpus: search.corpus.size,
  }
}

function save(bytes: Uint8Array): void {
  if (job.corpus === undefined) return
  writeFileSync(join(job.corpus, createHash("sha1").update(bytes).digest("hex")), bytes)
}

function minimise(folder: string): void {
  rmSync(folder, { recursive: true })
  mkdirSync(folder, { recursive: true })
  for (const { bytes } of search.corpus.minimised()) save(bytes)
}
