/**
 * Draws the results: for every shape a bar each for this library, `cp` and Python, on a logarithmic scale.
 *
 *   node bench/chart.mjs .bench/results.json docs/benchmark.svg
 */

import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const WIDTH = 860
const BARS_FROM = 270
const BARS_TO = 760
const TOP = 92
const BAR = 13
const GROUP = 3 * BAR + 17
const FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"

const CONTENDERS = [
  { key: "ours", name: "tosafetensors" },
  { key: "cp", name: "cp, which converts nothing" },
  { key: "python", name: "Python: torch and safetensors (times as long)" },
]

/** Blue stands out, grey is the yardstick; both pairs of colours hold 3 to 1 against their backgrounds. */
const STYLE = `
  text { font: 13px ${FONT}; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .quiet { font-size: 12px; fill: #59636e }
  .strong { font-weight: 600 }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
  .grid { stroke: #d1d9e0 }
  .ground { fill: #ffffff }
  .ours { fill: #0969da }
  .cp { fill: #818b98 }
  .python { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .grid { stroke: #30363d }
    .value { stroke: #0d1117 }
    .ground { fill: #0d1117 }
    .ours { fill: #4493f8 }
    .cp { fill: #7d8590 }
    .python { fill: #e16f24 }
  }
`

/** The SVG. */
export function chart({ shapes, machine }) {
  const seconds = shapes.flatMap((shape) => bars(shape).map((bar) => bar.seconds))
  const x = logScale(Math.min(...seconds), Math.max(...seconds))
  const bottom = TOP + shapes.length * GROUP
  const height = bottom + 52
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`,
    ' role="img" aria-labelledby="title desc">',
    '<title id="title">Seconds to convert a checkpoint: tosafetensors, cp, and Python</title>',
    `<desc id="desc">${escapeXml(describe(shapes))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>`,
    '<text class="title" x="24" y="34">Seconds to convert a checkpoint (less is better, logarithmic)</text>',
    legend(),
    ...x.ticks.map((tick) => gridLine(x.at(tick), tick, bottom)),
    ...shapes.map((shape, index) => group(shape, TOP + index * GROUP, x)),
    `<text class="quiet" x="24" y="${height - 12}">${escapeXml(`Medians of whole processes. ${machine}`)}</text>`,
    "</svg>",
    "",
  ].join("\n")
}

function legend() {
  let x = 24
  return CONTENDERS.map(({ key, name }) => {
    const at = x
    x += 34 + name.length * 7
    return (
      `<rect class="${key}" x="${at}" y="50" width="12" height="12" rx="2"/>` +
      `<text x="${at + 18}" y="61">${name}</text>`
    )
  }).join("\n")
}

function group(shape, top, x) {
  const middle = top + (3 * BAR) / 2
  return [
    `<text x="${BARS_FROM - 14}" y="${middle}" dy=".35em" text-anchor="end">${escapeXml(shape.title)}</text>`,
    ...bars(shape).map(({ key, seconds }, row) => {
      const y = top + row * BAR
      const width = Math.max(x.at(seconds) - BARS_FROM, 2)
      const style = key === "ours" ? "value strong" : "value quiet"
      return (
        `<rect class="${key}" x="${BARS_FROM}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 1.5}" rx="2"/>` +
        `<text class="${style}" x="${(BARS_FROM + width + 6).toFixed(1)}" y="${y + BAR / 2 - 1}" dy=".35em">` +
        `${sayBar(key, seconds, shape)}</text>`
      )
    }),
  ].join("\n")
}

/** Ratios are what the eye cannot read off a logarithmic scale. */
function sayBar(key, seconds, { ours }) {
  const said = sayTime(seconds)
  const ratio = seconds / ours.seconds
  return key === "python" ? `${said} (${ratio.toFixed(ratio < 10 ? 1 : 0)} ×)` : said
}

const bars = (shape) =>
  CONTENDERS.filter(({ key }) => shape[key] !== undefined).map(({ key, name }) => ({
    key,
    name,
    seconds: shape[key].seconds,
  }))

function gridLine(x, tick, bottom) {
  return (
    `<line class="grid" x1="${x.toFixed(1)}" y1="${TOP - 8}" x2="${x.toFixed(1)}" y2="${bottom - 8}"/>` +
    `<text class="quiet" x="${x.toFixed(1)}" y="${bottom + 10}" text-anchor="middle">${sayTime(tick)}</text>`
  )
}

/** From the power of ten below what is shortest, to what is longest. */
function logScale(least, most) {
  const from = Math.floor(Math.log10(least))
  const to = Math.log10(most)
  const at = (value) => BARS_FROM + ((Math.log10(value) - from) / (to - from)) * (BARS_TO - BARS_FROM)
  const ticks = Array.from({ length: Math.floor(to) - from + 1 }, (_, i) => 10 ** (from + i))
  return { at, ticks }
}

const sayTime = (seconds) =>
  seconds < 0.1
    ? `${Number((seconds * 1000).toPrecision(2))} ms`
    : `${seconds < 10 ? Number(seconds.toPrecision(2)) : Math.round(seconds)} s`

/** The same in words, for whoever does not see it. */
function describe(shapes) {
  const one = (shape) =>
    `${shape.title}: ${bars(shape)
      .map(({ name, seconds }) => `${name.replace(/[,:(].*/, "").trim()} ${sayTime(seconds)}`)
      .join(", ")}.`
  return shapes.map(one).join(" ")
}

const escapeXml = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [results, svg] = process.argv.slice(2)
  if (svg === undefined) {
    console.error("usage: node bench/chart.mjs RESULTS.json CHART.svg")
    process.exit(2)
  }
  writeFileSync(svg, chart(JSON.parse(readFileSync(results, "utf8"))))
}
