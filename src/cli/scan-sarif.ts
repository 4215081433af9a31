/** What `scan --sarif` prints: a log of one run in SARIF 2.1.0, for code scanning. */

import { jsonText } from "./json-text.ts"
import type { SarifResult } from "./sarif-results.ts"
import { resultsOf } from "./sarif-results.ts"
import type { SarifRule } from "./sarif-rules.ts"
import { ruleOf, SCAN_RULES } from "./sarif-rules.ts"
import type { SarifArtifactLocation } from "./sarif-text.ts"
import { artifactLocation, BASE_ID, plainMessage, relativeLocation } from "./sarif-text.ts"
import type { ScanOutcome, ScanOutput, ScanTally, UnreadFile } from "./scan-outcome.ts"
import { STANDARD_INPUT } from "./scan-targets.ts"
import type { OutputStream } from "./terminal.ts"
import { printText } from "./terminal.ts"
import { VERSION } from "./version.ts"

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

/** The rule of files that could not be read. */
const UNREAD = {
  id: "file-unread",
  shortDescription: { text: "A file could not be read, so it was not scanned." },
  defaultConfiguration: { level: "error" },
}

/** Collects one log. Nothing in it depends on the machine or on the time. */
export function scanSarif(stream: OutputStream): ScanOutput {
  const run = new SarifRun()
  return {
    tell: (outcome) => run.add(outcome),
    end: (tally) => printText(stream, run.text(tally)),
  }
}

class SarifRun {
  readonly #rules = new Map<string, SarifRule>(SCAN_RULES.map((rule) => [rule.id, rule]))
  /** Artifacts and results as JSON: the bound on what is written as JSON is meant for one checkpoint. */
  readonly #artifacts: string[] = []
  readonly #results: string[] = []
  readonly #notifications: object[] = []

  async add(outcome: ScanOutcome): Promise<void> {
    if (outcome.is === "skipped") return
    const { isStandardInput, file } = outcome
    const location = isStandardInput ? relativeLocation(STANDARD_INPUT) : artifactLocation(file)
    if (outcome.is === "unread") {
      this.#notifications.push(notificationOf(outcome, location))
      return
    }
    const { report } = outcome
    const index = this.#artifacts.length
    this.#artifacts.push(jsonText({ location, length: report.byteLength, roles: ["analysisTarget"] }))
    const fingerprints = await Fingerprints.load()
    for (const result of resultsOf(report, { ...location, index })) {
      const { ruleId, level, message, locations } = result
      if (!this.#rules.has(ruleId)) this.#rules.set(ruleId, ruleOf(ruleId, level))
      const ruleIndex = [...this.#rules.keys()].indexOf(ruleId)
      const partialFingerprints = fingerprints.of(result)
      this.#results.push(jsonText({ ruleId, ruleIndex, level, message, locations, partialFingerprints }))
    }
  }

  text({ exitCode, unread }: ScanTally): string {
    const tool = {
      driver: {
        name: "tosafetensors",
        version: VERSION,
        semanticVersion: VERSION,
        rules: [...this.#rules.values()],
        notifications: [UNREAD],
      },
    }
    const invocation = {
      executionSuccessful: unread === 0,
      exitCode,
      toolExecutionNotifications: this.#notifications,
    }
    const base = { [BASE_ID]: { description: { text: "The folder that the scan was run in." } } }
    const head = jsonText({ tool, invocations: [invocation], originalUriBaseIds: base }).slice(0, -1)
    const run = `${head},"artifacts":[${this.#artifacts.join(",")}],"results":[${this.#results.join(",")}]}`
    return `${jsonText({ $schema: SCHEMA, version: "2.1.0" }).slice(0, -1)},"runs":[${run}]}`
  }
}

function notificationOf({ error }: UnreadFile, artifactLocation: SarifArtifactLocation): object {
  return {
    descriptor: { id: UNREAD.id, index: 0 },
    level: "error",
    message: plainMessage(error.message),
    locations: [{ physicalLocation: { artifactLocation } }],
  }
}

/** Tells the results of one file apart and apart from no others, run after run. */
class Fingerprints {
  readonly #digest: (text: string) => string
  readonly #seen = new Map<string, number>()

  private constructor(digest: (text: string) => string) {
    this.#digest = digest
  }

  static async load(): Promise<Fingerprints> {
    // Loading it takes longer than a scan, and nothing else needs it.
    const { createHash } = await import("node:crypto")
    return new Fingerprints((text) => createHash("sha256").update(text).digest("hex"))
  }

  /** By the name that GitHub looks for, though there are no lines: a hash, and which of several equal ones it is. */
  of({ identity }: SarifResult): object {
    const hash = this.#digest(JSON.stringify(identity))
    const ordinal = (this.#seen.get(hash) ?? 0) + 1
    this.#seen.set(hash, ordinal)
    return { primaryLocationLineHash: `${hash}:${ordinal}` }
  }
}
