/** Text from strangers, safe to show and in full; numbers as people read them. */

import { wrapAnsi } from "fast-wrap-ansi"
import { plainText, quoteText, sayKeyPath } from "../../node/texts-for-command-line.ts"
import { lineWidth, type OutputStream, paint } from "./streams.ts"

/** `text` with everything unsafe escaped, never cut. */
export function shown(text: string): string {
  return plainText(text, Number.POSITIVE_INFINITY)
}

/** Like `shown`, in double quotes. */
export function quoted(text: string): string {
  return quoteText(text, Number.POSITIVE_INFINITY)
}

/** A shape as torch prints it: `[64, 3, 7, 7]`. */
export function sayShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`
}

/** A path of keys as it is typed: `"model.state_dict"`. */
export function sayRoot(root: readonly string[]): string {
  const path = sayKeyPath(root)
  return root.length === 0 ? "the top of the checkpoint" : path.startsWith("[") ? shown(path) : quoted(path)
}

/** The first few of many: `a, b, c and 12 more`. */
export function sayFew(rows: readonly string[], few: number): string {
  const first = rows.slice(0, few).join(", ")
  return rows.length > few ? `${first} and ${rows.length - few} more` : first
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const

/** Bytes in powers of 1,000 with three digits, as file managers and model hubs count: `1.39 MB`. */
export function sayBytes(bytes: number): string {
  let value = bytes
  let power = 0
  // 999.5 would be rounded to 1000.
  for (; value >= 999.5 && power < BYTE_UNITS.length - 1; power++) value /= 1000
  const rounded = Number(value.toPrecision(3))
  const digits = power === 0 ? value : rounded.toFixed(rounded >= 100 ? 0 : rounded >= 10 ? 1 : 2)
  return `${digits} ${BYTE_UNITS[power]}`
}

/** An integer with commas: `1,234,567`. */
export function sayCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** A count and its noun: `1 tensor`, `198 tensors`. */
export function sayCounted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${sayCount(count)} ${count === 1 ? noun : plural}`
}

/** A time that has passed: `0.04 s`, `12.3 s`, `2 min 5 s`. */
export function sayDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 1) return `${seconds.toFixed(2)} s`
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** A time to wait: `0:07`, `1:02:03`. */
export function sayClock(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  const twoDigits = (value: number): string => String(value).padStart(2, "0")
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${twoDigits(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`
}

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
