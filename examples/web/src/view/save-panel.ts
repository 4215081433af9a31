/** Saves the checkpoint as safetensors: what it will be, the button, how far it is, and what became of it. */

import type { CheckpointClient } from "../checkpoint-client.ts"
import { Refused } from "../checkpoint-client.ts"
import type { Child } from "../dom.ts"
import { button, element, fill } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayCount, sayCounted } from "../model/quantities.ts"
import type { SaveOutcome } from "../save-file.ts"
import { saveFile } from "../save-file.ts"
import { outputName, pickTarget } from "../save-target.ts"
import type { OpenedCheckpoint, Preview, Refusal, Selection, WorkProgress } from "../worker/protocol.ts"
import { isRefusal } from "../worker/protocol.ts"
import { outcomeView, sayOutcome } from "./outcome-view.ts"
import { nextStepView, refusalText } from "./refusal-text.ts"
import { rootChoice } from "./root-choice.ts"
import { sayReason, saySameNames } from "./root-words.ts"
import { SaveOptions, sayPath } from "./save-options.ts"
import { SavingView } from "./saving-view.ts"

/** State dicts with the same names that are offered. */
const SHOWN_TWINS = 3

/** Whether it can be saved, or is just being, or what became of it. */
export type SaveState = "undecided" | "ready" | WorkProgress | SaveOutcome

export class SavePanel {
  readonly root: HTMLElement
  readonly #client: CheckpointClient
  readonly #file: File
  readonly #onState: (state: SaveState) => void
  readonly #options: SaveOptions
  readonly #amount = element("p", { class: "amount", "aria-live": "polite" })
  readonly #twins = element("div", { class: "twins" })
  readonly #names = element("div", { class: "preview" })
  readonly #outcome = element("div", { class: "outcome" })
  readonly #save: HTMLButtonElement
  #asked = 0
  #canSave = false
  #isSaving = false

  constructor(
    client: CheckpointClient,
    file: File,
    opened: OpenedCheckpoint,
    onState: (state: SaveState) => void,
  ) {
    this.#client = client
    this.#file = file
    this.#onState = onState
    this.#options = new SaveOptions(opened, (selection) => void this.#preview(selection))
    this.#save = button(`Save ${outputName(file.name)}`, () => void this.#pressed(), { class: "primary" })
    const isUnclear = isRefusal(opened.preview) && opened.preview.candidates.length > 0
    this.root = element(
      "section",
      { class: "save card", "aria-label": "Save as safetensors" },
      element(
        "div",
        { class: "save-line" },
        element("div", {}, element("h2", {}, "Save as safetensors"), this.#amount),
        this.#save,
      ),
      isUnclear ? rootChoice(opened.candidates, (value) => this.#options.chooseRoot(value)) : undefined,
      this.#twins,
      this.#outcome,
      element(
        "details",
        // What else is in the way is fixed there.
        { open: isRefusal(opened.preview) && !isUnclear },
        element("summary", {}, "Options and preview"),
        this.#options.root,
        this.#names,
      ),
    )
    this.#show(opened.preview)
  }

  /** Whether there is nothing to decide first. */
  get canSave(): boolean {
    return this.#canSave && !this.#isSaving
  }

  get selection(): Selection {
    return this.#options.selection
  }

  async #preview(selection: Selection): Promise<void> {
    const asked = ++this.#asked
    try {
      const preview = await this.#client.ask("preview", { selection })
      if (asked === this.#asked) this.#show(preview)
    } catch (error) {
      if (asked === this.#asked && error instanceof Refused) this.#show(error.refusal)
    }
  }

  #show(preview: Preview | Refusal): void {
    this.#canSave = !isRefusal(preview)
    this.#save.disabled = !this.canSave
    if (!this.#isSaving) this.#onState(this.#canSave ? "ready" : "undecided")
    this.#amount.classList.toggle("warning", isRefusal(preview))
    if (isRefusal(preview)) {
      fill(this.#amount, headlineOf(preview))
      fill(this.#twins)
      const isSaid = !preview.message.includes("\n")
      // That there is something to choose has just been said.
      if (preview.code === "root-ambiguous") fill(this.#names)
      else fill(this.#names, isSaid ? undefined : refusalText(preview.message), nextStepView(preview))
      return
    }
    fill(this.#amount, sayAmount(preview))
    fill(this.#twins, ...this.#sayTwins(preview))
    fill(this.#names, ...sayNames(preview))
  }

  /** State dicts with the same names, each with a button that takes it where the list of choices has it. */
  #sayTwins({ sameNames }: Preview): readonly Child[] {
    return sameNames.slice(0, SHOWN_TWINS).map(({ path, match }) => {
      const value = this.#options.valueOf(path)
      const take =
        value === undefined
          ? undefined
          : button(`Take ${sayPath(path)}`, () => this.#options.chooseRoot(value))
      return element("p", { class: "muted" }, saySameNames(path, match), " ", take)
    })
  }

  async #pressed(): Promise<void> {
    const name = outputName(this.#file.name)
    const target = await pickTarget(name)
    if (target === "cancelled" || !this.canSave) return
    const stopping = new AbortController()
    const saving = this.save({ name, handle: target === "download" ? undefined : target }, stopping)
    this.#outcome.querySelector("button")?.focus()
    announce("Saving.")
    announce(sayOutcome(await saving))
    this.#save.focus()
  }

  /** Saves with the present choices. `stopping` ends it, and its button in the panel is pressed. Never rejects. */
  async save(
    target: { readonly name: string; readonly handle: FileSystemFileHandle | undefined },
    stopping: AbortController,
  ): Promise<SaveOutcome> {
    const view = new SavingView(() => stopping.abort())
    fill(this.#outcome, view.root)
    this.#isSaving = true
    this.#save.disabled = true
    const onProgress = (progress: WorkProgress): void => {
      view.show(progress)
      this.#onState(progress)
    }
    this.#onState({ done: 0, total: 1 })
    const request = { selection: this.selection, ...target }
    const outcome = await saveFile(this.#client, request, { signal: stopping.signal, onProgress })
    this.#isSaving = false
    this.#save.disabled = !this.canSave
    fill(this.#outcome, outcomeView(outcome))
    this.#onState(outcome)
    return outcome
  }
}

function headlineOf({ code, message }: Refusal): string {
  if (code === "root-ambiguous") return "Several places could be the state dict: choose one."
  return message.split("\n", 1).join("")
}

function sayAmount(preview: Preview): string {
  const { tensorCount, parameterCount, byteLength, aliasCount, outsideRoot, filteredCount, root } = preview
  const aliases = aliasCount === 0 ? "" : `, ${sayCounted(aliasCount, "alias name")} in the metadata`
  const left = outsideRoot + filteredCount
  const leftOut = left === 0 ? "" : ` ${sayCounted(left, "tensor")} left out.`
  const from = ` from ${sayPath(root)} (${sayReason(preview.rootReason)})`
  const amounts = `${sayCounted(tensorCount, "tensor")}${from}, ${sayCounted(parameterCount, "parameter")}, ${sayBytes(byteLength)}`
  return `${amounts}${aliases}.${leftOut}`
}

function sayNames({ names, tensorCount, renamed, renamedCount }: Preview): readonly Child[] {
  const rows = (texts: readonly string[], total: number, noun: string): HTMLElement => {
    const more = total > texts.length ? [`and ${sayCount(total - texts.length)} more ${noun}`] : []
    return element("ul", { class: "rows" }, ...[...texts, ...more].map((row) => element("li", {}, row)))
  }
  const parts: Child[] = []
  if (renamedCount > 0) {
    const changes = renamed.map(({ from, to }) => `${from} → ${to}`)
    const title = element("h3", {}, sayCounted(renamedCount, "new name"))
    parts.push(element("div", {}, title, rows(changes, renamedCount, "new names")))
  }
  parts.push(
    element("div", {}, element("h3", {}, "First names in the file"), rows(names, tensorCount, "tensors")),
  )
  return parts
}
