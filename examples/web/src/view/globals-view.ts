/** Every global that the file's pickles name, with its verdict and where it is. */

import type { ScanFinding, ScannedGlobal, ScanReport } from "tosafetensors"
import { element, fill } from "../dom.ts"
import { sayCount, sayCounted } from "../model/quantities.ts"
import { visibleName } from "../model/visible-text.ts"

/** Rows that a table shows. A pickle may name a million. */
const LISTED = 200

const USES = { called: "called", instantiated: "built", mentioned: "only named" } as const

/** Filled when the scan has ended. */
export function globalsView(scanning: Promise<ScanReport>): HTMLElement {
  const root = element(
    "div",
    { class: "globals" },
    element("p", { class: "muted" }, "Looking at the pickles…"),
  )
  scanning.then(
    (report) => fill(root, ...sayReport(report)),
    (error: Error) => fill(root, element("p", { class: "muted" }, error.message)),
  )
  return root
}

function sayReport({ globals, pickles, findings }: ScanReport): readonly (HTMLElement | undefined)[] {
  const refused = globals.filter(({ verdict }) => verdict !== "allowed").length
  const verdict =
    refused === 0 ? "All of them are allowed." : `${sayCounted(refused, "global")} would be refused.`
  const sentence = `${sayCounted(pickles.length, "pickle")} with ${sayCounted(globals.length, "global")}. ${verdict}`
  return [
    element(
      "p",
      {},
      globals.length === 0 ? `${sayCounted(pickles.length, "pickle")} that name no globals.` : sentence,
    ),
    globals.length === 0 ? undefined : globalsList("Globals", globals),
    findings.length === 0 ? undefined : findingsList(findings),
  ]
}

/** A list with a title that says how many are missing, if any. */
export function globalsList(title: string, globals: readonly ScannedGlobal[]): HTMLElement {
  const left = globals.length - LISTED
  const said = left > 0 ? `${title} (the first ${LISTED} of ${sayCount(globals.length)})` : title
  const rows = globals.slice(0, LISTED).map(rowOf)
  return element("div", {}, element("h3", {}, said), element("ul", { class: "globals-list" }, ...rows))
}

function rowOf(found: ScannedGlobal): HTMLElement {
  const { module, name, verdict, danger, about, use, usedBy, pickle, at, fileOffset, count } = found
  const isUnknowable = module === "" && name === ""
  const said = isUnknowable ? "(a name that only Python could tell)" : visibleName(`${module}.${name}`)
  const times = count > 1 ? `, ${sayCount(count)} times` : ""
  const inFile = fileOffset === undefined ? "" : `, byte ${sayCount(fileOffset)} of the file`
  return element(
    "li",
    {},
    element("span", { class: `verdict ${verdict}` }, verdict),
    element(
      "div",
      {},
      element("code", { class: "global" }, said),
      danger === undefined
        ? undefined
        : element("p", { class: "muted" }, `It ${danger.reason} (${danger.source}).`),
      about === undefined ? undefined : element("p", { class: "muted" }, `It is ${about.what}.`),
    ),
    element(
      "div",
      { class: "muted" },
      element("p", {}, `${USES[use]}${usedBy === undefined ? "" : ` by ${usedBy.opcode}`}${times}`),
      element("p", {}, `${visibleName(pickle)} at ${sayCount(at)}${inFile}`),
    ),
  )
}

/** What else is odd about the file. */
export function findingsList(findings: readonly ScanFinding[]): HTMLElement {
  const rows = findings
    .slice(0, LISTED)
    .map(({ severity, message, nextStep }) =>
      element(
        "li",
        {},
        element("span", { class: `verdict ${severity}` }, severity),
        element("span", {}, ` ${inOneLine(message)}`),
        nextStep === undefined || severity === "note"
          ? undefined
          : element("span", { class: "muted" }, ` ${nextStep}`),
      ),
    )
  return element(
    "div",
    {},
    element("h3", {}, "What else was found"),
    element("ul", { class: "findings" }, ...rows),
  )
}

/** A list below a sentence goes on in the sentence. */
function inOneLine(message: string): string {
  return message.replace(/:\s*\n\s*/, ": ").replaceAll(/\s*\n\s*/g, "; ")
}
