/** Runs the suite in whatever loads this: a page, which runs it and then has a worker run it too, or that worker. */

import { toSafetensorsBytes } from "../../src/index.ts"
import { SPILLS } from "./spill-cases.ts"
import { type Outcome, runSuite } from "./suite.ts"

interface Scope {
  outcomes?: Promise<readonly Outcome[]>
  postMessage(message: unknown): void
}

const scope = globalThis as unknown as Scope

const CHECKS = [
  ...SPILLS,
  {
    name: "the content security policy forbids running text",
    run: async () => (textRuns() ? ["text can be run as code here"] : []),
  },
  {
    name: "text that is no URL is no input here",
    run: async () => {
      const error: unknown = await toSafetensorsBytes("model.pt" as never).catch((reason: unknown) => reason)
      return String(error).includes("the string is no URL") ? [] : [`it gave ${String(error)}`]
    },
  },
]

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
  runSuite("worker", CHECKS).then((outcome) => scope.postMessage(outcome))
} else {
  scope.outcomes = runSuite("page", CHECKS).then(async (page) => [page, await runWorker()])
}
