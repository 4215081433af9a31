/** A message of the library: a sentence, and perhaps a list below it. */

import { element } from "../dom.ts"
import type { Refusal } from "../worker/protocol.ts"

const TRUSTED = "If you trust where the file comes from,"
const ANOTHER_NAME = "Give it another name, or leave it out, in the options."

/** What there is to do in this page, where the library's own advice is about its options. */
const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ["limit-exceeded", `${TRUSTED} convert it with the command line, where that limit can be raised.`],
  ["checksum", "The file is damaged: fetch it again, or ask for a new copy."],
  ["byte-order", "Convert it with the command line, where the byte order can be said."],
  ["tensor-unsupported", "Leave them out in the options, or convert them with torch first."],
  ["root-ambiguous", "Choose a state dict in the options."],
  ["root-not-found", "Choose a state dict in the options."],
  ["tensors-shared", "Choose another way for tied tensors in the options."],
  ["name-encoding", ANOTHER_NAME],
  ["name-reserved", ANOTHER_NAME],
  ["name-duplicate", ANOTHER_NAME],
])

/** What to do about it; undefined where nothing can be done. */
export function nextStepView({ code, nextStep }: Refusal): HTMLElement | undefined {
  const said = NEXT_STEPS.get(code) ?? nextStep
  return said === undefined ? undefined : element("p", { class: "next-step" }, said)
}

/** Keeps the lines, each of which is text. */
export function refusalText(message: string): HTMLElement {
  const [first = "", ...rows] = message.split("\n")
  const sentence = element("p", {}, capitalised(first))
  if (rows.length === 0) return sentence
  return element(
    "div",
    {},
    sentence,
    element("ul", { class: "rows" }, ...rows.map((row) => element("li", {}, row.trim()))),
  )
}

function capitalised(text: string): string {
  // A name of the file that begins the message stays as it is.
  return /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
}
