/** What became of each file that a scan came across, and of all of them; and what is found in one, in words. */

import type {
  AnyCheckpointError,
  ScanFinding,
  ScannedGlobal,
  ScanReport,
  ScanVerdict,
} from "../../node/index.ts"
import { EXIT } from "../endings.ts"
import { shown } from "../terminal/words.ts"

/** What a report calls standard input. */
export const STANDARD_INPUT = "standard input"

/** Something in a folder that is not looked into. */
export class LeftOut {
  readonly reason: "symbolic-link" | "link-to-folder" | "broken-link" | "special-file"

  constructor(reason: LeftOut["reason"]) {
    this.reason = reason
  }
}

/** What was found in a file, why it could not be read, or why something in a folder was left out. */
export type ScanOutcome = { readonly file: string } & (
  | { readonly is: "scanned"; readonly isStandardInput: boolean; readonly report: ScanReport }
  | { readonly is: "unread"; readonly isStandardInput: boolean; readonly error: AnyCheckpointError }
  | { readonly is: "skipped"; readonly reason: "not-a-model" | LeftOut["reason"] }
)

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
    else if (outcome.is === "scanned") {
      const { verdict } = outcome.report
      if (verdict === "not-a-model") this.notModels++
      else this[verdict]++
    } else if (outcome.reason === "not-a-model") this.otherFiles++
    else if (outcome.reason === "symbolic-link") this.innerLinks++
    else if (outcome.reason === "special-file") this.specialFiles.push(outcome.file)
    else this.links.push(outcome.file)
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

/** `os.system`. Some names are put together by the pickle, and only running it would tell them. */
export function sayGlobal({ module, name }: Pick<ScannedGlobal, "module" | "name">): string {
  return module === "" && name === "" ? "(a name that only Python could tell)" : shown(`${module}.${name}`)
}

const VERBS = { called: "called", instantiated: "built", mentioned: "only named" } as const

/** `called by REDUCE at 42`. */
export function sayUse({ use, usedBy }: ScannedGlobal): string {
  return `${VERBS[use]}${usedBy === undefined ? "" : ` by ${usedBy.opcode} at ${usedBy.at}`}`
}

/** Those that refuse the file, dangerous ones first. */
export function refusedGlobals({ globals }: ScanReport): readonly ScannedGlobal[] {
  return globals.filter(({ verdict }) => verdict !== "allowed")
}

/** Findings but the one that the list of refused globals says better. */
export function otherFindings(report: ScanReport): readonly ScanFinding[] {
  const listed = refusedGlobals(report).length > 0
  return report.findings.filter(({ code }) => !listed || code !== "global-not-allowed")
}
