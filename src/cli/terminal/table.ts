/** Rows of text in columns, as wide as a terminal shows them. */

import stringWidth from "fast-string-width"

/** A column. Numbers stand right, everything else left. */
export interface Column {
  readonly title: string
  readonly align: "left" | "right"
  /** Whether its texts may be shortened in the middle where a line has too little room. */
  readonly elastic?: true
}

/** Names above this do not widen the column: they push their own row aside. */
const MAX_COLUMN_CHARACTERS = 100

/** An elastic column is not made narrower than this. */
const MIN_ELASTIC_CHARACTERS = 16

/** As much of a text is looked at: eight UTF-16 units for each column, for letters outside the first plane with marks. */
const SEEN_UNITS = MAX_COLUMN_CHARACTERS * 8

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
  const all = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, index) =>
    Math.min(
      all.reduce((most, row) => Math.max(most, widthOf(row[index] ?? "")), 0),
      MAX_COLUMN_CHARACTERS,
    ),
  )
  if (room !== undefined) narrow(columns, widths, room)
  return all.map((row) => {
    const cells = columns.map(({ align, elastic = false }, index) => {
      const width = widths[index] ?? 0
      const text = row[index] ?? ""
      const fitted = elastic && room !== undefined ? shorten(text, width) : text
      const blanks = " ".repeat(Math.max(0, width - widthOf(fitted)))
      return align === "left" ? fitted + blanks : blanks + fitted
    })
    return cells.join(GAP).trimEnd()
  })
}

/** Takes what is too much from the elastic columns, the widest first. */
function narrow(columns: readonly Column[], widths: number[], room: number): void {
  let excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room
  const elastic = widths.map((_, index) => index).filter((index) => columns[index]?.elastic === true)
  for (; excess > 0; excess--) {
    const widest = Math.max(...elastic.map((index) => widths[index] ?? 0))
    if (widest <= MIN_ELASTIC_CHARACTERS) return
    widths[elastic.find((index) => widths[index] === widest) ?? 0] = widest - 1
  }
}

/** Cuts the middle out: names that differ mostly do so at their ends. */
function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  const tail = Math.floor((width - 1) / 2)
  const start = fitting(charactersOf(text.slice(0, SEEN_UNITS)), width - 1 - tail)
  const end = fitting(charactersOf(text.slice(-SEEN_UNITS)).reverse(), tail)
  return `${start.join("")}…${end.reverse().join("")}`
}

/** In columns of a terminal, up to where it no longer matters. */
function widthOf(text: string): number {
  return stringWidth(text.slice(0, SEEN_UNITS))
}

function charactersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
}

/** The first of `characters` that fit into `room`. */
function fitting(characters: readonly string[], room: number): string[] {
  let used = 0
  return characters.filter((character) => {
    used += stringWidth(character)
    return used <= room
  })
}
