/** The form of what can be chosen before saving. */

import type { Child } from "../dom.ts"
import { element, nextId } from "../dom.ts"
import { sayBytes, sayCounted } from "../model/quantities.ts"
import type { OpenedCheckpoint, Selection } from "../worker/protocol.ts"
import { isRefusal } from "../worker/protocol.ts"

/** After the last key, before the preview is made. Milliseconds. */
const CHANGE_DELAY = 250

/** The rule, everything, and then the candidates by their place. */
const BY_RULE = "rule"
export const ALL = "all"

/** The place of a candidate in its list, or one of the two above. */
export type RootValue = string

const SHARING: readonly (readonly [value: Selection["shared"], text: string])[] = [
  ["alias", "Keep one name, record the others"],
  ["copy", "Give each name its own bytes"],
  ["error", "Refuse to save"],
]

export class SaveOptions {
  readonly root: HTMLElement
  readonly #candidates: OpenedCheckpoint["candidates"]
  readonly #rootSelect: HTMLSelectElement
  readonly #sharedSelect: HTMLSelectElement
  readonly #include = element("input", {
    type: "text",
    placeholder: "*",
    autocomplete: "off",
    spellcheck: "false",
  })
  readonly #exclude = element("input", {
    type: "text",
    placeholder: "*.num_batches_tracked",
    autocomplete: "off",
    spellcheck: "false",
  })
  readonly #rename = element("textarea", { rows: 2, placeholder: "^module\\. -> ", spellcheck: "false" })
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor({ candidates, preview }: OpenedCheckpoint, onChange: (selection: Selection) => void) {
    this.#candidates = candidates
    const found = isRefusal(preview) ? "Choose one" : `Found by rule: ${sayPath(preview.root)}`
    this.#rootSelect = select([
      [BY_RULE, found],
      [ALL, "Everything in the file"],
      ...candidates.map(({ path, tensorCount, byteLength }, index): readonly [string, string] => [
        String(index),
        `${sayPath(path)} (${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)})`,
      ]),
    ])
    this.#sharedSelect = select(SHARING)
    this.root = element(
      "div",
      { class: "options" },
      ...field("State dict", this.#rootSelect, "Where in the checkpoint the tensors are taken from."),
      ...field("Tied tensors", this.#sharedSelect, "What to do where several names stand for one tensor."),
      ...field("Only", this.#include, "Names to save; * stands for anything. Several with spaces between."),
      ...field("Leave out", this.#exclude, "Names not to save, in the same way."),
      ...field("New names", this.#rename, "One rule a line: regular expression -> replacement."),
    )
    this.root.addEventListener("input", () => {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => onChange(this.selection), CHANGE_DELAY)
    })
  }

  /** What the list calls a path; undefined where it is not in it. */
  valueOf(path: readonly string[]): RootValue | undefined {
    const wanted = JSON.stringify(path)
    const at = this.#candidates.findIndex((candidate) => JSON.stringify(candidate.path) === wanted)
    return at < 0 ? undefined : String(at)
  }

  /** As if it had been chosen in the list. */
  chooseRoot(value: RootValue): void {
    this.#rootSelect.value = value
    this.#rootSelect.dispatchEvent(new Event("input", { bubbles: true }))
  }

  /** What is chosen now. */
  get selection(): Selection {
    const { value } = this.#rootSelect
    const root = value === BY_RULE ? undefined : value === ALL ? ALL : this.#candidates[Number(value)]?.path
    return {
      root,
      shared: SHARING.find(([shared]) => shared === this.#sharedSelect.value)?.[0] ?? "alias",
      include: this.#include.value,
      exclude: this.#exclude.value,
      rename: this.#rename.value,
    }
  }
}

function select(choices: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  return element("select", {}, ...choices.map(([value, text]) => element("option", { value }, text)))
}

function field(title: string, control: HTMLElement, hint: string): readonly Child[] {
  const id = nextId()
  control.id = `field-${id}`
  control.setAttribute("aria-describedby", `hint-${id}`)
  return [
    element(
      "div",
      { class: "field" },
      element("label", { for: control.id }, title),
      control,
      element("p", { class: "hint", id: `hint-${id}` }, hint),
    ),
  ]
}

/** `model.state_dict`, or what stands for no keys at all. */
export function sayPath(path: readonly string[]): string {
  return path.length === 0 ? "the top of the file" : path.join(".")
}
