/** What became of each file that a scan came across, and of all of them. */

import type { AnyCheckpointError, ScanReport, ScanVerdict } from "../node/index.ts"
import { EXIT } from "./exit-codes.ts"
import type { LeftOut } from "./scan-targets.ts"

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
  readonly reason: "not-a-model" | LeftOut["reason"]
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
  notModels = 0
  unread = 0
  /** Files in folders that are no models and are not named. */
  otherFiles = 0
  /** Links in folders whose files are scanned by themselves. */
  innerLinks = 0
  /** Links in folders that were not followed, by name. */
  readonly links: string[] = []
  /** Pipes, sockets and devices in folders, by name. */
  readonly specialFiles: string[] = []

  add(outcome: ScanOutcome): void {
    if (outcome.is === "unread") this.unread++
    else if (outcome.is === "scanned") this.#addVerdict(outcome.report.verdict)
    else if (outcome.reason === "not-a-model") this.otherFiles++
    else if (outcome.reason === "symbolic-link") this.innerLinks++
    else if (outcome.reason === "special-file") this.specialFiles.push(outcome.file)
    else this.links.push(outcome.file)
  }

  #addVerdict(verdict: ScanVerdict): void {
    if (verdict === "clean") this.clean++
    else if (verdict === "refused") this.refused++
    else this.notModels++
  }

  /** Files that were to be scanned. */
  get files(): number {
    return this.clean + this.refused + this.notModels + this.unread
  }

  /** Nothing is clean that was not read, and what is no model is not clean: it is nothing that could be. */
  get verdict(): ScanVerdict | "incomplete" {
    if (this.refused > 0) return "refused"
    if (this.unread > 0) return "incomplete"
    return this.clean > 0 ? "clean" : "not-a-model"
  }

  /** A file that is refused weighs more than one that could not be read. */
  get exitCode(): number {
    const codes = { clean: EXIT.done, "not-a-model": EXIT.done, refused: EXIT.refused, incomplete: EXIT.io }
    return codes[this.verdict]
  }
}
