/** One file: what it is, or why it is refused. */

import { Cancelled, CheckpointClient, Refused } from "../checkpoint-client.ts"
import { button, element, fill, nextId } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayCounted } from "../model/quantities.ts"
import type { OpenedFile } from "../worker/protocol.ts"
import { isRefusal } from "../worker/protocol.ts"
import { findingsView } from "./findings-view.ts"
import { globalsView } from "./globals-view.ts"
import { refusalView } from "./refusal-view.ts"
import { savePanel } from "./save-panel.ts"
import { headerView, nothingToConvert } from "./stored-view.ts"
import { summaryView } from "./summary-view.ts"
import { TensorDialog } from "./tensor-dialog.ts"
import { TensorTable } from "./tensor-table.ts"
import { TreemapView } from "./treemap-view.ts"

export class FileView {
  readonly file: File
  readonly root: HTMLElement
  readonly #client = new CheckpointClient()
  readonly #title: HTMLHeadingElement
  readonly #body = element("div", { class: "file-body" })

  /** `onClose` is called when its button is pressed, after its worker has been ended. */
  constructor(file: File, onClose: (view: FileView) => void) {
    this.file = file
    const id = `file-${nextId()}`
    this.#title = element("h1", { id, class: "file-name", tabindex: -1 }, file.name)
    const close = (): void => {
      this.#client.close()
      onClose(this)
    }
    const closing = button("Close", close, { class: "quiet", "aria-label": `Close ${file.name}` })
    const head = element("div", { class: "file-head" }, this.#title, closing)
    this.root = element("section", { class: "file", "aria-labelledby": id, hidden: true }, head, this.#body)
    fill(this.#body, element("p", { class: "opening" }, `Opening, ${sayBytes(file.size)}…`))
  }

  /** Moves the focus to its name, from where its content is read. */
  focus(): void {
    this.#title.focus({ preventScroll: true })
  }

  /** Opens the file and shows it. Never rejects. */
  async open(): Promise<void> {
    try {
      await this.#show(await this.#client.ask("open", { file: this.file }))
    } catch (error) {
      await this.#refuse(error)
    }
  }

  /** Part by part, so that 200,000 tensors do not keep the page from answering. */
  async #show(opened: OpenedFile): Promise<void> {
    const { columns } = opened
    const dialog = new TensorDialog(this.#client, columns)
    const inspect = (row: number): void => dialog.show(row)
    const { head, foot } = this.#aroundTensors(opened)
    fill(this.#body, summaryView(opened), head)
    const parts: readonly (() => HTMLElement)[] = [
      () => new TreemapView(columns, rootOf(opened), inspect).root,
      () => new TensorTable(columns, inspect).root,
      () => foot,
      () => dialog.root,
    ]
    for (const part of columns.names.length === 0 ? parts.slice(2) : parts) {
      await nextTask()
      this.#body.append(part())
    }
    announce(`${this.file.name} is open: ${sayCounted(columns.names.length, "tensor")}.`)
  }

  #aroundTensors(opened: OpenedFile): { readonly head: HTMLElement; readonly foot: HTMLElement } {
    if (opened.kind === "safetensors") return { head: nothingToConvert(opened), foot: headerView(opened) }
    const globals = globalsView(this.#client.ask("scan", { file: this.file }))
    const panel = savePanel(this.#client, this.file, opened)
    return { head: panel, foot: findingsView(opened, globals) }
  }

  async #refuse(error: unknown): Promise<void> {
    if (error instanceof Cancelled) return
    if (!(error instanceof Refused)) throw error
    // What is known of a file that is refused is known by a scan.
    const scanned = await this.#client.ask("scan", { file: this.file }).catch(() => undefined)
    fill(this.#body, refusalView(error.refusal, scanned))
    announce(`${this.file.name} is refused.`)
  }
}

/** Lets the page draw and answer first. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

/** Where the state dict was found. */
function rootOf(opened: OpenedFile): readonly string[] {
  return opened.kind === "safetensors" || isRefusal(opened.preview) ? [] : opened.preview.root
}
