/** Saves the checkpoint as safetensors: what it will be, the button, how far it is, and what became of it. */

import type { CheckpointClient } from "../checkpoint-client.ts"
import { Cancelled, Refused } from "../checkpoint-client.ts"
import type { Child } from "../dom.ts"
import { button, element, fill } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayCount, sayCounted } from "../model/quantities.ts"
import { download, outputName, pickTarget, removeEmpty } from "../save-target.ts"
import type {
  OpenedCheckpoint,
  Preview,
  Refusal,
  Saved,
  Selection,
  WorkProgress,
} from "../worker/protocol.ts"
import { isRefusal } from "../worker/protocol.ts"
import { nextStepView, refusalText } from "./refusal-text.ts"
import { SaveOptions, sayPath } from "./save-options.ts"

export function savePanel(client: CheckpointClient, file: File, opened: OpenedCheckpoint): HTMLElement {
  return new SavePanel(client, file, opened).root
}

class SavePanel {
  readonly root: HTMLElement
  readonly #client: CheckpointClient
  readonly #file: File
  readonly #options: SaveOptions
  readonly #amount = element("p", { class: "amount", "aria-live": "polite" })
  readonly #names = element("div", { class: "preview" })
  readonly #outcome = element("div", { class: "outcome" })
  readonly #save: HTMLButtonElement
  #asked = 0

  constructor(client: CheckpointClient, file: File, opened: OpenedCheckpoint) {
    this.#client = client
    this.#file = file
    this.#options = new SaveOptions(opened, (selection) => void this.#preview(selection))
    this.#save = button(`Save ${outputName(file.name)}`, () => void this.#run(), { class: "primary" })
    const hasToChoose = isRefusal(opened.preview)
    this.root = element(
      "section",
      { class: "save card", "aria-label": "Save as safetensors" },
      element(
        "div",
        { class: "save-line" },
        element("div", {}, element("h2", {}, "Save as safetensors"), this.#amount),
        this.#save,
      ),
      this.#outcome,
      element(
        "details",
        { open: hasToChoose },
        element("summary", {}, "Options and preview"),
        this.#options.root,
        this.#names,
      ),
    )
    this.#show(opened.preview)
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
    this.#save.disabled = isRefusal(preview)
    this.#amount.classList.toggle("warning", isRefusal(preview))
    if (isRefusal(preview)) {
      fill(this.#amount, headlineOf(preview))
      const isSaid = !preview.message.includes("\n")
      // That there is something to choose has just been said.
      if (preview.code === "root-ambiguous") fill(this.#names)
      else fill(this.#names, isSaid ? undefined : refusalText(preview.message), nextStepView(preview))
      return
    }
    fill(this.#amount, sayAmount(preview))
    fill(this.#names, ...sayNames(preview))
  }

  async #run(): Promise<void> {
    const name = outputName(this.#file.name)
    const { selection } = this.#options
    const target = await pickTarget(name)
    if (target === "cancelled") return
    const handle = target === "download" ? undefined : target
    const stopping = new AbortController()
    const onProgress = this.#showProgress(stopping)
    this.#save.disabled = true
    addEventListener("beforeunload", askBeforeLeaving)
    try {
      const saved = await this.#client.ask(
        "save",
        { file: this.#file, selection, handle },
        { signal: stopping.signal, onProgress },
      )
      if (saved.blob !== undefined) download(saved.blob, name)
      this.#showSaved(saved, handle?.name ?? name)
    } catch (error) {
      if (handle !== undefined) await removeEmpty(handle)
      this.#showFailure(error)
    } finally {
      this.#save.disabled = false
      removeEventListener("beforeunload", askBeforeLeaving)
    }
  }

  #showProgress(stopping: AbortController): (progress: WorkProgress) => void {
    const bar = element("progress", { "aria-label": "Saving", max: 1, value: 0 })
    const text = element("p", { class: "progress-text" }, "Starting…")
    const cancel = button("Cancel", () => stopping.abort())
    fill(this.#outcome, element("div", { class: "saving" }, bar, text, cancel))
    cancel.focus()
    announce("Saving.")
    let quarter = 0
    return ({ done, total }) => {
      if (done >= total) {
        // Not known how long: as much is read as the checksums cover.
        bar.removeAttribute("value")
        fill(text, "Checking the bytes…")
        return
      }
      bar.value = done / total
      fill(text, `${sayBytes(done)} of ${sayBytes(total)}`)
      const reached = Math.floor((4 * done) / total)
      if (reached > quarter) announce(`${25 * reached} percent.`)
      quarter = reached
    }
  }

  #showSaved({ blob, preview, checksums }: Saved, name: string): void {
    const went = blob === undefined ? "Saved" : "Handed to the browser’s downloads:"
    const checked = checksums === "checked" ? " Every byte matches the archive’s checksums." : ""
    const said = `${went} ${name}, ${sayBytes(preview.byteLength)}, ${sayCounted(preview.tensorCount, "tensor")}.${checked}`
    const warnings = preview.warnings.map((warning) => element("p", { class: "warning" }, `${warning}.`))
    fill(this.#outcome, element("div", { class: "notice done" }, element("p", {}, said), ...warnings))
    announce(said)
    this.#save.disabled = false
    this.#save.focus()
  }

  #showFailure(error: unknown): void {
    if (error instanceof Cancelled) {
      fill(this.#outcome, element("p", { class: "notice" }, "Cancelled. Nothing was saved."))
      announce("Cancelled. Nothing was saved.")
    } else {
      const refusal = error instanceof Refused ? error.refusal : undefined
      const message = refusal?.message ?? String(error)
      const next = refusal === undefined ? undefined : nextStepView(refusal)
      const notice = element(
        "div",
        { class: "notice refused" },
        refusalText(`It was not saved: ${message}`),
        next,
      )
      fill(this.#outcome, notice)
      announce(`It was not saved: ${message}`)
    }
    this.#save.disabled = false
    this.#save.focus()
  }
}

/** What is half saved would be lost. */
function askBeforeLeaving(event: Event): void {
  event.preventDefault()
}

function headlineOf({ code, message }: Refusal): string {
  if (code === "root-ambiguous") return "Several places could be the state dict: choose one below."
  return message.split("\n", 1).join("")
}

function sayAmount(preview: Preview): string {
  const { tensorCount, parameterCount, byteLength, aliasCount, outsideRoot, filteredCount, root } = preview
  const aliases = aliasCount === 0 ? "" : `, ${sayCounted(aliasCount, "alias name")} in the metadata`
  const left = outsideRoot + filteredCount
  const leftOut = left === 0 ? "" : ` ${sayCounted(left, "tensor")} left out.`
  const from = root.length === 0 ? "" : ` from ${sayPath(root)}`
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
