/**
 * How many bytes of a storage its tensors cover, together and each byte once.
 *
 * A strided view covers a lattice: a run of bytes, repeated at steps. Most views are one run; slices of one matrix have
 * the same steps and are compared within one of them. What is left is written out run by run, as long as that is
 * affordable: a view may have as many runs as a file has bytes. Beyond it the answer is a lower bound, and says so.
 */

import { coalesce, OVERLAPPING, type RangeGroup } from "../bytes/coalesce.ts"
import { sortedSteps } from "../bytes/sorted.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import type { StridedView } from "./view.ts"

/** Repeats what it holds `count` times, `stride` bytes apart. Both are above 1. */
interface Level {
  readonly stride: number
  readonly count: number
}

/** The bytes `[start, start + runBytes)` of a storage, repeated at every level. */
export interface ByteLattice {
  readonly start: number
  readonly runBytes: number
  /** The widest steps first; none may be as short as the run. */
  readonly levels: readonly Level[]
}

/** Bytes that are covered; at least so many where it is not exact. */
export interface Coverage {
  readonly byteLength: number
  readonly exact: boolean
}

/** What working out the coverage of one checkpoint may cost. Both are used up on the way. */
export interface CoverageBudget {
  /** Dimensions of views that are looked at. */
  dimensions: number
  /** Runs that are written out and sorted. */
  runs: number
}

/** The bytes that a view touches; undefined when it has no elements. */
export function latticeOf(view: Omit<StridedView, "itemBytes">, itemBytes: number): ByteLattice | undefined {
  if (view.shape.includes(0)) return undefined
  const dimensions: Level[] = []
  for (let i = 0; i < view.shape.length; i++) {
    const count = view.shape[i] as number
    const stride = (view.strides[i] as number) * itemBytes
    if (count > 1 && stride > 0) dimensions.push({ stride, count })
  }
  if (dimensions.length > 1) dimensions.sort((a, b) => a.stride - b.stride)
  let runBytes = itemBytes
  const levels: Level[] = []
  for (const { stride, count } of dimensions) {
    const inner = levels.at(-1)
    // Steps no longer than the run leave no gap; neighbours that step as one are one level.
    if (inner === undefined && stride <= runBytes) runBytes += (count - 1) * stride
    else if (inner !== undefined && inner.stride * inner.count === stride)
      levels[levels.length - 1] = { stride: inner.stride, count: inner.count * count }
    else levels.push({ stride, count })
  }
  return { start: view.elementOffset * itemBytes, runBytes, levels: levels.reverse() }
}

/** The bytes that lie in at least one of `lattices`. */
export function* coverageOf(lattices: readonly ByteLattice[], budget: CoverageBudget): Steps<Coverage> {
  let byteLength = 0
  let exact = true
  let left = STEP_ITEMS
  const sorted = yield* sortedSteps(lattices, (a, b) => a.start - b.start)
  for (const group of coalesce(sorted, ({ start }) => start, endOf, OVERLAPPING)) {
    left -= group.items.length
    if (left <= 0) {
      left = STEP_ITEMS
      yield
    }
    const coverage = yield* groupCoverage(group, budget)
    byteLength += coverage.byteLength
    exact &&= coverage.exact
  }
  return { byteLength, exact }
}

/** One past the last byte. */
function endOf({ start, runBytes, levels }: ByteLattice): number {
  let end = start + runBytes
  for (const { stride, count } of levels) end += (count - 1) * stride
  return end
}

/** Of lattices whose first to last bytes overlap in a chain. */
function* groupCoverage(
  { offset, length, items: group }: RangeGroup<ByteLattice>,
  budget: CoverageBudget,
): Steps<Coverage> {
  const whole = { byteLength: length, exact: true }
  // Runs that overlap in a chain cover all from the first byte to the last.
  if (group.every(({ levels }) => levels.length === 0)) return whole
  if (group.some((each) => each.levels.length === 0 && each.runBytes === length)) return whole
  const distinct = group.length === 1 ? group : yield* withoutRepeats(group)
  const least = distinct.map(coverageOfOne)
  const [only] = least
  if (only?.exact === true && least.length === 1) return only
  const period = factorOut(distinct, offset, budget)
  if (period !== undefined) {
    const { byteLength, exact } = yield* coverageOf(period.within, budget)
    return { byteLength: byteLength * period.count, exact }
  }
  const runs = distinct.reduce((sum, lattice) => sum + runsOf(lattice), 0)
  if (runs <= budget.runs) {
    budget.runs -= runs
    return { byteLength: lengthOfRuns(distinct, runs), exact: true }
  }
  return { byteLength: least.reduce((most, each) => Math.max(most, each.byteLength), 0), exact: false }
}

function* withoutRepeats(group: readonly ByteLattice[]): Steps<readonly ByteLattice[]> {
  const distinct = new Map<string, ByteLattice>()
  let index = -1
  for (const lattice of group) {
    index++
    if (index % STEP_ITEMS === STEP_ITEMS - 1) yield
    const { start, runBytes, levels } = lattice
    distinct.set(`${start},${runBytes},${levels.map(({ stride, count }) => `${stride}x${count}`)}`, lattice)
  }
  return [...distinct.values()]
}

/** Exact when no level steps into what it repeats; otherwise such levels count once. */
function coverageOfOne({ runBytes, levels }: ByteLattice): Coverage {
  let byteLength = runBytes
  let span = runBytes
  let exact = true
  for (let i = levels.length - 1; i >= 0; i--) {
    const { stride, count } = levels[i] as Level
    if (stride >= span) byteLength *= count
    else exact = false
    span += (count - 1) * stride
  }
  return { byteLength, exact }
}

/** What lies within one step, where all lattices repeat the same step as often and none reaches into the next. */
interface Period {
  readonly count: number
  readonly within: readonly ByteLattice[]
}

function factorOut(group: readonly ByteLattice[], start: number, budget: CoverageBudget): Period | undefined {
  const stride = group.reduce((widest, { levels }) => Math.max(widest, levels[0]?.stride ?? 0), 0)
  const within: ByteLattice[] = []
  let count: number | undefined
  for (const lattice of group) {
    budget.dimensions -= lattice.levels.length + 1
    if (budget.dimensions < 0) return undefined
    const split = splitOuter(lattice, stride)
    if (split === undefined || split.count !== (count ?? split.count)) return undefined
    if (endOf(split.inner) > start + stride) return undefined
    count = split.count
    within.push(split.inner)
  }
  return count === undefined ? undefined : { count, within }
}

/** The lattice as `count` times what lies within `stride`; a level of shorter steps is divided where it can be. */
function splitOuter(
  { start, runBytes, levels }: ByteLattice,
  stride: number,
): { readonly count: number; readonly inner: ByteLattice } | undefined {
  const [outer, ...rest] = levels
  if (outer === undefined) return undefined
  const steps = stride / outer.stride
  if (!Number.isInteger(steps) || outer.count % steps !== 0) return undefined
  const inner = steps === 1 ? rest : [{ stride: outer.stride, count: steps }, ...rest]
  return { count: outer.count / steps, inner: { start, runBytes, levels: inner } }
}

function runsOf({ levels }: ByteLattice): number {
  return levels.reduce((product, { count }) => product * count, 1)
}

/** Bytes in at least one run. The runs' starts and ends are sorted apart: only how many are open matters. */
function lengthOfRuns(lattices: readonly ByteLattice[], runs: number): number {
  const starts = new Float64Array(runs)
  const ends = new Float64Array(runs)
  let filled = 0
  for (const lattice of lattices) {
    const first = filled
    starts[filled++] = lattice.start
    for (const { stride, count } of lattice.levels) {
      const repeated = filled - first
      for (let i = repeated; i < repeated * count; i++) {
        starts[filled++] = (starts[first + i - repeated] as number) + stride
      }
    }
    for (let i = first; i < filled; i++) ends[i] = (starts[i] as number) + lattice.runBytes
  }
  starts.sort()
  ends.sort()
  let length = 0
  let open = 0
  let since = 0
  for (let next = 0, ended = 0; ended < runs; ) {
    if (next < runs && (starts[next] as number) <= (ends[ended] as number)) {
      if (open++ === 0) since = starts[next] as number
      next++
    } else if (--open === 0) {
      length += (ends[ended++] as number) - since
    } else {
      ended++
    }
  }
  return length
}
