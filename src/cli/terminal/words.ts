/** Text from strangers, safe to show and in full; numbers as people read them. */

import { plainText, quoteText, sayKeyPath } from "../../node/texts-for-command-line.ts"

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
