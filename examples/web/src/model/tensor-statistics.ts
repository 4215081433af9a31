/** What can be said of many numbers: in one pass how they lie, in a second one how they are spread. */

const MOST_BINS = 48

/** Squares of numbers above this, and sums of many of them, may be more than a number holds. */
const LARGE = 1e150

/** What numbers are multiplied by once a large one was met. A power of two, which changes no digit. */
const DOWN_SCALE = 2 ** -600

export interface TensorStatistics {
  /** Numbers that were looked at. A complex element is two. */
  readonly valueCount: number
  readonly nanCount: number
  readonly positiveInfinityCount: number
  readonly negativeInfinityCount: number
  readonly zeroCount: number
  /** Of the finite ones; undefined when there are none. */
  readonly range: { readonly min: number; readonly max: number } | undefined
  /** NaN when there are no finite ones. */
  readonly mean: number
  /** Of the whole population, not of a sample. NaN when there are no finite ones. */
  readonly standardDeviation: number
  readonly histogram: Histogram | undefined
}

/** Bins of one width over `[start, end]`. */
export interface Histogram {
  readonly start: number
  readonly end: number
  readonly counts: readonly number[]
}

/** Gathers the numbers of a first pass. */
export class Moments {
  valueCount = 0
  nanCount = 0
  positiveInfinityCount = 0
  negativeInfinityCount = 0
  zeroCount = 0
  min: number = Number.POSITIVE_INFINITY
  max: number = Number.NEGATIVE_INFINITY
  #finiteCount = 0
  #scale = 1
  /** Times the scale. */
  #mean = 0
  /** Sum of the squared distances from the mean, times the square of the scale. */
  #squares = 0

  add(values: Float64Array): void {
    let finite = 0
    for (const value of values) {
      if (value - value !== 0) {
        this.#countSpecial(value)
        continue
      }
      if (value === 0) this.zeroCount += 1
      if (value < this.min) this.min = value
      if (value > this.max) this.max = value
      finite += 1
    }
    this.valueCount += values.length
    if (this.#scale === 1 && Math.max(this.max, -this.min) > LARGE) this.#scaleDown()
    if (finite > 0) this.#merge(values, finite)
  }

  get finiteCount(): number {
    return this.#finiteCount
  }

  get mean(): number {
    return this.#finiteCount === 0 ? Number.NaN : this.#mean / this.#scale
  }

  get standardDeviation(): number {
    return this.#finiteCount === 0 ? Number.NaN : Math.sqrt(this.#squares / this.#finiteCount) / this.#scale
  }

  #countSpecial(value: number): void {
    if (value > 0) this.positiveInfinityCount += 1
    else if (value < 0) this.negativeInfinityCount += 1
    else this.nanCount += 1
  }

  #scaleDown(): void {
    this.#scale = DOWN_SCALE
    this.#mean *= DOWN_SCALE
    this.#squares *= DOWN_SCALE * DOWN_SCALE
  }

  /** Chan, Golub and LeVeque 1979: exact where a plain sum of squares would cancel out. */
  #merge(values: Float64Array, count: number): void {
    const scale = this.#scale
    let sum = 0
    for (const value of values) if (value - value === 0) sum += value * scale
    const mean = sum / count
    let squares = 0
    for (const value of values) if (value - value === 0) squares += (value * scale - mean) ** 2
    const total = this.#finiteCount + count
    const distance = mean - this.#mean
    this.#squares += squares + (distance ** 2 * this.#finiteCount * count) / total
    this.#mean += (distance * count) / total
    this.#finiteCount = total
  }
}

/** Gathers the numbers of a second pass. */
export class Bins {
  readonly #start: number
  readonly #end: number
  readonly #counts: Float64Array

  /** `whole`: a bin for each number where they are few enough. */
  constructor({ min, max }: { min: number; max: number }, whole: boolean) {
    const each = whole && max - min < MOST_BINS
    const single = min === max
    this.#start = each ? min - 0.5 : single ? min - Math.max(Math.abs(min) / 2, 0.5) : min
    this.#end = each ? max + 0.5 : single ? max + Math.max(Math.abs(max) / 2, 0.5) : max
    this.#counts = new Float64Array(each ? max - min + 1 : MOST_BINS)
  }

  add(values: Float64Array): void {
    const counts = this.#counts
    const last = counts.length - 1
    // Halves first: the distance of two large numbers may be more than a number holds.
    const halfWidth = this.#end / 2 - this.#start / 2
    for (const value of values) {
      if (value - value !== 0) continue
      const bin = Math.min(last, Math.floor(((value / 2 - this.#start / 2) / halfWidth) * counts.length))
      counts[bin] = (counts[bin] ?? 0) + 1
    }
  }

  get histogram(): Histogram {
    return { start: this.#start, end: this.#end, counts: [...this.#counts] }
  }
}

/** The statistics of what `pass` goes through; it is called twice. */
export async function gatherStatistics(
  pass: (take: (values: Float64Array) => void) => Promise<void>,
  whole: boolean,
): Promise<TensorStatistics> {
  const moments = new Moments()
  await pass((values) => moments.add(values))
  const range = moments.finiteCount === 0 ? undefined : { min: moments.min, max: moments.max }
  const bins = range === undefined ? undefined : new Bins(range, whole)
  if (bins !== undefined) await pass((values) => bins.add(values))
  const { valueCount, nanCount, positiveInfinityCount, negativeInfinityCount, zeroCount } = moments
  const { mean, standardDeviation } = moments
  const counts = { valueCount, nanCount, positiveInfinityCount, negativeInfinityCount, zeroCount }
  return { ...counts, range, mean, standardDeviation, histogram: bins?.histogram }
}
