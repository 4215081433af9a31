/** The command: which targets, for how long, and what is printed. */

import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { makeSeeds } from "../make-seeds.ts"
import { buildTarget, type Folders } from "./build-target.ts"
import type { Progress } from "./messages.ts"
import { fuzzTarget, type TargetResult } from "./supervise.ts"

const HELP = `npm run fuzz -- [options]

  --target NAME      one target, or several; all by default: ${"zip, inflate, pickle, legacy, header"}
  --seconds N        seconds for each target (60)
  --executions N     ends a target after so many runs
  --seed N           seed of the random changes (1)
  --jobs N           targets at a time (1)
  --smoke            for CI: 12 seconds each, from the committed seeds alone, keeping no corpus
  --quiet            no progress
  --make-seeds       writes fuzz/seeds anew and ends

What is found, the corpus and lists of uncovered edges go to .fuzz/. The exit code is 1 when there is a finding.`

/** Seconds for each target in CI. */
const SMOKE_SECONDS = "12"
const PROGRESS_EVERY_SECONDS = 10

export async function runCommand(args: readonly string[], folders: Folders): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", multiple: true },
      seconds: { type: "string" },
      executions: { type: "string" },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      smoke: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      "make-seeds": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  if (values["make-seeds"]) {
    makeSeeds(join(folders.fuzz, "seeds"))
    return 0
  }
  const all = readdirSync(join(folders.fuzz, "targets")).map((file) => file.replace(/\.ts$/, ""))
  const names = values.target ?? all
  const unknown = names.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new Error(`there is no target ${unknown}; there are ${all.join(", ")}`)
  const waiting = [...names]
  const results: TargetResult[] = []
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      results.push(await fuzzOne(name, folders, { ...values, seconds: secondsOf(values) }))
    }
  }
  await Promise.all(Array.from({ length: numberOf("jobs", values.jobs) }, work))
  const executions = results.reduce((sum, each) => sum + each.executions, 0)
  const findings = results.reduce((sum, each) => sum + each.findings.size, 0)
  console.log(`fuzz: ${results.length} targets, ${executions} executions, ${findings} findings`)
  return findings === 0 ? 0 : 1
}

function secondsOf({ seconds, smoke }: { seconds?: string | undefined; smoke: boolean }): number {
  return numberOf("seconds", seconds ?? (smoke ? SMOKE_SECONDS : "60"))
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} needs a number above 0, not ${text}`)
  return value
}

interface OneOptions {
  readonly seconds: number
  readonly executions?: string | undefined
  readonly seed: string
  readonly smoke: boolean
  readonly quiet: boolean
}

async function fuzzOne(name: string, folders: Folders, options: OneOptions): Promise<TargetResult> {
  const { fuzz, work } = folders
  const target = await buildTarget(name, folders)
  let next = PROGRESS_EVERY_SECONDS
  const onProgress = (progress: Progress, findings: number): void => {
    if (options.quiet || progress.seconds < next) return
    next += PROGRESS_EVERY_SECONDS
    console.log(line(name, progress, findings))
  }
  const job = {
    target,
    seeds: join(fuzz, "seeds", name),
    dictionary: join(fuzz, "dictionaries", `${name}.dict`),
    corpus: options.smoke ? undefined : join(work, "corpus", name),
    findings: join(work, "findings", name),
    seconds: options.seconds,
    mostExecutions:
      options.executions === undefined
        ? Number.POSITIVE_INFINITY
        : numberOf("executions", options.executions),
    randomSeed: Number(options.seed),
  }
  const result = await fuzzTarget(job, join(work, "build/worker.mjs"), onProgress)
  writeFileSync(join(work, `${name}-uncovered.txt`), `${result.uncovered.join("\n")}\n`)
  writeFileSync(join(work, `${name}-outcomes.txt`), `${result.outcomes.join("\n")}\n`)
  console.log(line(name, result, result.findings.size))
  for (const { signature, bytes } of result.findings.values()) {
    console.log(`  ${signature.split("\n")[0]} (${bytes.length} bytes, in ${job.findings})`)
  }
  return result
}

function line(name: string, progress: Progress, findings: number): string {
  const { executions, seconds, edges, totalEdges, corpus } = progress
  const speed = Math.round(executions / seconds)
  return (
    `${name}: ${executions} executions in ${Math.round(seconds)} s, ${speed} a second, ` +
    `${edges} of ${totalEdges} edges, ${corpus} inputs, ${findings} findings`
  )
}
