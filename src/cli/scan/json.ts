/** What `scan --json` prints: the reports as they are, with null where the library has undefined. */

import type { ScanFinding, ScannedGlobal, ScannedPickle } from "../../node/index.ts"
import { jsonText } from "../terminal/json-text.ts"
import type { OutputStream } from "../terminal/streams.ts"
import { printText } from "../terminal/streams.ts"
import type { ScanOutcome, ScanOutput } from "./outcome.ts"

/** In the order of the output. */
const PICKLE = ["name", "offset", "byteLength", "protocol", "opcodeCount", "complete"] as const
const GLOBAL = [
  ...(["module", "name", "verdict", "pickle", "at", "fileOffset"] as const),
  ...(["opcode", "use", "usedBy", "count", "danger", "about"] as const),
] as const
const FINDING = ["severity", "code", "message", "within", "at", "nextStep"] as const

/** Collects one object, of the same shape for one file and for many. */
export function scanJson(stream: OutputStream): ScanOutput {
  const files: string[] = []
  const skipped: string[] = []
  return {
    // As text at once: the bound on what is written as JSON is meant for one checkpoint.
    tell: async (outcome) => {
      if (outcome.is === "skipped") skipped.push(jsonText({ file: outcome.file, reason: outcome.reason }))
      else files.push(jsonText(fileObject(outcome)))
    },
    end: async ({ verdict }) => {
      const head = jsonText({ verdict }).slice(0, -1)
      await printText(stream, `${head},"files":[${files.join(",")}],"skipped":[${skipped.join(",")}]}`)
    },
  }
}

function fileObject(outcome: Exclude<ScanOutcome, { is: "skipped" }>): object {
  const { file } = outcome
  if (outcome.is === "unread") return { file, error: outcome.error.toJSON() }
  const { verdict, format, byteLength, pickles, globals, findings } = outcome.report
  return {
    ...{ file, verdict, format, byteLength },
    pickles: pickles.map((pickle) => pick<ScannedPickle>(pickle, PICKLE)),
    globals: globals.map((global) => pick<ScannedGlobal>(global, GLOBAL)),
    findings: findings.map((finding) => pick<ScanFinding>(finding, FINDING)),
  }
}

function pick<Row>(row: Row, keys: readonly (keyof Row)[]): object {
  return Object.fromEntries(keys.map((key) => [key, row[key] ?? null]))
}
