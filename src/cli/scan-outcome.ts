/** What became of each file that a scan came across, and of all of them. */

import type { AnyCheckpointError, ScanReport } from "../node/index.ts"
import { EXIT } from "./exit-codes.ts"

/** A file that was scanned. */
export interface ScannedFile {
  readonly is: "scanned"
  readonly file: string
  readonly isStandardInput: boolean
  readonly report: ScanReport
}

/** A file that could not be read. */
export interface UnreadFile {
  readonly is: "unread"
  readonly file: string
  readonly isStandardInput: boolean
  readonly error: AnyCheckpointError
}

/** Something in a folder that was left out. */
export interface SkippedFile {
  readonly is: "skipped"
  readonly file: string
  readonly reason: "not-a-checkpoint" | "symbolic-link"
}

export type ScanOutcome = ScannedFile | UnreadFile | SkippedFile

/** How a scan prints what it finds: for people, as JSON, as SARIF, or not at all. */
export interface ScanOutput {
  /** Called for each file when it is done. */
  readonly tell: (outcome: ScanOutcome) => Promise<void>
  /** Called once, after the last file. */
  readonly end: (tally: ScanTally) => Promise<void>
}

/** Counts outcomes. */
export class ScanTally {
  clean = 0
  refused = 0
  unread = 0
  otherFiles = 0
  symbolicLinks = 0

  add(outcome: ScanOutcome): void {
    if (outcome.is === "unread") this.unread++
    else if (outcome.is === "scanned") this[outcome.report.verdict]++
    else if (outcome.reason === "symbolic-link") this.symbolicLinks++
    else this.otherFiles++
  }

  /** Files that were to be scanned. */
  get files(): number {
    return this.clean + this.refused + this.unread
  }

  /** Nothing is clean that was not read. */
  get verdict(): "clean" | "refused" | "incomplete" {
    if (this.refused > 0) return "refused"
    return this.unread > 0 ? "incomplete" : "clean"
  }

  /** A file that is refused weighs more than one that could not be read. */
  get exitCode(): number {
    return { clean: EXIT.done, refused: EXIT.refused, incomplete: EXIT.io }[this.verdict]
  }
}
