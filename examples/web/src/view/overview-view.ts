/** All files that are open: what each of them is, what they are together, and a button that saves them all. */

import { button, element, fill } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayCount, sayCounted } from "../model/quantities.ts"
import { type AllSaved, saveAll } from "../save-all.ts"
import { pickFolder } from "../save-target.ts"
import { failureOf } from "../worker/file-failures.ts"
import { sayState } from "./file-state.ts"
import type { FileView } from "./file-view.ts"
import { shardsView } from "./shards-view.ts"

export class OverviewView {
  readonly root: HTMLElement
  readonly #onShow: (view: FileView) => void
  readonly #title = element("h1", { id: "overview-title", class: "file-name", tabindex: -1 })
  readonly #amount = element("p", { class: "together" })
  readonly #sets = element("div", { class: "shard-sets" })
  readonly #aside = element("p", { class: "muted" })
  readonly #list = element("ul", { class: "overview-list" })
  readonly #outcome = element("div", { class: "all-outcome" })
  readonly #save = button("", () => void this.#pressed(), { class: "primary" })
  readonly #rows = new Map<FileView, Row>()
  #isSaving = false

  constructor(onShow: (view: FileView) => void) {
    this.#onShow = onShow
    const card = element(
      "section",
      { class: "save-all card", "aria-label": "Save all" },
      element(
        "div",
        { class: "save-line" },
        element("div", {}, element("h2", {}, "Together"), this.#amount),
        this.#save,
      ),
      this.#outcome,
    )
    const body = element("div", { class: "file-body" }, this.#sets, card, this.#list, this.#aside)
    const head = element("div", { class: "file-head" }, this.#title)
    const attributes = { class: "overview", "aria-labelledby": "overview-title", hidden: true }
    this.root = element("section", attributes, head, body)
  }

  focus(): void {
    this.#title.focus({ preventScroll: true })
  }

  /** Shows these files, and the names of those that were left aside. */
  show(views: readonly FileView[], leftAside: readonly string[]): void {
    for (const view of this.#rows.keys()) if (!views.includes(view)) this.#rows.delete(view)
    for (const view of views) if (!this.#rows.has(view)) this.#rows.set(view, this.#rowOf(view))
    fill(this.#title, sayCounted(views.length, "file"))
    fill(this.#list, ...views.flatMap((view) => this.#rows.get(view)?.root ?? []))
    this.#aside.hidden = leftAside.length === 0
    fill(this.#aside, `Left aside: ${leftAside.join(", ")}. An index lists shards and holds no tensors.`)
    this.#sum()
  }

  /** Shows the state of a file that has changed. */
  refresh(view: FileView): void {
    const row = this.#rows.get(view)
    if (row === undefined) return
    const { text, tone } = sayState(view.state)
    fill(row.state, text)
    row.state.className = `state ${tone}`
    fill(row.size, saySize(view))
    // Progress says nothing of the whole.
    if (typeof view.state === "string" || !("done" in view.state)) this.#sum()
  }

  #rowOf(view: FileView): Row {
    const state = element("span", { class: "state" }, sayState(view.state).text)
    const size = element("span", { class: "muted" }, saySize(view))
    const opening = button(view.file.name, () => this.#onShow(view), { class: "quiet overview-name" })
    return { root: element("li", {}, opening, size, state), state, size }
  }

  #sum(): void {
    const views = [...this.#rows.keys()]
    const ready = views.filter(({ panel }) => panel?.canSave === true)
    const opened = views.flatMap((view) => view.opened ?? [])
    const tensors = opened.reduce((sum, { columns }) => sum + columns.names.length, 0)
    const bytes = views.reduce((sum, { file }) => sum + file.size, 0)
    const isOpening = views.some(({ state }) => state === "waiting" || state === "opening")
    const open = isOpening ? `, ${sayCount(opened.length)} of them open so far` : ""
    fill(
      this.#amount,
      `${sayCounted(tensors, "tensor")} in ${sayBytes(bytes)}${open}. ${sayReady(ready.length)}`,
    )
    fill(this.#save, ready.length < 2 ? "Save all" : `Save all ${ready.length}`)
    this.#save.disabled = ready.length === 0 || isOpening || this.#isSaving
    fill(this.#sets, ...shardsView(views))
    this.#sets.hidden = this.#sets.childElementCount === 0
  }

  async #pressed(): Promise<void> {
    const folder = await pickFolder()
    if (folder === "cancelled") return
    const views = [...this.#rows.keys()].filter(({ panel }) => panel?.canSave === true)
    const stopping = new AbortController()
    const text = element("p", { class: "progress-text" })
    const cancel = button("Cancel", () => stopping.abort())
    fill(this.#outcome, element("div", { class: "saving" }, text, cancel))
    this.#isSaving = true
    this.#save.disabled = true
    cancel.focus()
    const onFile = (number: number, { file }: FileView): void => {
      fill(text, `${number} of ${views.length}: ${file.name}`)
      announce(`Saving ${number} of ${views.length}, ${file.name}.`)
    }
    const said = await saveAll(views, folder, { stopping, onFile }).then(
      (all) => sayAll(all, views.length, stopping.signal.aborted),
      (error: unknown) => ({ text: `Not all were saved: ${failureOf(error).message}.`, isGood: false }),
    )
    this.#isSaving = false
    this.#sum()
    fill(this.#outcome, element("p", { class: `notice ${said.isGood ? "done" : "refused"}` }, said.text))
    announce(said.text)
    this.#save.focus()
  }
}

interface Row {
  readonly root: HTMLElement
  readonly state: HTMLElement
  readonly size: HTMLElement
}

function saySize({ file, opened }: FileView): string {
  const tensors = opened === undefined ? "" : `${sayCounted(opened.columns.names.length, "tensor")}, `
  return `${tensors}${sayBytes(file.size)}`
}

function sayReady(count: number): string {
  return count === 0
    ? "Nothing can be saved so far."
    : `${sayCounted(count, "file")} can be saved as safetensors.`
}

function sayAll(
  { saved, inTheWay, failed, indexes }: AllSaved,
  count: number,
  isCancelled: boolean,
): { readonly text: string; readonly isGood: boolean } {
  const index = indexes.length === 0 ? "" : ` Written beside them: ${indexes.join(", ")}.`
  const there = inTheWay.length === 0 ? "" : ` There already, and not replaced: ${inTheWay.join(", ")}.`
  const wrong = failed.length === 0 ? "" : ` Failed: ${failed.map(({ file }) => file.name).join(", ")}.`
  const cancelled = isCancelled ? " Then it was cancelled." : ""
  const text = `${saved.length} of ${sayCounted(count, "file")} ${saved.length === 1 ? "was" : "were"} saved.`
  return { text: `${text}${cancelled}${wrong}${there}${index}`, isGood: saved.length === count }
}
