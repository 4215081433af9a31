/** What became of a save. */

import { element } from "../dom.ts"
import { sayBytes, sayCounted } from "../model/quantities.ts"
import type { SaveOutcome } from "../save-file.ts"
import type { Remains } from "../save-target.ts"
import type { Saved } from "../worker/protocol.ts"
import { nextStepView, refusalText } from "./refusal-text.ts"

const REMAINS: Readonly<Record<Remains, string>> = {
  nothing: "Nothing was left behind.",
  "what-was-there": "The file that was there is as it was.",
  "empty-file": "An empty file of that name is left: the browser does not let the page remove it.",
}

/** In one sentence or two, also for those who hear it. */
export function sayOutcome(outcome: SaveOutcome): string {
  if (outcome.kind === "saved") return saySaved(outcome.saved, outcome.name)
  const remains = outcome.remains === "nothing" ? "" : ` ${REMAINS[outcome.remains]}`
  if (outcome.kind === "cancelled") return `Cancelled. Nothing was saved.${remains}`
  return `It was not saved: ${outcome.refusal.message}`
}

export function outcomeView(outcome: SaveOutcome): HTMLElement {
  if (outcome.kind === "cancelled") return element("p", { class: "notice" }, sayOutcome(outcome))
  if (outcome.kind === "failed") {
    const { refusal, remains } = outcome
    return element(
      "div",
      { class: "notice refused" },
      refusalText(sayOutcome(outcome)),
      element("p", {}, REMAINS[remains]),
      nextStepView(refusal),
    )
  }
  const warnings = outcome.saved.preview.warnings.map((warning) =>
    element("p", { class: "warning" }, `${warning}.`),
  )
  return element("div", { class: "notice done" }, element("p", {}, sayOutcome(outcome)), ...warnings)
}

function saySaved({ blob, preview, checksums }: Saved, name: string): string {
  const went = blob === undefined ? "Saved" : "Handed to the browser’s downloads:"
  const checked = checksums === "checked" ? " Every byte matches the archive’s checksums." : ""
  return `${went} ${name}, ${sayBytes(preview.byteLength)}, ${sayCounted(preview.tensorCount, "tensor")}.${checked}`
}
