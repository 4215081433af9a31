/** Inputs that did something new, and which of them to change next. */

import { edgeOf, type Features } from "./coverage.ts"
import type { Random } from "./random.ts"

export interface Entry {
  bytes: Uint8Array
  features: Features
  /** Whether its comparisons have been tried. */
  explored: boolean
}

/** Runs between two looks at which edges are rare. */
const RARE_LASTS = 20_000

export class Corpus {
  readonly entries: Entry[] = []
  /** The shortest entry with each feature. */
  readonly #owners = new Map<number, Entry>()
  #rare: readonly number[] = []
  #rareFor = 0

  get size(): number {
    return this.entries.length
  }

  add(bytes: Uint8Array, features: Features): Entry {
    const entry = { bytes, features, explored: false }
    this.entries.push(entry)
    this.#own(entry)
    return entry
  }

  /** The features of which `entry` is the shortest. */
  ownedBy(entry: Entry): Features {
    return entry.features.filter((feature) => this.#owners.get(feature) === entry)
  }

  /** Puts shorter bytes with other features, but all that it owns, into the place of an entry's. */
  shorten(entry: Entry, bytes: Uint8Array, features: Features): void {
    entry.bytes = bytes
    entry.features = features
    entry.explored = false
    this.#own(entry)
  }

  /** The next entry to change: mostly one that takes an edge which few runs take. */
  pick(random: Random, hits: Uint32Array): Entry {
    if (this.#rareFor-- <= 0) this.#findRare(hits)
    const chance = random.below(10)
    if (chance < 5 && this.#rare.length > 0) {
      const owner = this.#owners.get(random.pick(this.#rare))
      if (owner !== undefined) return owner
    }
    if (chance < 8) {
      const recent = Math.max(8, this.size >> 3)
      return this.entries[Math.max(0, this.size - 1 - random.below(recent))] as Entry
    }
    return random.pick(this.entries)
  }

  /** As few short entries as have every feature. */
  minimised(): readonly Entry[] {
    const kept: Entry[] = []
    const covered = new Set<number>()
    for (const entry of [...this.entries].sort((a, b) => a.bytes.length - b.bytes.length)) {
      if (entry.features.every((feature) => covered.has(feature))) continue
      for (const feature of entry.features) covered.add(feature)
      kept.push(entry)
    }
    return kept
  }

  #own(entry: Entry): void {
    for (const feature of entry.features) {
      const owner = this.#owners.get(feature)
      if (owner === undefined || owner.bytes.length > entry.bytes.length) this.#owners.set(feature, entry)
    }
  }

  #findRare(hits: Uint32Array): void {
    const features = [...this.#owners.keys()].sort((a, b) => (hits[edgeOf(a)] ?? 0) - (hits[edgeOf(b)] ?? 0))
    this.#rare = features.slice(0, Math.ceil(features.length / 4))
    this.#rareFor = RARE_LASTS / 100
  }
}
