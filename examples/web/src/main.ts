/** Puts the page together: files come in by a button, a drop or a paste, and each gets a view of its own. */

import "./style/base.css"
import "./style/landing.css"
import "./style/file.css"
import "./style/map.css"
import "./style/table.css"
import "./style/save.css"
import "./style/tensor.css"
import { required } from "./dom.ts"
import { exampleFile } from "./example.ts"
import { FileShelf } from "./file-shelf.ts"
import { allowOwnWorkers } from "./trusted-types.ts"

allowOwnWorkers()

const shelf = new FileShelf()
const picker = required("#picker", HTMLInputElement)

const pick = (): void => picker.click()
required("#choose", HTMLButtonElement).addEventListener("click", pick)
required("#open-more", HTMLButtonElement).addEventListener("click", pick)
required("#example", HTMLButtonElement).addEventListener("click", () => shelf.add([exampleFile()]))

picker.addEventListener("change", () => {
  shelf.add([...(picker.files ?? [])])
  // The same file may be picked again.
  picker.value = ""
})

let dragDepth = 0
const showDragging = (depth: number): void => {
  dragDepth = Math.max(0, depth)
  document.body.classList.toggle("dragging", dragDepth > 0)
}
const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true

document.addEventListener("dragenter", (event) => holdsFiles(event) && showDragging(dragDepth + 1))
document.addEventListener("dragleave", (event) => holdsFiles(event) && showDragging(dragDepth - 1))
document.addEventListener("dragover", (event) => event.preventDefault())
document.addEventListener("drop", (event) => {
  event.preventDefault()
  showDragging(0)
  shelf.add([...(event.dataTransfer?.files ?? [])])
})
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])]
  if (files.length === 0) return
  event.preventDefault()
  shelf.add(files)
})
