/** What `scan --json` prints: the reports as they are, with null where the library has undefined. */

import type { ScanFinding, ScannedGlobal, ScannedPickle, ScanReport } from "../node/index.ts"
import { jsonText } from "./json-text.ts"
import type { ScanOutcome, ScanOutput, ScanTally } from "./scan-outcome.ts"
import type { OutputStream } from "./terminal.ts"
import { printText } from "./terminal.ts"

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
    end: async ({ verdict }: ScanTally) => {
      const head = jsonText({ verdict }).slice(0, -1)
      await printText(stream, `${head},"files":[${files.join(",")}],"skipped":[${skipped.join(",")}]}`)
    },
  }
}

function fileObject(outcome: Exclude<ScanOutcome, { is: "skipped" }>): object {
  const { file } = outcome
  return outcome.is === "scanned"
    ? { file, ...reportObject(outcome.report) }
    : { file, error: outcome.error.toJSON() }
}

function reportObject({ verdict, format, byteLength, pickles, globals, findings }: ScanReport): object {
  return {
    verdict,
    format,
    byteLength,
    pickles: pickles.map(pickleObject),
    globals: globals.map(globalObject),
    findings: findings.map(findingObject),
  }
}

function pickleObject({ name, offset, byteLength, protocol, opcodeCount, complete }: ScannedPickle): object {
  return { name, offset: offset ?? null, byteLength, protocol: protocol ?? null, opcodeCount, complete }
}

function globalObject(global: ScannedGlobal): object {
  const { module, name, verdict, pickle, at, fileOffset, opcode, use, usedBy, count, danger, about } = global
  return {
    module,
    name,
    verdict,
    pickle,
    at,
    fileOffset: fileOffset ?? null,
    opcode,
    use,
    usedBy: usedBy ?? null,
    count,
    danger: danger ?? null,
    about: about ?? null,
  }
}

function findingObject({ severity, code, message, within, at, nextStep }: ScanFinding): object {
  return { severity, code, message, within: within ?? null, at: at ?? null, nextStep: nextStep ?? null }
}
