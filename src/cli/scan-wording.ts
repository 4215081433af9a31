/** What globals and findings of a scan are called, wherever they are shown. */

import type { ScanFinding, ScannedGlobal, ScanReport } from "../node/index.ts"
import { shown } from "./shown-text.ts"

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
