/** Which edges inputs took and how often, in the buckets of AFL: 1, 2, 3, 4, 8, 16, 32, 128 times. */

import { MAP_BYTES } from "./instruments.ts"

/** The bucket of a count as one bit. */
const BUCKET = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count === 0) return 0
  const steps = [1, 2, 3, 4, 8, 16, 32, 128]
  return 1 << steps.findLastIndex((step) => count >= step)
})

/** Words for outcomes count as edges too, from here on. */
const OUTCOMES_FROM = MAP_BYTES - 1024

/** What a run did: edge and bucket in one number, ascending. */
export type Features = Uint32Array

/** All that has been seen. */
export class Coverage {
  readonly #map: Uint8Array
  readonly #words: Uint32Array
  readonly #edgeCount: number
  readonly #seen = new Uint8Array(MAP_BYTES)
  /** Edges that were taken when the modules were loaded. */
  readonly #loaded: Uint8Array
  /** Runs that took an edge. */
  readonly hits = new Uint32Array(MAP_BYTES)
  readonly #outcomes = new Map<string, number>()
  readonly #buffer = new Uint32Array(MAP_BYTES)
  #length = 0

  constructor(map: Uint8Array, edgeCount: number) {
    this.#map = map
    this.#edgeCount = edgeCount
    this.#loaded = map.slice()
    this.#words = new Uint32Array(map.buffer, map.byteOffset, Math.ceil(edgeCount / 4))
  }

  /** Takes in the run that has ended with `outcome`. True when it did something new. */
  take(outcome: string): boolean {
    this.#length = 0
    let isNew = false
    const words = this.#words
    for (let w = 0; w < words.length; w++) {
      if (words[w] === 0) continue
      const end = Math.min(w * 4 + 4, this.#edgeCount)
      for (let edge = w * 4; edge < end; edge++) {
        const count = this.#map[edge] as number
        if (count !== 0) isNew = this.#takeEdge(edge, BUCKET[count] as number) || isNew
      }
    }
    return this.#takeEdge(this.#outcomeEdge(outcome), 1) || isNew
  }

  /** What the last run did. */
  features(): Features {
    return this.#buffer.slice(0, this.#length)
  }

  /** True when the last run did all of `features`, which ascend. */
  includes(features: Features): boolean {
    let at = 0
    for (const feature of features) {
      while (at < this.#length && (this.#buffer[at] as number) < feature) at++
      if (this.#buffer[at] !== feature) return false
    }
    return true
  }

  /** True when some run took the edge, or loading did. */
  has(edge: number): boolean {
    return this.#seen[edge] !== 0 || this.#loaded[edge] !== 0
  }

  get outcomes(): readonly string[] {
    return [...this.#outcomes.keys()]
  }

  /** Runs that ended so. */
  outcomeHits(outcome: string): number {
    return this.hits[this.#outcomes.get(outcome) ?? 0] ?? 0
  }

  #takeEdge(edge: number, bit: number): boolean {
    this.#buffer[this.#length++] = edge * 256 + bit
    this.hits[edge] = (this.hits[edge] as number) + 1
    if (((this.#seen[edge] as number) & bit) !== 0) return false
    this.#seen[edge] = (this.#seen[edge] as number) | bit
    return true
  }

  #outcomeEdge(outcome: string): number {
    const known = this.#outcomes.get(outcome)
    if (known !== undefined) return known
    const edge = OUTCOMES_FROM + Math.min(this.#outcomes.size, 1000)
    this.#outcomes.set(outcome, edge)
    return edge
  }
}

/** The edge of a feature. */
export function edgeOf(feature: number): number {
  return Math.floor(feature / 256)
}
