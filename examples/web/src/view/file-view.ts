/** One file: what it is, or why it is refused. */

import { Cancelled, CheckpointClient, Refused } from "../checkpoint-client.ts"
import { button, element, fill, nextId } from "../dom.ts"
import { announce } from "../live-status.ts"
import { sayBytes, sayCounted } from "../model/quantities.ts"
import { visibleName } from "../model/visible-text.ts"
import type { OpenedFile, WrittenTensors } from "../worker/protocol.ts"
import { isRefusal } from "../worker/protocol.ts"
import { findingsView } from "./findings-view.ts"
import { globalsView } from "./globals-view.ts"
import { refusalTitle, refusalView } from "./refusal-view.ts"
import type { SaveState } from "./save-panel.ts"
import { SavePanel } from "./save-panel.ts"
import { headerView, nothingToConvert } from "./stored-view.ts"
import { summaryView } from "./summary-view.ts"
import { TensorDialog } from "./tensor-dialog.ts"
import { TensorTable } from "./tensor-table.ts"
import { TreemapView } from "./treemap-view.ts"

/** What a list of files says of one. */
export type FileState =
  | "waiting"
  | "opening"
  | "stored"
  | SaveState
  | { readonly kind: "refused"; readonly title: string }

export interface FileViewEvents {
  /** Its button was pressed, and its worker has been ended. */
  readonly onClose: (view: FileView) => void
  readonly onState: (view: FileView) => void
}

export class FileView {
  readonly file: File
  readonly root: HTMLElement
  state: FileState = "waiting"
  /** Undefined until it is open, and when it is refused. */
  opened: OpenedFile | undefined
  /** Undefined where there is nothing to save. */
  panel: SavePanel | undefined
  readonly #client = new CheckpointClient()
  readonly #events: FileViewEvents
  readonly #title: HTMLHeadingElement
  readonly #body = element("div", { class: "file-body" })

  constructor(file: File, events: FileViewEvents) {
    this.file = file
    this.#events = events
    const id = `file-${nextId()}`
    this.#title = element("h1", { id, class: "file-name", tabindex: -1 }, visibleName(file.name))
    const closing = button("Close", () => this.close(), {
      class: "quiet",
      "aria-label": `Close ${visibleName(file.name)}`,
    })
    const head = element("div", { class: "file-head" }, this.#title, closing)
    this.root = element("section", { class: "file", "aria-labelledby": id, hidden: true }, head, this.#body)
    fill(this.#body, element("p", { class: "opening" }, `Waiting, ${sayBytes(file.size)}…`))
  }

  /** Ends its worker. */
  close(): void {
    this.#client.close()
    this.#events.onClose(this)
  }

  /** Moves the focus to its name, from where its content is read. */
  focus(): void {
    this.#title.focus({ preventScroll: true })
  }

  /** Opens the file and shows it. Never rejects. */
  async open(): Promise<void> {
    this.#enter("opening")
    fill(this.#body, element("p", { class: "opening" }, `Opening, ${sayBytes(this.file.size)}…`))
    try {
      await this.#show(await this.#client.ask("open", { file: this.file }))
    } catch (error) {
      await this.#refuse(error)
    }
  }

  /** What saving it now would write. @throws Refused, Cancelled; Error where it cannot be saved. */
  async written(): Promise<WrittenTensors> {
    if (this.panel === undefined) throw new Error("it cannot be saved")
    return this.#client.ask("written", { selection: this.panel.selection })
  }

  #enter(state: FileState): void {
    this.state = state
    this.#events.onState(this)
  }

  /** Part by part, so that 200,000 tensors do not keep the page from answering. */
  async #show(opened: OpenedFile): Promise<void> {
    const { columns } = opened
    this.opened = opened
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
    if (opened.kind === "safetensors") {
      this.#enter("stored")
      return { head: nothingToConvert(opened), foot: headerView(opened) }
    }
    const globals = globalsView(this.#client.ask("scan", { file: this.file }))
    this.panel = new SavePanel(this.#client, this.file, opened, (state) => this.#enter(state))
    this.#events.onState(this)
    return { head: this.panel.root, foot: findingsView(opened, globals) }
  }

  async #refuse(error: unknown): Promise<void> {
    if (error instanceof Cancelled) return
    if (!(error instanceof Refused)) throw error
    // What is known of a file that is refused is known by a scan.
    const scanned = await this.#client.ask("scan", { file: this.file }).catch(() => undefined)
    fill(this.#body, refusalView(error.refusal, scanned))
    this.#enter({ kind: "refused", title: refusalTitle(error.refusal, scanned) })
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
