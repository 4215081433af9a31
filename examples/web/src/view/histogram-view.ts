/** How the elements of a tensor are spread. */

import type { Child } from "../dom.ts"
import { drawing, element } from "../dom.ts"
import { sayCount, sayShare, sayValue } from "../model/quantities.ts"
import type { Histogram, TensorStatistics } from "../model/tensor-statistics.ts"

/** In units of the drawing, which is stretched to the width that there is. */
const HEIGHT = 100
const BIN_WIDTH = 10

/** The drawing and the numbers. */
export function statisticsView(statistics: TensorStatistics): HTMLElement {
  const { histogram, range, mean, standardDeviation, valueCount } = statistics
  const rows: (readonly [string, string])[] = []
  if (range !== undefined) {
    rows.push(["Min", sayValue(range.min)], ["Max", sayValue(range.max)], ["Mean", sayValue(mean)])
    rows.push(["Std", sayValue(standardDeviation)])
  }
  rows.push(
    ["Zeros", sayPart(statistics.zeroCount, valueCount)],
    ["NaN", sayPart(statistics.nanCount, valueCount)],
  )
  rows.push(["+Inf", sayPart(statistics.positiveInfinityCount, valueCount)])
  rows.push(["−Inf", sayPart(statistics.negativeInfinityCount, valueCount)])
  const special = statistics.nanCount + statistics.positiveInfinityCount + statistics.negativeInfinityCount
  const children: Child[] = []
  if (special > 0) {
    children.push(element("p", { class: "warning" }, `${sayCount(special)} of the values are not finite.`))
  }
  if (histogram !== undefined) children.push(drawn(histogram))
  const terms = rows.map(([term, value]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, value)),
  )
  return element("div", {}, ...children, element("dl", { class: "facts small" }, ...terms))
}

function sayPart(part: number, whole: number): string {
  return part === 0 ? "0" : `${sayCount(part)} (${sayShare(part, whole)})`
}

function drawn({ start, end, counts }: Histogram): HTMLElement {
  const most = Math.max(...counts)
  const bars = counts.map((count, index) => {
    // What is there at all can be seen.
    const height = count === 0 ? 0 : Math.max(1, (HEIGHT * count) / most)
    return drawing("rect", { x: index * BIN_WIDTH, y: HEIGHT - height, width: BIN_WIDTH - 1, height })
  })
  const said = `Histogram from ${sayValue(start)} to ${sayValue(end)}; the fullest of ${counts.length} bins holds ${sayCount(most)} values`
  const svg = drawing(
    "svg",
    {
      class: "histogram",
      viewBox: `0 0 ${counts.length * BIN_WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": said,
    },
    ...bars,
  )
  const axis = element(
    "div",
    { class: "axis", "aria-hidden": "true" },
    element("span", {}, sayValue(start)),
    element("span", {}, sayValue(end)),
  )
  return element("div", { class: "histogram-box" }, svg, axis)
}
