/** What `scan` prints for people: a line for a clean file, and for others what is wrong with them and where. */

import type { ScannedFormat, ScannedGlobal, ScanReport } from "../node/index.ts"
import { DetailLines } from "./detail-lines.ts"
import { sayBytes, sayCounted } from "./quantities.ts"
import { refusedLines } from "./refused-table.ts"
import type { ScanOutput, ScanTally } from "./scan-outcome.ts"
import { otherFindings, refusedGlobals, sayFinding, sayGlobal } from "./scan-wording.ts"
import { sayFew, shown } from "./shown-text.ts"
import type { OutputStream } from "./terminal.ts"
import { paint, printText } from "./terminal.ts"

/** Globals and findings that are listed before they are counted. All of them are in the JSON. */
const LISTED = 50

/** What refuses the file comes first. */
const SEVERITIES = ["error", "warning", "note"] as const

/** Names in a line. */
const NAMED = 4

const FORMATS: Readonly<Record<ScannedFormat, string>> = {
  zip: "zip archive",
  legacy: "legacy checkpoint",
  torchscript: "TorchScript archive",
  "torch-export": "torch.export archive",
  tar: "tar archive",
  pickle: "bare pickle",
  safetensors: "safetensors",
  unknown: "unknown format",
}

/** What to do about globals that are refused. */
const DANGEROUS =
  "Do not load the file with Python: torch.load without weights_only, or pickle, may run what it names."
const UNKNOWN = "If you trust where the file comes from, load it with torch and save only its state_dict()."

/** Prints each file as it is done, and a summary of several; nothing when `quiet`. */
export function scanText(stream: OutputStream, quiet: boolean): ScanOutput {
  if (quiet) return { tell: async () => {}, end: async () => {} }
  let wasLong = false
  let isFirst = true
  return {
    tell: async (outcome) => {
      if (outcome.is !== "scanned") return
      const lines = fileLines(outcome.file, outcome.report, stream)
      const isLong = lines.length > 1
      // What has several lines stands apart.
      if (!isFirst && (isLong || wasLong)) lines.unshift("")
      await printText(stream, lines.join("\n"))
      isFirst = false
      wasLong = isLong
    },
    end: async (tally) => {
      const lines = summaryLines(tally, stream)
      if (lines.length === 0) return
      await printText(stream, [...(wasLong || tally.files > 1 ? [""] : []), ...lines].join("\n"))
    },
  }
}

function summaryLines(tally: ScanTally, stream: OutputStream): string[] {
  const { clean, refused, unread, otherFiles, symbolicLinks, files } = tally
  const counts = [`${clean} clean`, `${refused} refused`, ...(unread === 0 ? [] : [`${unread} not read`])]
  const lines = files === 1 ? [] : [`${sayCounted(files, "file")}: ${counts.join(", ")}`]
  if (otherFiles > 0)
    lines.push(`${sayCounted(otherFiles, "other file")} in the folders left out: no checkpoints`)
  if (symbolicLinks > 0)
    lines.push(`${sayCounted(symbolicLinks, "symbolic link")} in the folders not followed`)
  if (clean + refused > 0) {
    lines.push(paint(stream, "dim", "Weights were not read: their checksums are not checked by a scan."))
  }
  return lines
}

function fileLines(file: string, report: ScanReport, stream: OutputStream): string[] {
  const { verdict, format, byteLength, globals } = report
  const refused = refusedGlobals(report)
  const detail = new DetailLines(stream)
  if (refused.length > 0) describeRefused(refused, detail)
  if (verdict === "refused" && globals.length > refused.length) detail.add("allowed", sayAllowed(globals))
  describeFindings(report, detail)
  describePickles(report, detail)
  const amounts = [
    paint(stream, verdict === "clean" ? "green" : "red", verdict),
    FORMATS[format],
    sayBytes(byteLength),
    ...(verdict === "clean" && globals.length > 0 ? [`${sayAllowedCount(globals)} allowed`] : []),
  ]
  const headline = `${paint(stream, "bold", shown(file))}: ${amounts.join(", ")}`
  return [headline, ...refusedLines(refused, LISTED, stream), ...detail.lines]
}

function describeRefused(refused: readonly ScannedGlobal[], detail: DetailLines): void {
  const reasons = new Map<string, Set<string>>()
  for (const global of refused) {
    const { danger } = global
    if (danger === undefined) continue
    const reason = `${danger.reason} (${danger.source})`
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(sayGlobal(global)))
  }
  for (const [reason, names] of reasons) detail.add("why", `${sayFew([...names], NAMED)}: ${reason}`)
  const isDangerous = reasons.size > 0
  if (refused.some(({ danger }) => danger === undefined)) {
    detail.add(
      "why",
      `${isDangerous ? "the unknown ones are " : ""}not on the list of those that only rebuild tensors and plain data`,
    )
  }
  detail.add("next", isDangerous ? DANGEROUS : UNKNOWN)
}

function distinctAllowed(globals: readonly ScannedGlobal[]): readonly string[] {
  return [...new Set(globals.filter(({ verdict }) => verdict === "allowed").map(sayGlobal))]
}

function sayAllowedCount(globals: readonly ScannedGlobal[]): string {
  return sayCounted(distinctAllowed(globals).length, "global")
}

function sayAllowed(globals: readonly ScannedGlobal[]): string {
  return `${sayAllowedCount(globals)}: ${sayFew(distinctAllowed(globals), NAMED)}`
}

/** Says where a list of globals ends before its pickle does. */
function describePickles({ pickles }: ScanReport, detail: DetailLines): void {
  const broken = pickles.filter(({ complete }) => !complete)
  for (const { name, byteLength } of broken.slice(0, NAMED)) {
    const text = `it could not be read on at byte ${byteLength}, and what it names behind is not listed`
    detail.add("note", `${shown(name)}: ${text}`)
  }
  if (broken.length > NAMED) {
    detail.add("note", `… and ${sayCounted(broken.length - NAMED, "more pickle")} (--json lists all)`)
  }
}

function describeFindings(report: ScanReport, detail: DetailLines): void {
  const all = otherFindings(report)
  const findings = SEVERITIES.flatMap((wanted) => all.filter(({ severity }) => severity === wanted))
  for (const finding of findings.slice(0, LISTED)) {
    const { severity, code, nextStep } = finding
    const text = sayFinding(finding)
    // A note is no reason to act, so its first line will do.
    const said = severity === "note" ? (text.split("\n", 1)[0] ?? "").replace(/:$/, "") : text
    detail.add(severity, `[${code}] ${said}`)
    if (severity !== "note" && nextStep !== undefined) detail.add("next", nextStep)
  }
  const more = findings.length - LISTED
  if (more > 0) detail.add("note", `… and ${sayCounted(more, "more finding")} (--json lists all)`)
}
