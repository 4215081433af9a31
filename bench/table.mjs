/** The results as text. */

const s = (seconds) => (seconds === undefined ? "–" : `${seconds.toFixed(2)} s`)
const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const times = (ratio) => (ratio === undefined ? "–" : ratio.toFixed(ratio < 10 ? 2 : 0))
const MiB = (value) => (value === undefined ? "–" : `${value.toFixed(0)} MiB`)

const SHAPE_COLUMNS = [
  ["checkpoint", ({ title }) => title],
  ["ours", ({ ours }) => s(ours.seconds)],
  ["cp", ({ cp }) => s(cp.seconds)],
  ["Python", ({ python }) => s(python?.seconds)],
  ["ours / cp", ({ ours, cp }) => times(ours.seconds / cp.seconds)],
  ["Python / ours", ({ ours, python }) => times(python && python.seconds / ours.seconds)],
  ["open", ({ phases }) => ms(phases.open)],
  ["plan", ({ phases }) => ms(phases.plan)],
  ["transfer", ({ phases }) => ms(phases.transfer)],
  ["peak", ({ ours }) => MiB(ours.peakMiB)],
  ["Python's", ({ python }) => MiB(python?.peakMiB)],
  ["ours from – to", ({ ours }) => `${s(ours.fastest)} – ${s(ours.slowest)}`],
]

const COMMAND_COLUMNS = [
  ["command", ({ name }) => name],
  ["time", ({ seconds }) => ms(seconds * 1000)],
  ["beyond Node alone", ({ beyond }) => ms(beyond * 1000)],
  ["peak", ({ peakMiB }) => MiB(peakMiB)],
  ["from – to", ({ fastest, slowest }) => `${ms(fastest * 1000)} – ${ms(slowest * 1000)}`],
]

export const shapesTable = (shapes) => table(shapes, SHAPE_COLUMNS)

/** Everything that is not a shape, a line each. */
export function sayOthers({ shapes, commands, library, sparse }) {
  const lines = []
  for (const { title, ours, unchecked } of shapes.filter((shape) => shape.unchecked !== undefined)) {
    const ratio = times(unchecked.seconds / ours.seconds)
    lines.push(`${title}, --verify none: ${s(unchecked.seconds)}, ${ratio} of the time with checksums`)
  }
  if (commands !== undefined) lines.push("", `On ${commands.title}:`, table(commands.rows, COMMAND_COLUMNS))
  for (const [verb, bytes] of Object.entries(commands?.read ?? {})) {
    const share = ((bytes / commands.bytes) * 100).toPrecision(2)
    lines.push(`${verb} reads ${(bytes / 1000).toFixed(1)} kB of it, ${share} %`)
  }
  if (library !== undefined) lines.push("", ...sayLibrary(library))
  if (sparse !== undefined) lines.push("", saySparse(sparse))
  return lines.join("\n")
}

function sayLibrary({ inMemory, opening }) {
  const { bytes, convert, copyNew, copyKnown } = inMemory
  return [
    `toSafetensorsBytes of ${(bytes / 1e6).toFixed(0)} MB in memory: ${ms(convert)}; ` +
      `Uint8Array.set of as many bytes: ${ms(copyNew)} into new memory (${times(convert / copyNew)} times that), ` +
      `${ms(copyKnown)} into used memory`,
    `openCheckpoint with 20,000 tensors: ${ms(opening.warm)} warm, ${ms(opening.first)} first in its process, ` +
      `${ms(opening.uncached)} first and not in the page cache`,
  ]
}

function saySparse({ bytes, seconds, peakMiB, compared, different }) {
  const said = different === 0 ? `${compared} pieces equal` : `${different} of ${compared} pieces DIFFER`
  return `sparse, ${(bytes / 1e9).toFixed(1)} GB, once: ${s(seconds)}, peak ${MiB(peakMiB)}, ${said}`
}

/** Rows as a Markdown table whose columns line up. */
function table(rows, columns) {
  const cells = [columns.map(([head]) => head), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const line = (row) => `| ${row.map((cell, column) => pad(cell, widths[column], column)).join(" | ")} |`
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))
  return [line(cells[0]), line(rule), ...cells.slice(1).map(line)].join("\n")
}

const pad = (cell, width, column) => (column === 0 ? cell.padEnd(width) : cell.padStart(width))
