/** Labelled lines below a headline, and text broken at blanks where the terminal's line ends. */

import { wrapAnsi } from "fast-wrap-ansi"
import type { OutputStream } from "./streams.ts"
import { lineWidth, paint } from "./streams.ts"

/*! Bundled with it: fast-wrap-ansi, (c) 2025 James Garbutt, and fast-string-width, (c) 2024 Fabio Spampinato, both under
    the MIT licence: https://opensource.org/license/mit */

/** What a message on standard error begins with. */
export const HEAD = "tosafetensors:"

/** Labels that are not dim. */
const STYLES: ReadonlyMap<string, "red" | "yellow"> = new Map([
  ["error", "red"],
  ["warning", "yellow"],
  ["note", "yellow"],
])

/** Lines are not broken into less, however narrow the terminal is. */
const MIN_CHARACTERS = 40

/** Collects lines for `stream`, with labels of up to `labelCharacters`. Texts must be safe to show, but for line feeds. */
export class DetailLines {
  readonly lines: string[] = []
  readonly #stream: OutputStream
  readonly #labelCharacters: number

  constructor(stream: OutputStream, labelCharacters = 7) {
    this.#stream = stream
    this.#labelCharacters = labelCharacters
  }

  add(label: string, text: string): void {
    const width = lineWidth(this.#stream) ?? Number.POSITIVE_INFINITY
    const room = Math.max(width - this.#labelCharacters - 4, MIN_CHARACTERS)
    const lines = text.split("\n").flatMap((line) => wrap(line, room))
    this.addWhole(label, lines)
  }

  /** Lines that are not broken: they are to be copied. */
  addWhole(label: string, [first, ...rest]: readonly string[]): void {
    if (first === undefined) return
    const shown = paint(this.#stream, STYLES.get(label) ?? "dim", label.padEnd(this.#labelCharacters))
    const indent = " ".repeat(this.#labelCharacters + 4)
    this.lines.push(`  ${shown}  ${first}`, ...rest.map((line) => indent + line))
  }
}

/** `text` broken at blanks where lines of `stream` end, what follows the first line indented by two. */
export function wrapped(text: string, stream: OutputStream, before = 0): string {
  const width = lineWidth(stream)
  if (width === undefined) return text
  // The first line is as long as the others, and what stands before it is a word of it.
  const lines = wrap("x".repeat(before) + text, Math.max(width - 2, MIN_CHARACTERS))
  return lines.join("\n  ").slice(before)
}

/** `line` in lines of `room` characters, as a terminal counts them. */
export function wrap(line: string, room: number): readonly string[] {
  return Number.isFinite(room) ? wrapAnsi(line.trim(), room).split("\n") : [line.trim()]
}

/** A label and what it labels. */
export type Fact = readonly [label: string, text: string]

const LOUD: ReadonlySet<string> = new Set(["warning", "note", "refused"])

/** The facts, indented, their texts below one another. A label that repeats is shown once. */
export function factLines(facts: readonly Fact[], stream: OutputStream): readonly string[] {
  const width = Math.max(...facts.map(([label]) => label.length))
  return facts.map(([label, text], index) => {
    const shown = (facts[index - 1]?.[0] === label ? "" : label).padEnd(width)
    return `  ${paint(stream, LOUD.has(label) ? "yellow" : "dim", shown)}  ${text}`
  })
}
