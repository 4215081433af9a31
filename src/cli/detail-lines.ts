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
  code: "dim",
  run: "dim",
} as const

/** What a message on standard error begins with. */
export const HEAD = "tosafetensors:"

/** What a line may be. */
export type DetailLabel = keyof typeof STYLES

const LABEL_CHARACTERS = 7

/** Lines are not broken into less, however narrow the terminal is. */
const FEWEST_CHARACTERS = 40

/** Collects lines for `stream`. Texts must be safe to show, but for line feeds. */
export class DetailLines {
  readonly lines: string[] = []
  readonly #stream: OutputStream
  readonly #labelCharacters: number

  constructor(stream: OutputStream, labelCharacters: number = LABEL_CHARACTERS) {
    this.#stream = stream
    this.#labelCharacters = labelCharacters
  }

  add(label: DetailLabel, text: string): void {
    const width = lineWidth(this.#stream)
    const indent = 2 + this.#labelCharacters + 2
    const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(width - indent, FEWEST_CHARACTERS)
    this.#push(
      label,
      text.split("\n").flatMap((line) => wrap(line, room)),
    )
  }

  /** Lines that are not broken: they are to be copied. */
  addWhole(label: DetailLabel, lines: readonly string[]): void {
    if (lines.length > 0) this.#push(label, lines)
  }

  #push(label: DetailLabel, [first = "", ...rest]: readonly string[]): void {
    const indent = " ".repeat(2 + this.#labelCharacters + 2)
    const head = `  ${paint(this.#stream, STYLES[label], label.padEnd(this.#labelCharacters))}  `
    this.lines.push(head + first, ...rest.map((line) => indent + line))
  }
}

/** `text` broken at blanks where lines of `stream` end, what follows the first line indented by two. */
export function wrapped(text: string, stream: OutputStream, before = 0): string {
  const width = lineWidth(stream)
  if (width === undefined) return text
  // The first line is as long as the others, and what stands before it is a word of it.
  const lines = wrap(`${"x".repeat(before)}${text}`, Math.max(width - 2, FEWEST_CHARACTERS))
  return lines.join("\n  ").slice(before)
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
