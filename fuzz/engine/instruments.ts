/** What instrumented code reports to: `globalThis.__fuzz`. It is there before a target is loaded. */

/** Most edges of all modules of a target. */
export const MAP_BYTES = 65_536

/** Values that were compared and differed. */
export type Compared = number | bigint | string

/** Pairs of one place in one run: a loop over bytes would report thousands, and leave no room for the others. */
const MOST_PAIRS_EACH = 6

/** The pairs of values that one run compared. */
export class ComparisonLog {
  readonly pairs: (readonly [Compared, Compared])[] = []
  readonly #seen = new Set<string>()
  /** Pairs of each place. */
  readonly #counts = new Map<number, number>()

  clear(): void {
    this.pairs.length = 0
    this.#seen.clear()
    this.#counts.clear()
  }

  add(place: number, left: unknown, right: unknown): void {
    if (left === right || typeof left !== typeof right) return
    const count = this.#counts.get(place) ?? 0
    if (count >= MOST_PAIRS_EACH) return
    if (!isCompared(left) || !isCompared(right)) return
    const key = `${left}\n${right}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#counts.set(place, count + 1)
    this.pairs.push([left, right])
  }
}

function isCompared(value: unknown): value is Compared {
  if (typeof value === "string") return value.length <= 64
  return typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))
}

/** Bytes of one element of the arrays that are not of bytes. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  Array: 8,
  Float64Array: 8,
  BigUint64Array: 8,
  Uint32Array: 4,
}

export class Instruments {
  readonly edges = new Uint8Array(MAP_BYTES)
  readonly log = new ComparisonLog()
  /** The most bytes that one array of this run was made for. */
  largestAllocation = 0

  readonly allocate = (length: unknown, type: string): unknown => {
    if (typeof length === "number") {
      const bytes = length * (ELEMENT_BYTES[type] ?? 1)
      if (bytes > this.largestAllocation) this.largestAllocation = bytes
    }
    return length
  }

  readonly compare = (place: number, operator: string, left: never, right: never): boolean => {
    this.log.add(place, left, right)
    switch (operator) {
      case "===":
        return left === right
      case "!==":
        return left !== right
      case "<":
        return left < right
      case "<=":
        return left <= right
      case ">":
        return left > right
      default:
        return left >= right
    }
  }

  readonly choose = (place: number, value: unknown, cases: readonly unknown[]): unknown => {
    // Each case is a place of its own. Places count up from 0, so these are not taken.
    for (const [index, each] of cases.entries()) this.log.add(-place * 256 - index, value, each)
    return value
  }

  readonly test = (
    place: number,
    method: "startsWith" | "endsWith" | "includes",
    text: unknown,
    part: unknown,
  ): boolean => {
    if (typeof text === "string" && typeof part === "string") {
      this.log.add(place, method === "endsWith" ? text.slice(-part.length) : text.slice(0, part.length), part)
    } else if (Array.isArray(text)) {
      for (const each of text) this.log.add(place, part, each)
    }
    return (text as string)[method](part as string)
  }
}

/** Makes the instruments, once a thread. */
export function installInstruments(): Instruments {
  const instruments = new Instruments()
  Object.assign(globalThis, { __fuzz: instruments })
  return instruments
}
