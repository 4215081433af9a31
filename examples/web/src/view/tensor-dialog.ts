/** One tensor: what the checkpoint says of it, and what its elements are. */

import type { SupportedTensorInfo } from "tosafetensors"
import type { CheckpointClient } from "../checkpoint-client.ts"
import { Cancelled } from "../checkpoint-client.ts"
import type { Child } from "../dom.ts"
import { button, element, fill, nextId } from "../dom.ts"
import { sayBytes, sayCount, sayShape } from "../model/quantities.ts"
import type { TensorColumns } from "../model/tensor-columns.ts"
import { visibleName } from "../model/visible-text.ts"
import type { Measurement, StoredTensor, TensorDescription, WorkProgress } from "../worker/protocol.ts"
import { statisticsView } from "./histogram-view.ts"

export class TensorDialog {
  readonly root: HTMLDialogElement
  readonly #client: CheckpointClient
  readonly #columns: TensorColumns
  readonly #title: HTMLHeadingElement
  readonly #facts = element("div")
  readonly #elements = element("div", { class: "elements", "aria-live": "polite" })
  #stopping = new AbortController()

  constructor(client: CheckpointClient, columns: TensorColumns) {
    this.#client = client
    this.#columns = columns
    const id = `tensor-${nextId()}`
    this.#title = element("h2", { id, tabindex: -1 })
    const closing = button("Close", () => this.root.close(), { class: "quiet" })
    this.root = element(
      "dialog",
      { class: "tensor", "aria-labelledby": id },
      element("div", { class: "tensor-head" }, this.#title, closing),
      this.#facts,
      this.#elements,
    )
    // Told late: by then it may be open for another tensor.
    this.root.addEventListener("close", () => this.root.open || this.#stopping.abort())
    // A click beside it, on the backdrop, has the dialog itself as target.
    this.root.addEventListener("click", ({ target }) => target === this.root && this.root.close())
  }

  /** Opens it for a row of the columns. The elements follow when they have been looked at. */
  show(row: number): void {
    const name = this.#columns.names[row] ?? ""
    this.#stopping.abort()
    this.#stopping = new AbortController()
    fill(this.#title, name === "" ? '""' : visibleName(name))
    fill(this.#facts)
    fill(this.#elements, element("p", { class: "muted" }, "Looking at the elements…"))
    if (!this.root.open) this.root.showModal()
    this.#title.focus()
    this.root.scrollTop = 0
    void this.#describe(name, this.#stopping.signal)
    void this.#measure(name, this.#stopping.signal)
  }

  async #describe(name: string, signal: AbortSignal): Promise<void> {
    const info = await this.#client.ask("describe", { name }, { signal }).catch(() => undefined)
    if (info !== undefined && !signal.aborted) fill(this.#facts, factsOf(info))
  }

  async #measure(name: string, signal: AbortSignal): Promise<void> {
    const bar = element("progress", { "aria-label": "Reading the elements", max: 1, value: 0 })
    const onProgress = ({ done, total }: WorkProgress): void => {
      if (signal.aborted) return
      bar.value = done / total
      if (!bar.isConnected) this.#elements.append(bar)
    }
    try {
      const measurement = await this.#client.ask("measure", { name }, { signal, onProgress })
      if (!signal.aborted) fill(this.#elements, element("h3", {}, "Elements"), ...sayMeasurement(measurement))
    } catch (error) {
      if (error instanceof Cancelled || signal.aborted) return
      const message = error instanceof Error ? error.message : String(error)
      fill(this.#elements, element("p", { class: "warning" }, `The elements cannot be read: ${message}`))
    }
  }
}

function factsOf(info: TensorDescription): HTMLElement {
  if (info.kind === "unsupported-tensor")
    return element("p", { class: "warning" }, `It cannot be converted: it is ${info.reason}.`)
  const rows = [
    ["Shape", sayShape(info.shape)],
    ["Dtype", info.kind === "tensor" ? sayDtype(info) : sayStoredDtype(info)],
    ["Elements", sayCount(info.elementCount)],
    ["Bytes", sayExactBytes(info.byteLength)],
    ...(info.kind === "tensor" ? storageRows(info) : [["Offset", `byte ${sayCount(info.fileOffset)}`]]),
  ]
  const terms = rows.map(([term, value]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, value)),
  )
  return element("dl", { class: "tensor-facts" }, ...terms)
}

function storageRows({ strides, contiguous, storage, elementOffset }: SupportedTensorInfo): string[][] {
  return [
    ["Strides", sayShape(strides)],
    [
      "Stored",
      contiguous ? "in order: copied as it is" : "in another order or form: picked element by element",
    ],
    ["Storage", `${storage.key}, ${sayBytes(storage.byteLength)}, from ${storage.location}`],
    ["Offset", `${sayCount(elementOffset)} elements`],
  ]
}

function sayExactBytes(byteLength: number): string {
  return byteLength < 1000 ? sayCount(byteLength) : `${sayCount(byteLength)} (${sayBytes(byteLength)})`
}

function sayStoredDtype({ dtype, torchDtype }: StoredTensor): string {
  return torchDtype === undefined ? `${dtype}, which torch has no name for` : `${dtype} (torch.${torchDtype})`
}

function sayDtype({ dtype, torchDtype }: SupportedTensorInfo): string {
  return dtype === undefined
    ? `${torchDtype}, which safetensors has no name for`
    : `${dtype} (torch.${torchDtype})`
}

function sayMeasurement(measurement: Measurement): readonly Child[] {
  if (measurement.kind === "not-measured") return [element("p", { class: "muted" }, measurement.reason)]
  const { statistics, bytesRead, byteLength, valuesPerElement } = measurement
  if (byteLength === 0) return [element("p", { class: "muted" }, "There are none.")]
  const notes: string[] = []
  if (bytesRead < byteLength) {
    notes.push(
      `A sample: ${sayBytes(bytesRead)} of ${sayBytes(byteLength)}, ${sayCount(statistics.valueCount)} values from all over the tensor.`,
    )
  }
  if (valuesPerElement === "complex") notes.push("Real and imaginary parts count as values of their own.")
  if (valuesPerElement === "packed") notes.push("Two values are packed into each element.")
  const said = notes.map((note) => element("p", { class: "note" }, note))
  return [...said, statisticsView(statistics)]
}
