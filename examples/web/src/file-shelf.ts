/** The files that are open, of which one is shown, or all of them as a list. */

import { button, element, fill, required } from "./dom.ts"
import { announce } from "./live-status.ts"
import { isShardIndex } from "./model/shards.ts"
import { visibleName } from "./model/visible-text.ts"
import { FileView } from "./view/file-view.ts"
import { OverviewView } from "./view/overview-view.ts"

export class FileShelf {
  readonly #list = required(".file-list", HTMLElement)
  readonly #views = required(".views", HTMLElement)
  readonly #landing = required(".landing", HTMLElement)
  readonly #openMore = required("#open-more", HTMLButtonElement)
  readonly #overview = new OverviewView((view) => this.#show(view))
  #open: readonly FileView[] = []
  #leftAside: readonly string[] = []
  #shown: FileView | "all" | undefined
  #opening: Promise<void> = Promise.resolve()

  constructor() {
    this.#views.append(this.#overview.root)
  }

  /** Opens `files` one after another. Shows one, or the list of several. */
  add(files: readonly File[]): void {
    // Beside shards, their index says nothing that they do not.
    const indexes = files.length < 2 ? [] : files.filter(({ name }) => isShardIndex(name))
    const events = {
      onClose: (view: FileView) => this.#close(view),
      onState: (view: FileView) => this.#overview.refresh(view),
    }
    const added = files.filter((file) => !indexes.includes(file)).map((file) => new FileView(file, events))
    const [first] = added
    if (first === undefined) return
    this.#open = [...this.#open, ...added]
    this.#leftAside = [...this.#leftAside, ...indexes.map(({ name }) => name)]
    this.#views.append(...added.map(({ root }) => root))
    this.#show(added.length > 1 ? "all" : first)
    this.#opening = this.#opening.then(() => openInTurn(added))
  }

  #close(view: FileView): void {
    const index = this.#open.indexOf(view)
    this.#open = this.#open.filter((other) => other !== view)
    if (this.#open.length === 0) this.#leftAside = []
    view.root.remove()
    this.#show(this.#open[Math.min(index, this.#open.length - 1)])
    announce(`${view.file.name} is closed.`)
    if (this.#shown === undefined) required("#choose", HTMLButtonElement).focus()
  }

  #show(shown: FileView | "all" | undefined): void {
    this.#shown = shown
    for (const other of this.#open) other.root.hidden = other !== shown
    this.#overview.root.hidden = shown !== "all"
    this.#landing.hidden = shown !== undefined
    this.#openMore.hidden = shown === undefined
    this.#list.hidden = this.#open.length < 2
    const name = shown === undefined ? undefined : shown === "all" ? "All files" : shown.file.name
    document.title = name === undefined ? "tosafetensors" : `${visibleName(name)} · tosafetensors`
    this.#overview.show(this.#open, this.#leftAside)
    fill(
      this.#list,
      element("ul", {}, this.#entryOf("all"), ...this.#open.map((each) => this.#entryOf(each))),
    )
    this.#list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" })
    if (shown === "all") this.#overview.focus()
    else shown?.focus()
  }

  #entryOf(view: FileView | "all"): HTMLLIElement {
    const isShown = view === this.#shown
    const attributes = { "aria-current": isShown ? "true" : undefined }
    const name = view === "all" ? "All files" : view.file.name
    return element(
      "li",
      {},
      button(name, () => this.#show(view), attributes),
    )
  }
}

/** A large file does not compete with the others. One that was closed meanwhile is over at once. */
async function openInTurn(views: readonly FileView[]): Promise<void> {
  for (const view of views) await view.open()
}
