/** Gathers what is wrong with a header. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { type HeaderFinding, SAFETENSORS_INVALID } from "./errors.ts"
import { type HeaderRule, WARNINGS } from "./header-rules.ts"

/**
 * Findings of one severity that are listed; the rest is counted. A header of 100 MB has room for 20 million broken
 * entries, whose findings would take gigabytes.
 */
const LISTED = 100_000

/** The findings so far. */
export class HeaderReport {
  readonly #listed: HeaderFinding[] = []
  readonly #counts = { error: 0, warning: 0 }

  /** Adds a finding at the byte offset `at` of the file, about `tensor` where it concerns one. */
  add(rule: HeaderRule, problem: string, at: number, tensor?: string): void {
    const severity = WARNINGS.has(rule) ? "warning" : "error"
    if (this.#counts[severity]++ >= LISTED) return
    this.#listed.push({ rule, severity, ...(tensor === undefined ? {} : { tensor }), at, problem })
  }

  /** Adds a finding after which nothing more can be read, and returns what to throw. */
  stop(rule: HeaderRule, problem: string, at: number): Error {
    this.add(rule, problem, at)
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

  error(): Error {
    return new CheckpointError(SAFETENSORS_INVALID, { findings: this.findings })
  }
}
