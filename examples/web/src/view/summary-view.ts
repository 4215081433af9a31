/** A line of amounts, and a bar of dtypes. */

import { element } from "../dom.ts"
import { sayBytes, sayCount, sayCounted, sayRoughly, sayShare } from "../model/quantities.ts"
import { dtypeTotals, familyOf, parameterCount } from "../model/tensor-columns.ts"
import type { OpenedFile } from "../worker/protocol.ts"

/** Dtypes that the legend names one by one. */
const NAMED = 8

const LAYOUTS: ReadonlyMap<string, string> = new Map([
  ["zip", "zip archive, torch 1.6 or newer"],
  ["legacy", "legacy layout, before torch 1.6"],
])

export function summaryView(opened: OpenedFile): HTMLElement {
  const { byteLength, columns } = opened
  const facts = element(
    "dl",
    { class: "facts" },
    fact("Format", sayFormat(opened)),
    fact("Tensors", sayCount(columns.names.length)),
    fact("Parameters", sayRoughly(parameterCount(columns))),
    fact("File size", sayBytes(byteLength)),
  )
  return element("div", { class: "summary" }, facts, dtypeBar(columns))
}

/** In a few words, for people who know torch. */
export function sayFormat(opened: OpenedFile): string {
  if (opened.kind === "safetensors") return "safetensors"
  return LAYOUTS.get(opened.layout) ?? opened.layout
}

function fact(term: string, value: string): HTMLElement {
  return element("div", {}, element("dt", {}, term), element("dd", {}, value))
}

function dtypeBar(columns: OpenedFile["columns"]): HTMLElement | undefined {
  const totals = dtypeTotals(columns).filter(({ tensorCount }) => tensorCount > 0)
  if (totals.length === 0) return undefined
  const bytes = totals.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const bar = element("div", { class: "dtype-bar", "aria-hidden": "true" })
  for (const { dtype, byteLength } of totals) {
    const part = element("span", { class: `tile-${familyOf(dtype)}` })
    part.style.flexGrow = String(bytes === 0 ? 1 : byteLength / bytes)
    bar.append(part)
  }
  const legend = totals
    .slice(0, NAMED)
    .map(({ dtype, tensorCount, byteLength }) =>
      element(
        "li",
        {},
        element("span", { class: `swatch tile-${familyOf(dtype)}`, "aria-hidden": "true" }),
        element("strong", {}, dtype),
        ` ${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)} (${sayShare(byteLength, bytes)})`,
      ),
    )
  const more =
    totals.length > NAMED ? element("li", {}, `and ${totals.length - NAMED} more dtypes`) : undefined
  return element("div", { class: "dtypes" }, bar, element("ul", { class: "legend" }, ...legend, more))
}
