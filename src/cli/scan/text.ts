/** What `scan` prints for people: a line for a clean file, and for others what is wrong with them and where. */

import { NEXT_AT_DANGER, NEXT_AT_UNKNOWN } from "../../node/for-command-line.ts"
import type { ScannedFormat, ScannedGlobal, ScanReport } from "../../node/index.ts"
import { safeMessage } from "../../node/texts-for-command-line.ts"
import { nextStepOf } from "../failure.ts"
import { lineWidth, type OutputStream, paint, printText } from "../terminal/streams.ts"
import { type Column, tableLines } from "../terminal/table.ts"
import { DetailLines, sayBytes, sayCounted, sayFew, shown } from "../terminal/words.ts"
import {
  otherFindings,
  refusedGlobals,
  type ScanOutput,
  type ScanTally,
  sayGlobal,
  sayUse,
} from "./outcome.ts"

/** Globals and findings that are listed before they are counted. All of them are in the JSON. */
const LISTED = 50

/** What refuses the file comes first. */
const SEVERITIES = ["error", "warning", "note"] as const

/** Names in a line. */
const NAMED = 4

/** Kinds of unknown globals that are told. */
const MAX_KINDS = 12

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
  const only = files === 0 ? "no model in the folders: " : ""
  const others = `${sayCounted(otherFiles, "other file")} left out, not a model (--json lists all)`
  if (otherFiles > 0) lines.push(only + others)
  const inner = sayCounted(innerLinks, "symbolic link")
  if (innerLinks > 0) lines.push(`${inner} to files that are scanned by themselves`)
  const linked = sayCounted(links.length, "symbolic link")
  if (links.length > 0) lines.push(`not followed: ${linked}: ${sayNames(links)}`)
  const special = sayCounted(specialFiles.length, "pipe, socket or device", "pipes, sockets or devices")
  if (specialFiles.length > 0) lines.push(`not read: ${special}: ${sayNames(specialFiles)}`)
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
  const allowed = new Set(globals.filter((global) => global.verdict === "allowed").map(sayGlobal))
  const count = sayCounted(allowed.size, "global")
  if (verdict === "refused" && allowed.size > 0)
    detail.add("allowed", `${count}: ${sayFew([...allowed], NAMED)}`)
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
    ...(verdict === "clean" && allowed.size > 0 ? [`${count} allowed`] : []),
  ]
  const headline = `${paint(stream, "bold", shown(file))}: ${amounts.join(", ")}`
  return [headline, ...refusedLines(refused, LISTED, stream), ...detail.lines]
}

function describeRefused(refused: readonly ScannedGlobal[], detail: DetailLines): void {
  const reasons = namesBy(refused, ({ danger }) =>
    danger === undefined ? undefined : `${danger.reason} (${danger.source})`,
  )
  for (const [reason, names] of reasons) detail.add("why", `${sayFew([...names], NAMED)}: ${reason}`)
  const kinds = namesBy(refused, ({ about }) => about?.what)
  for (const [what, names] of [...kinds].slice(0, MAX_KINDS))
    detail.add("what", `${sayFew([...names], NAMED)}: ${what}`)
  const isDangerous = reasons.size > 0
  if (refused.some(({ danger }) => danger === undefined)) {
    const known = "not on the list of those that only rebuild tensors and plain data"
    detail.add(
      "why",
      isDangerous ? `the unknown ones are ${known}` : `${known}; none is known to be dangerous`,
    )
  }
  detail.add("next", isDangerous ? NEXT_AT_DANGER : NEXT_AT_UNKNOWN)
}

/** Names of globals by what is said of them. */
function namesBy(
  globals: readonly ScannedGlobal[],
  sayOf: (global: ScannedGlobal) => string | undefined,
): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>()
  for (const global of globals) {
    const said = sayOf(global)
    if (said !== undefined) groups.set(said, (groups.get(said) ?? new Set()).add(sayGlobal(global)))
  }
  return groups
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
    const { severity, code, message } = finding
    const text = safeMessage(message)
    const next = nextStepOf(code, finding.nextStep)
    // A note is no reason to act, so its first line will do.
    const said = severity === "note" ? (text.split("\n", 1)[0] ?? "").replace(/:$/, "") : text
    detail.add(severity, `[${code}] ${said}`)
    if (severity !== "note" && next !== undefined) detail.add("next", next)
  }
  const more = findings.length - LISTED
  if (more > 0) detail.add("note", `… and ${sayCounted(more, "more finding")} (--json lists all)`)
}

const COLUMNS: readonly Column[] = [
  { title: "verdict", align: "left" },
  { title: "global", align: "left", elastic: true },
  { title: "used", align: "left" },
  { title: "pickle", align: "left", elastic: true },
  { title: "at", align: "right" },
]

const USES: readonly ScannedGlobal["use"][] = ["mentioned", "instantiated", "called"]

/** One global of all pickles. */
interface Group {
  /** The mention that is used most. */
  global: ScannedGlobal
  readonly pickles: Set<string>
}

/** A row for each of the first `most` globals, where it is first used as much as it is. */
function refusedLines(
  refused: readonly ScannedGlobal[],
  most: number,
  stream: OutputStream,
): readonly string[] {
  const groups = groupsOf(refused)
  if (groups.length === 0) return []
  const listed = groups.slice(0, most)
  const width = lineWidth(stream)
  const room = width === undefined ? undefined : width - 2
  const [titles = "", ...lines] = tableLines(COLUMNS, listed.map(rowOf), room)
  const rows = lines.map((line, index) => {
    const isDangerous = listed[index]?.global.verdict === "dangerous"
    const verdict = isDangerous ? "dangerous" : "unknown"
    return `  ${paint(stream, isDangerous ? "red" : "yellow", verdict)}${line.slice(verdict.length)}`
  })
  const more = groups.length - listed.length
  if (more > 0) rows.push(`  … and ${more} more (--json lists all)`)
  return [`  ${paint(stream, "dim", titles)}`, ...rows]
}

function groupsOf(globals: readonly ScannedGlobal[]): readonly Group[] {
  const groups = new Map<string, Group>()
  for (const global of globals) {
    const { module, name, pickle } = global
    const identity = `${module.length} ${module}${name}`
    const group = groups.get(identity)
    if (group === undefined) {
      groups.set(identity, { global, pickles: new Set([pickle]) })
      continue
    }
    group.pickles.add(pickle)
    if (USES.indexOf(global.use) > USES.indexOf(group.global.use)) group.global = global
  }
  return [...groups.values()]
}

function rowOf({ global, pickles }: Group): readonly string[] {
  const more = pickles.size === 1 ? "" : ` (+${pickles.size - 1})`
  const pickle = `${shown(global.pickle)}${more}`
  return [global.verdict, sayGlobal(global), sayUse(global), pickle, String(global.at)]
}
