/** Numbers as people read them. */

const BYTE_UNITS = ["kB", "MB", "GB", "TB", "PB"] as const

/** Bytes in powers of 1,000 with three digits, as file managers and model hubs count: `1.39 MB`. */
export function sayBytes(bytes: number): string {
  let value = bytes
  let unit = "B"
  for (const next of BYTE_UNITS) {
    // 999.5 would be rounded to 1000.
    if (value < 999.5) break
    value /= 1000
    unit = next
  }
  return `${unit === "B" ? value : threeDigits(value)} ${unit}`
}

function threeDigits(value: number): string {
  const rounded = Number(value.toPrecision(3))
  return rounded.toFixed(rounded >= 100 ? 0 : rounded >= 10 ? 1 : 2)
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
