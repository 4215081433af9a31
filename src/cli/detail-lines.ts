/** Lines with a label below a headline, broken at blanks where the terminal's line ends. */

import type { OutputStream } from "./terminal.ts"
import { lineWidth, paint } from "./terminal.ts"

const STYLES = {
  error: "red",
  warning: "yellow",
  note: "yellow",
  why: "dim",
  what: "dim",
  next: "dim",
  allowed: "dim",
} as const

/** What a line may be. */
export type DetailLabel = keyof typeof STYLES

const LABEL_CHARACTERS = 7
const INDENT = " ".repeat(2 + LABEL_CHARACTERS + 2)

/** Lines are not broken into less, however narrow the terminal is. */
const FEWEST_CHARACTERS = 40

/** Collects lines for `stream`. Texts must be safe to show, but for line feeds. */
export class DetailLines {
  readonly lines: string[] = []
  readonly #stream: OutputStream

  constructor(stream: OutputStream) {
    this.#stream = stream
  }

  add(label: DetailLabel, text: string): void {
    const width = lineWidth(this.#stream)
    const room =
      width === undefined ? Number.POSITIVE_INFINITY : Math.max(width - INDENT.length, FEWEST_CHARACTERS)
    const head = `  ${paint(this.#stream, STYLES[label], label.padEnd(LABEL_CHARACTERS))}  `
    const [first = "", ...rest] = text.split("\n").flatMap((line) => wrap(line, room))
    this.lines.push(head + first, ...rest.map((line) => INDENT + line))
  }
}

function wrap(line: string, room: number): readonly string[] {
  const lines: string[] = []
  let current = ""
  for (const word of line.trim().split(" ")) {
    if (current !== "" && current.length + 1 + word.length > room) {
      lines.push(current)
      current = word
    } else current = current === "" ? word : `${current} ${word}`
  }
  return [...lines, current]
}
