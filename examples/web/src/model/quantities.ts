/** Numbers as people read them. */

const BYTE_UNITS = ["kB", "MB", "GB", "TB", "PB"] as const
const COUNT_UNITS = ["thousand", "million", "billion", "trillion"] as const

function threeDigits(value: number): string {
  const rounded = Number(value.toPrecision(3))
  return rounded.toFixed(rounded >= 100 ? 0 : rounded >= 10 ? 1 : 2)
}

function scaled(value: number, units: readonly string[]): string {
  let rest = value
  let unit = ""
  for (const next of units) {
    // 999.5 would be rounded to 1000.
    if (rest < 999.5) break
    rest /= 1000
    unit = next
  }
  return unit === "" ? sayCount(value) : `${threeDigits(rest)} ${unit}`
}

/** Bytes in powers of 1,000 with three digits, as file managers and model hubs count: `1.39 MB`. */
export function sayBytes(bytes: number): string {
  return bytes < 999.5 ? `${bytes} B` : scaled(bytes, BYTE_UNITS)
}

/** An integer with commas: `1,234,567`. */
export function sayCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** A count in words where it is long: `7.24 billion`. */
export function sayRoughly(count: number): string {
  return count < 1_000_000 ? sayCount(count) : scaled(count, COUNT_UNITS)
}

/** A count and its noun: `1 tensor`, `198 tensors`. `plural` is for nouns that take more than an s. */
export function sayCounted(count: number, noun: string, plural = `${noun}s`): string {
  return `${sayCount(count)} ${count === 1 ? noun : plural}`
}

/** A shape as torch prints it: `[64, 3, 7, 7]`. */
export function sayShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`
}

/** An element's value with six digits, whole numbers in full. */
export function sayValue(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "0" : String(value).replace("-", "−")
  const size = Math.abs(value)
  const text =
    size !== 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential(4) : String(Number(value.toPrecision(6)))
  return text.replaceAll("-", "−")
}

/** A part of a whole: `12.3 %`. */
export function sayShare(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (100 * part) / whole
  return percent > 0 && percent < 0.01 ? "< 0.01 %" : `${threeDigits(percent)} %`
}

/** A time to wait, as roughly as it is known: `40 s`, `3 min`, `1 h 20 min`. */
export function sayDuration(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const rest = minutes % 60
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`
}
