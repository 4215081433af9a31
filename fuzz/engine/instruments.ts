/** What instrumented code reports to: `globalThis.__fuzz`. It is there before a target is loaded. */

/** Most edges of all modules of a target. */
export const MAP_BYTES = 65_536

/** Values that were compared and differed. */
export type Compared = number | bigint | string

/** Pairs of one run; a loop over bytes would report thousands. */
const MOST_PAIRS = 512

/** The pairs of values that one run compared. */
export class ComparisonLog {
  readonly pairs: (readonly [Compared, Compared])[] = []
  readonly #seen = new Set<string>()

  clear(): void {
    this.pairs.length = 0
    this.#seen.clear()
  }

  add(left: unknown, right: unknown): void {
    if (left === right || this.pairs.length >= MOST_PAIRS || typeof left !== typeof right) return
    if (!isCompared(left) || !isCompared(right)) return
    const key = `${left}\n${right}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
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

  readonly compare = (operator: string, left: never, right: never): boolean => {
    this.log.add(left, right)
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

  readonly choose = (value: unknown, cases: readonly unknown[]): unknown => {
    for (const each of cases) this.log.add(value, each)
    return value
  }

  readonly test = (method: "startsWith" | "endsWith" | "includes", text: unknown, part: unknown): boolean => {
    if (typeof text === "string" && typeof part === "string") {
      this.log.add(method === "endsWith" ? text.slice(-part.length) : text.slice(0, part.length), part)
    } else if (Array.isArray(text)) {
      for (const each of text.slice(0, 16)) this.log.add(part, each)
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
