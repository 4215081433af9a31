/** Sorting in steps: the engine's own sort holds the event loop until it is done, which for 2,000,000 names is seconds. */

import type { Steps } from "./turns.ts"

/** Items that are sorted at once: a millisecond or two. */
const MOST_RUN_ITEMS = 4096

/** How some thousand items are sorted. */
export interface RunOptions<Item> {
  /** Items of a run, where fewer than 4,096 take long. */
  readonly runItems?: number
  /** Sorts a run by the same order, where there is a faster way to do so. */
  readonly sortRun?: (run: Item[]) => Item[]
}

/** `items` in the order of `compare`, equal ones in the order in which they are given. */
export function* sortedSteps<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
  options: RunOptions<Item> = {},
): Steps<Item[]> {
  const { sortRun = (run) => run.sort(compare) } = options
  const runItems = Math.min(options.runItems ?? MOST_RUN_ITEMS, MOST_RUN_ITEMS)
  let runs: Item[][] = []
  for (let start = 0; start < items.length; start += runItems) {
    runs.push(sortRun(items.slice(start, start + runItems)))
    if (items.length > runItems) yield
  }
  while (runs.length > 1) {
    const merged: Item[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      const [first, second] = [runs[i] as Item[], runs[i + 1]]
      merged.push(second === undefined ? first : yield* mergedSteps(first, second, compare, runItems / 4))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* mergedSteps<Item>(
  first: readonly Item[],
  second: readonly Item[],
  compare: (a: Item, b: Item) => number,
  stepItems: number,
): Steps<Item[]> {
  const length = first.length + second.length
  const merged: Item[] = new Array(length)
  let left = stepItems
  for (let at = 0, a = 0, b = 0; at < length; at++) {
    const takesFirst =
      b === second.length || (a < first.length && compare(first[a] as Item, second[b] as Item) <= 0)
    merged[at] = (takesFirst ? first[a++] : second[b++]) as Item
    if (--left <= 0) {
      left = stepItems
      yield
    }
  }
  return merged
}
