/** Rows of text in columns. */

/** A column. Numbers stand right, everything else left. */
export interface Column {
  readonly title: string
  readonly align: "left" | "right"
  /** Whether its texts may be shortened in the middle where a line has too little room. */
  readonly elastic?: true
}

/** Names above this do not widen the column: they push their own row aside. */
const MOST_COLUMN_CHARACTERS = 100

/** An elastic column is not made narrower than this. */
const FEWEST_ELASTIC_CHARACTERS = 16

const GAP = "  "

/**
 * The rows as lines, titles first. Where `room` (characters in a line) is given and too small, elastic columns are
 * narrowed; lines that are still too long are left to the terminal. Texts must be safe to show.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room: number | undefined,
): readonly string[] {
  const titles = columns.map(({ title }) => title)
  const widths = columns.map((column, index) => {
    const widest = rows.reduce((most, row) => Math.max(most, (row[index] ?? "").length), column.title.length)
    return Math.min(widest, MOST_COLUMN_CHARACTERS)
  })
  if (room !== undefined) narrow(columns, widths, room)
  return [titles, ...rows].map((row) => {
    const cells = columns.map((column, index) => {
      const width = widths[index] ?? 0
      const text = row[index] ?? ""
      const fitted = column.elastic === true && room !== undefined ? shorten(text, width) : text
      return column.align === "left" ? fitted.padEnd(width) : fitted.padStart(width)
    })
    return cells.join(GAP).trimEnd()
  })
}

/** Takes what is too much from the elastic columns, the widest first. */
function narrow(columns: readonly Column[], widths: number[], room: number): void {
  let excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room
  while (excess > 0) {
    const elastic = columns.flatMap((column, index) => (column.elastic === true ? [index] : []))
    const widest = elastic.reduce(
      (best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
      elastic[0] ?? -1,
    )
    const width = widths[widest]
    if (width === undefined || width <= FEWEST_ELASTIC_CHARACTERS) return
    widths[widest] = width - 1
    excess--
  }
}

/** Cuts the middle out: names that differ mostly do so at their ends. */
function shorten(text: string, width: number): string {
  if (text.length <= width) return text
  const tail = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`
}
