/** Starts the thread that fuzzes, takes its findings down, and ends it where a run does not end. */

import { createHash } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { type Finding, type Job, type Message, type Progress, SharedInput } from "./messages.ts"

/** A run that takes longer than this hangs. Inputs are a few KiB, and one usually takes 0.1 ms. */
const HANG_MILLISECONDS = 10_000
const LOOK_MILLISECONDS = 500

/** The machine's own heap, for inputs of a few KiB. */
const HEAP_MEGABYTES = 1024

/** What came of fuzzing a target. */
export interface TargetResult extends Progress {
  readonly name: string
  /** One a cause. */
  readonly findings: ReadonlyMap<string, Finding>
  readonly uncovered: readonly string[]
  readonly outcomes: readonly string[]
}

/** How one thread ended. */
interface ThreadEnd {
  readonly done?: Extract<Message, { is: "done" }>
  readonly progress?: Progress
}

export async function fuzzTarget(
  job: Omit<Job, "shared">,
  worker: string,
  onProgress: (progress: Progress, findings: number) => void,
): Promise<TargetResult> {
  const findings = new Map<string, Finding>()
  const end = Date.now() + job.seconds * 1000
  let executions = 0
  let last: Progress = { executions: 0, seconds: 0, edges: 0, totalEdges: 0, corpus: 0 }
  for (let attempt = 0; ; attempt++) {
    const seconds = Math.max(1, (end - Date.now()) / 1000)
    const shared = new SharedInput()
    const next = { ...job, seconds, randomSeed: job.randomSeed + attempt, shared: shared.buffer }
    const ended = await runThread(next, shared, worker, {
      onProgress: (progress) =>
        onProgress({ ...progress, executions: executions + progress.executions }, findings.size),
      onFinding: (finding) => keep(findings, finding, job.findings),
    })
    last = ended.done?.progress ?? ended.progress ?? last
    executions += last.executions
    if (ended.done === undefined && Date.now() < end) continue
    const { uncovered = [], outcomes = [] } = ended.done ?? {}
    return { ...last, executions, seconds: job.seconds, name: job.target.name, findings, uncovered, outcomes }
  }
}

/** Keeps the shortest input of each cause. */
function keep(findings: Map<string, Finding>, finding: Finding, folder: string): void {
  const known = findings.get(finding.signature)
  if (known !== undefined && known.bytes.length <= finding.bytes.length) return
  findings.set(finding.signature, finding)
  mkdirSync(folder, { recursive: true })
  const name = `${finding.kind}-${createHash("sha1").update(finding.signature).digest("hex").slice(0, 10)}`
  writeFileSync(join(folder, `${name}.bin`), finding.bytes)
  const hex = Buffer.from(finding.bytes).toString("hex")
  writeFileSync(join(folder, `${name}.txt`), `${finding.signature}\n\n${finding.report}\n\n${hex}\n`)
}

interface Listeners {
  readonly onProgress: (progress: Progress) => void
  readonly onFinding: (finding: Finding) => void
}

function runThread(job: Job, shared: SharedInput, path: string, listeners: Listeners): Promise<ThreadEnd> {
  const worker = new Worker(path, {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  })
  return new Promise((resolve) => {
    let end: ThreadEnd = {}
    let runs = -1
    let since = Date.now()
    const watch = setInterval(() => {
      if (shared.runs !== runs) {
        runs = shared.runs
        since = Date.now()
      } else if (runs > 0 && Date.now() - since > HANG_MILLISECONDS) {
        report("hang", `a run does not end within ${HANG_MILLISECONDS} ms`)
        since = Date.now()
        void worker.terminate()
      }
    }, LOOK_MILLISECONDS)
    const report = (kind: Finding["kind"], text: string): void => {
      listeners.onFinding({ kind, signature: `${kind}: ${text}`, report: text, bytes: shared.current() })
    }
    worker.on("message", (message: Message) => {
      if (message.is === "finding") listeners.onFinding(message.finding)
      else if (message.is === "done") end = { done: message }
      else {
        end = { progress: message.progress }
        listeners.onProgress(message.progress)
      }
    })
    worker.on("error", (error) => {
      const memory = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY"
      report(
        memory ? "memory" : "crash",
        memory ? `more than ${HEAP_MEGABYTES} MiB of heap` : String(error.stack),
      )
    })
    worker.on("exit", () => {
      clearInterval(watch)
      resolve(end)
    })
  })
}
