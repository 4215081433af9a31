/** Why a file is refused, in plain words, and every global that is the reason. */

import type { ScanReport } from "tosafetensors"
import { element } from "../dom.ts"
import { sayCounted } from "../model/quantities.ts"
import type { Refusal } from "../worker/protocol.ts"
import { findingsList, globalsList } from "./globals-view.ts"
import { nextStepView, refusalText } from "./refusal-text.ts"

/** What the codes that are no accusation mean. */
const TITLES: ReadonlyMap<string, string> = new Map([
  ["global-not-allowed", "This file holds objects that only its own code could rebuild"],
  ["not-a-checkpoint", "This is not a PyTorch checkpoint"],
  ["truncated", "This file is incomplete"],
  ["read-failed", "This file could not be read"],
  ["input-changed", "This file changed while it was read"],
  ["unsupported-layout", "This kind of checkpoint cannot be converted"],
  ["tensor-unsupported", "Some of its tensors cannot be converted"],
  ["limit-exceeded", "This file asks for more than is allowed"],
  ["safetensors-invalid", "This safetensors file breaks the rules of its format"],
  ["unexpected", "Something went wrong"],
])

const OTHERWISE = "This file is not what a checkpoint is"

/** The reason in a few words. */
export function refusalTitle(refusal: Refusal, scanned: ScanReport | undefined): string {
  return isDangerous(scanned) ? "This file wants to run code" : (TITLES.get(refusal.code) ?? OTHERWISE)
}

function isDangerous(scanned: ScanReport | undefined): boolean {
  return scanned?.globals.some(({ verdict }) => verdict === "dangerous") === true
}

/** Objects of some program that are not known, and not known to be dangerous. */
function accusesNobody(refusal: Refusal, scanned: ScanReport | undefined): boolean {
  return refusal.code === "global-not-allowed" && scanned !== undefined && !isDangerous(scanned)
}

export function refusalView(refusal: Refusal, scanned: ScanReport | undefined): HTMLElement {
  const refusedGlobals = scanned?.globals.filter(({ verdict }) => verdict !== "allowed") ?? []
  const title = refusalTitle(refusal, scanned)
  // The message of such a refusal is the list of them.
  const isListed = refusal.code === "safetensors-invalid"
  const findings = (isListed ? [] : scanned?.findings)?.filter(
    ({ code, message }) => code !== refusal.code && message !== refusal.message,
  )
  return element(
    "div",
    { class: "refusal" },
    element(
      "div",
      { class: accusesNobody(refusal, scanned) ? "notice unknown" : "notice refused" },
      element("h2", {}, title),
      ...saying(refusal, refusedGlobals.length),
    ),
    refusedGlobals.length === 0
      ? undefined
      : globalsList("What it names that is not allowed", refusedGlobals),
    findings === undefined || findings.length === 0 ? undefined : findingsList(findings),
  )
}

function saying(refusal: Refusal, globalCount: number): readonly (HTMLElement | undefined)[] {
  // The table below says better which globals there are.
  const isListed = refusal.code === "global-not-allowed" && globalCount > 0
  const message = isListed
    ? `Its pickle names ${sayCounted(globalCount, "global")} that may not be used.`
    : refusal.message
  return [
    refusalText(message),
    element("p", {}, "Nothing in the file was run, and nothing was written."),
    nextStepView(refusal),
    element("p", { class: "code" }, "Code ", element("code", {}, refusal.code)),
  ]
}
