/** Neighbours among byte ranges: those that one read takes, gaps and all, and those that overlap. */

import type { ByteRange } from "./read-exactly.ts"

/** When a range joins those before it. */
export interface Joining {
  /** Bytes between it and them at most. With 0 they may touch, with -1 they overlap. */
  readonly maxGap: number
  /** Bytes from the first to the last of a group at most. A range that is longer stands alone. */
  readonly maxLength: number
}

/** From the first byte of a group to its last. `items` are in the order given, and at least one. */
export interface RangeGroup<Item> extends ByteRange {
  readonly items: readonly Item[]
}

/** How views that share memory are grouped. */
export const OVERLAPPING: Joining = { maxGap: -1, maxLength: Number.POSITIVE_INFINITY }

/**
 * Groups `items`, each of which takes the bytes `[startOf, endOf)`. They come in the order of their starts; one that
 * begins before its predecessor begins a group. The numbers come from functions because there may be millions of items.
 */
export function* coalesce<Item>(
  items: Iterable<Item>,
  startOf: (item: Item) => number,
  endOf: (item: Item) => number,
  { maxGap, maxLength }: Joining,
): Generator<RangeGroup<Item>, void> {
  let group: Item[] = []
  let offset = 0
  let end = 0
  let last = 0
  for (const item of items) {
    const start = startOf(item)
    const newEnd = Math.max(end, endOf(item))
    const joins = start >= last && start - end <= maxGap && newEnd - offset <= maxLength
    if (group.length > 0 && !joins) {
      yield { offset, length: end - offset, items: group }
      group = []
    }
    if (group.length === 0) {
      offset = start
      end = endOf(item)
    } else end = newEnd
    last = start
    group.push(item)
  }
  if (group.length > 0) yield { offset, length: end - offset, items: group }
}
