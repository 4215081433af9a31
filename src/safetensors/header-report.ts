/** Gathers what is wrong with a header. */

import type { HeaderFinding } from "../error-details.ts"
import { CheckpointError } from "../errors.ts"
import { type HeaderRule, WARNINGS } from "./header-rules.ts"

/**
 * Findings of one severity that are listed; the rest is counted. A header of 100 MB has room for 20 million broken
 * entries, whose findings would take gigabytes.
 */
const LISTED = 100_000

/** Where a finding lies. */
export interface FindingPlace {
  readonly tensor?: string
  /** Byte offset in the file. */
  readonly at?: number
}

/** The findings so far. */
export class HeaderReport {
  readonly #listed: HeaderFinding[] = []
  readonly #counts = { error: 0, warning: 0 }

  add(rule: HeaderRule, problem: string, place: FindingPlace = {}): void {
    const severity = WARNINGS.has(rule) ? "warning" : "error"
    if (this.#counts[severity]++ < LISTED) this.#listed.push({ rule, severity, ...place, problem })
  }

  /** Adds a finding after which nothing more can be read, and returns what to throw. */
  stop(rule: HeaderRule, problem: string, place: FindingPlace = {}): CheckpointError<"safetensors-invalid"> {
    this.add(rule, problem, place)
    return this.error()
  }

  /** True while there is no error. */
  get valid(): boolean {
    return this.#counts.error === 0
  }

  /** Everything found, in the order of the header; rules about the layout of the data come last. */
  get findings(): readonly HeaderFinding[] {
    const unlisted = this.#counts.error + this.#counts.warning - this.#listed.length
    if (unlisted === 0) return this.#listed
    const problem = `${unlisted} more findings are not listed`
    return [...this.#listed, { rule: "findings-cut", severity: "warning", problem }]
  }

  error(): CheckpointError<"safetensors-invalid"> {
    return new CheckpointError("safetensors-invalid", { findings: this.findings })
  }
}
