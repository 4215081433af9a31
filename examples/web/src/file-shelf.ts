/** The files that are open, of which one is shown. */

import { button, element, fill, required } from "./dom.ts"
import { visibleText } from "./model/visible-text.ts"
import { FileView } from "./view/file-view.ts"

export class FileShelf {
  readonly #list = required(".file-list", HTMLElement)
  readonly #views = required(".views", HTMLElement)
  readonly #landing = required(".landing", HTMLElement)
  readonly #openMore = required("#open-more", HTMLButtonElement)
  #open: readonly FileView[] = []
  #shown: FileView | undefined

  /** Opens `files` one after another, and shows the first of them. */
  add(files: readonly File[]): void {
    const added = files.map((file) => new FileView(file, (view) => this.#close(view)))
    const [first] = added
    if (first === undefined) return
    this.#open = [...this.#open, ...added]
    this.#views.append(...added.map(({ root }) => root))
    this.#show(first)
    void openInTurn(added)
  }

  #close(view: FileView): void {
    const index = this.#open.indexOf(view)
    this.#open = this.#open.filter((other) => other !== view)
    view.root.remove()
    this.#show(this.#open[Math.min(index, this.#open.length - 1)])
    if (this.#shown === undefined) required("#choose", HTMLButtonElement).focus()
  }

  #show(view: FileView | undefined): void {
    this.#shown = view
    for (const other of this.#open) other.root.hidden = other !== view
    this.#landing.hidden = view !== undefined
    this.#openMore.hidden = view === undefined
    this.#list.hidden = this.#open.length < 2
    document.title = view === undefined ? "tosafetensors" : `${visibleText(view.file.name)} · tosafetensors`
    fill(this.#list, element("ul", {}, ...this.#open.map((each) => this.#entryOf(each))))
    view?.focus()
  }

  #entryOf(view: FileView): HTMLLIElement {
    const isShown = view === this.#shown
    const attributes = { "aria-current": isShown ? "true" : undefined }
    return element(
      "li",
      {},
      button(view.file.name, () => this.#show(view), attributes),
    )
  }
}

/** A large file does not compete with the others. */
async function openInTurn(views: readonly FileView[]): Promise<void> {
  for (const view of views) await view.open()
}
