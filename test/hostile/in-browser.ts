/**
 * Runs the corpus in whatever loads this: a page, which runs it and then has a worker run it too, or that worker.
 * scripts/hostile-in-chromium.mjs bundles it and collects `hostileResults`.
 */

import { HOSTILE, HOSTILE_HEADERS, LEGAL, LEGAL_HEADERS } from "./corpus.ts"
import { type Problems, runHostile, runHostileHeader, runLegal, runLegalHeader } from "./run-case.ts"

/** How the corpus did in one place. */
interface Outcome {
  readonly place: "page" | "worker"
  readonly passed: number
  readonly failed: readonly { readonly name: string; readonly problems: Problems }[]
}

interface Scope {
  hostileResults?: Promise<readonly Outcome[]>
  postMessage(message: unknown): void
}

const scope = globalThis as unknown as Scope

async function runAll(place: Outcome["place"]): Promise<Outcome> {
  const failed: { name: string; problems: Problems }[] = []
  let passed = 0
  const run = async <Case extends { readonly name: string }>(
    cases: readonly Case[],
    check: (given: Case) => Promise<Problems>,
  ): Promise<void> => {
    for (const given of cases) {
      const problems = await check(given).catch((error: unknown): Problems => [`it threw ${String(error)}`])
      if (problems.length === 0) passed += 1
      else failed.push({ name: given.name, problems })
    }
  }
  if (textRuns()) failed.push({ name: "the policy", problems: ["text can be run as code here"] })
  await run(HOSTILE, runHostile)
  await run(HOSTILE_HEADERS, runHostileHeader)
  await run(LEGAL, runLegal)
  await run(LEGAL_HEADERS, runLegalHeader)
  return { place, passed, failed }
}

/** Whether the content security policy, which must forbid it, is not in force. */
function textRuns(): boolean {
  try {
    // Made of text, which is the point.
    return new Function("return true")() === true
  } catch {
    return false
  }
}

function runWorker(): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(import.meta.url, { type: "module" })
    worker.onmessage = ({ data }: MessageEvent<Outcome>) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`))
  })
}

if (typeof document === "undefined") {
  runAll("worker").then((outcome) => scope.postMessage(outcome))
} else {
  scope.hostileResults = runAll("page").then(async (page) => [page, await runWorker()])
}
