/** Asks which part of a checkpoint is the state dict, where the rule cannot tell. */

import { element, nextId } from "../dom.ts"
import { sayBytes, sayCounted } from "../model/quantities.ts"
import type { OpenedCheckpoint } from "../worker/protocol.ts"
import type { RootValue } from "./save-options.ts"
import { ALL, sayPath } from "./save-options.ts"

/** `onChoose` gets what the list of state dicts in the options calls it. */
export function rootChoice(
  candidates: OpenedCheckpoint["candidates"],
  onChoose: (value: RootValue) => void,
): HTMLElement {
  const name = `root-${nextId()}`
  const choice = (value: RootValue, title: string, said: string): HTMLElement => {
    const radio = element("input", { type: "radio", name, value })
    radio.addEventListener("change", () => onChoose(value))
    return element(
      "label",
      { class: "choice" },
      radio,
      element("span", { class: "choice-name" }, title),
      element("span", { class: "muted" }, said),
    )
  }
  return element(
    "fieldset",
    { class: "choices" },
    element("legend", {}, "Which of these is the state dict?"),
    ...candidates.map(({ path, tensorCount, byteLength }, index) =>
      choice(String(index), sayPath(path), `${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)}`),
    ),
    choice(ALL, "Everything in the file", "names begin with where they lie"),
  )
}
