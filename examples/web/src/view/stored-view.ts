/** A safetensors file: that nothing has to be done, and what its header says besides its tensors. */

import { element } from "../dom.ts"
import { sayBytes, sayCount, sayCounted } from "../model/quantities.ts"
import type { OpenedSafetensors } from "../worker/protocol.ts"

/** Lines of a value. */
const SHOWN_LINES = 200

/** Stands where a checkpoint has what is saved. */
export function nothingToConvert({ warnings }: OpenedSafetensors): HTMLElement {
  return element(
    "section",
    { class: "card stored", "aria-label": "Nothing to convert" },
    element("h2", {}, "Nothing to convert"),
    element(
      "p",
      {},
      "This is a safetensors file already. It holds numbers and text and no code, its header keeps the rules of the format, and every byte of its data belongs to a tensor.",
    ),
    ...warnings.map((warning) => element("p", { class: "warning" }, `What readers put up with: ${warning}.`)),
  )
}

/** The header's size and its metadata. */
export function headerView({ headerByteLength, metadata, metadataCount }: OpenedSafetensors): HTMLElement {
  const left = metadataCount - metadata.length
  const said =
    metadataCount === 0
      ? "It holds no metadata."
      : `It holds ${sayCounted(metadataCount, "entry", "entries")} of metadata:`
  const rows = metadata.map(([key, value]) =>
    element("div", {}, element("dt", {}, key === "" ? '""' : key), element("dd", {}, ...linesOf(value))),
  )
  return element(
    "section",
    { class: "card header-card", "aria-label": "Header" },
    element("h2", {}, "Header"),
    element("p", {}, `The header takes ${sayBytes(headerByteLength)}. ${said}`),
    // Keys scroll what has the focus.
    rows.length === 0
      ? undefined
      : element(
          "div",
          { class: "metadata", role: "group", "aria-label": "Metadata", tabindex: 0 },
          element("dl", {}, ...rows),
        ),
    left > 0 ? element("p", { class: "muted" }, `And ${sayCount(left)} more.`) : undefined,
  )
}

/** Metadata may be a whole configuration, which is read line by line. */
function linesOf(value: string): readonly HTMLElement[] {
  return value.split(/\r?\n/, SHOWN_LINES).map((line) => element("p", { class: "line" }, line))
}
