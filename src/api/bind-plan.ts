/** Holds a plan that may come from a file against the sources that it is carried out with. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { invalidArgument } from "../bytes/failures.ts"
import type { Plan, PlannedExtent } from "../plan/plan.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import type { Segment } from "../plan/segments.ts"
import { elementCountOf, spanOf } from "../strided/view.ts"
import { quoteText } from "../text/quote-text.ts"

/** Bytes of an element at most: a complex number of two float64. */
const MAX_ITEM_BYTES = 16

/**
 * The extents of `plan` with their sources, which must be those that it was made for, as far as their lengths tell.
 *
 * @throws `invalid-argument` for a plan that does not fit together, or that has extents which nobody has located.
 */
export function bindExtents(plan: Plan, sources: readonly NamedSource[]): readonly ByteExtent[] {
  for (const [index, { name, byteLength }] of plan.sources.entries()) {
    const found = sources[index]?.source.byteLength
    if (found === byteLength) continue
    throw badPlan(`${quoteText(name)} had ${byteLength} bytes, and the source of that name has ${found}`)
  }
  const extents = plan.extents.map((extent) => bindExtent(extent, sources[extent.source]?.source))
  for (const segment of plan.segments) requireInside(segment, extents)
  if (plan.checkedExtents.some((place) => extents[place] === undefined))
    throw badPlan("it checks what it does not have")
  return extents
}

function bindExtent(extent: PlannedExtent, source: ByteSource | undefined): ByteExtent {
  const { offset, storedLength, byteLength, coding, crc32, name } = extent
  if (offset === undefined) throw badPlan(`nobody has located ${quoteText(name)}: use \`locate\` before`)
  const isWhole = coding === "deflate" || (coding === "stored" && storedLength === byteLength)
  const fits = source !== undefined && areCounts(offset, storedLength, byteLength)
  if (!isWhole || !fits || offset + storedLength > source.byteLength) {
    throw badPlan(`${quoteText(name)} lies outside its source`)
  }
  return { source, offset, storedLength, byteLength, coding, crc32, name }
}

/** A segment must take what the extent has, and give what it says. */
function requireInside(segment: Segment, extents: readonly ByteExtent[]): void {
  const { kind, start, length } = segment
  if (!areCounts(start, length)) throw badPlan("a segment has no length")
  if (kind === "header") return
  const available = extents[segment.extent]?.byteLength ?? -1
  if (kind === "copy") {
    const { offsetInExtent } = segment
    if (areCounts(offsetInExtent) && offsetInExtent + length <= available) return
  } else if (kind === "gather") {
    const { itemBytes, elementOffset, shape, strides } = segment.view
    const isView =
      areCounts(itemBytes, elementOffset, ...shape, ...strides) &&
      shape.length === strides.length &&
      !shape.includes(0) &&
      itemBytes > 0 &&
      itemBytes <= MAX_ITEM_BYTES
    const end = isView ? (elementOffset + spanOf(segment.view)) * itemBytes : available + 1
    if (end <= available && elementCountOf(shape) * itemBytes === length) return
  }
  throw badPlan("a segment lies outside its extent")
}

function areCounts(...values: readonly number[]): boolean {
  return values.every((value) => Number.isSafeInteger(value) && value >= 0)
}

function badPlan(problem: string): Error {
  return invalidArgument("plan", problem)
}
