/** What `scan` prints for people: a line for a clean file, and for others what is wrong with them and where. */

import type { ScannedFormat, ScannedGlobal, ScanReport } from "../node/index.ts"
import { NEXT_AT_DANGER, NEXT_AT_UNKNOWN } from "../pickle/errors.ts"
import { safeMessage } from "../text/quote-text.ts"
import { nextStepOf } from "./advice-by-code.ts"
import { DetailLines } from "./detail-lines.ts"
import { sayBytes, sayCounted } from "./quantities.ts"
import { refusedLines } from "./refused-table.ts"
import type { ScanOutput, ScanTally } from "./scan-outcome.ts"
import { otherFindings, refusedGlobals, sayGlobal } from "./scan-wording.ts"
import { sayFew, shown } from "./shown-text.ts"
import type { OutputStream } from "./terminal.ts"
import { paint, printText } from "./terminal.ts"

/** Globals and findings that are listed before they are counted. All of them are in the JSON. */
const LISTED = 50

/** What refuses the file comes first. */
const SEVERITIES = ["error", "warning", "note"] as const

/** Names in a line. */
const NAMED = 4

/** Kinds of unknown globals that are told. */
const MOST_KINDS = 12

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
  const { clean, refused, notModels, unread, otherFiles, innerLinks, links, specialFiles, files } = tally
  const counts = [
    `${clean} clean`,
    `${refused} refused`,
    ...(notModels === 0 ? [] : [`${notModels} not a model`]),
    ...(unread === 0 ? [] : [`${unread} not read`]),
  ]
  const lines = files < 2 ? [] : [`${sayCounted(files, "file")}: ${counts.join(", ")}`]
  if (otherFiles > 0) {
    const only = files === 0 ? "no model in the folders: " : ""
    lines.push(`${only}${sayCounted(otherFiles, "other file")} left out, not a model (--json lists all)`)
  }
  if (innerLinks > 0)
    lines.push(`${sayCounted(innerLinks, "symbolic link")} to files that are scanned by themselves`)
  if (links.length > 0)
    lines.push(`not followed: ${sayCounted(links.length, "symbolic link")}: ${sayNames(links)}`)
  if (specialFiles.length > 0) {
    lines.push(
      `not read: ${sayCounted(specialFiles.length, "pipe, socket or device", "pipes, sockets or devices")}: ${sayNames(specialFiles)}`,
    )
  }
  if (clean + refused > 0) {
    lines.push(paint(stream, "dim", "Weights were not read: their checksums are not checked by a scan."))
  }
  return lines
}

function sayNames(files: readonly string[]): string {
  return sayFew(files.map(shown), NAMED)
}

/** What a verdict is called, and how it is painted. */
const VERDICTS = {
  clean: ["clean", "green"],
  refused: ["refused", "red"],
  "not-a-model": ["not a model", "dim"],
} as const

function fileLines(file: string, report: ScanReport, stream: OutputStream): string[] {
  const { verdict, format, byteLength, globals } = report
  const refused = refusedGlobals(report)
  const detail = new DetailLines(stream)
  if (refused.length > 0) describeRefused(refused, detail)
  if (verdict === "refused" && globals.length > refused.length) detail.add("allowed", sayAllowed(globals))
  describeFindings(report, detail)
  describePickles(report, detail)
  const [word, style] = VERDICTS[verdict]
  // Nothing bad is known of what it names, and nothing else is wrong with it.
  const isHarmless =
    refused.length > 0 &&
    refused.every((global) => global.verdict === "unknown") &&
    otherFindings(report).every(({ severity }) => severity !== "error")
  const amounts = [
    paint(stream, isHarmless ? "yellow" : style, word),
    ...(verdict === "not-a-model" ? [] : [FORMATS[format]]),
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
  const kinds = new Map<string, Set<string>>()
  for (const global of refused) {
    const { about } = global
    if (about !== undefined)
      kinds.set(about.what, (kinds.get(about.what) ?? new Set()).add(sayGlobal(global)))
  }
  for (const [what, names] of [...kinds].slice(0, MOST_KINDS))
    detail.add("what", `${sayFew([...names], NAMED)}: ${what}`)
  if (refused.some(({ danger }) => danger === undefined)) {
    detail.add(
      "why",
      `${isDangerous ? "the unknown ones are " : ""}not on the list of those that only rebuild tensors and plain data${isDangerous ? "" : "; none is known to be dangerous"}`,
    )
  }
  detail.add("next", isDangerous ? NEXT_AT_DANGER : NEXT_AT_UNKNOWN)
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
  for (const { severity, code, message, nextStep } of findings.slice(0, LISTED)) {
    const text = safeMessage(message)
    // A note is no reason to act, so its first line will do.
    const said = severity === "note" ? (text.split("\n", 1)[0] ?? "").replace(/:$/, "") : text
    detail.add(severity, `[${code}] ${said}`)
    const next = nextStepOf(code, nextStep)
    if (severity !== "note" && next !== undefined) detail.add("next", next)
  }
  const more = findings.length - LISTED
  if (more > 0) detail.add("note", `… and ${sayCounted(more, "more finding")} (--json lists all)`)
}
