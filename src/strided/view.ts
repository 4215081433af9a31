/**
 * Strided views: which elements of a run of memory make up a tensor, and in what order.
 *
 * Element (i, j, …) lies at `elementOffset` + i * strides[0] + j * strides[1] + …. All of these count elements. None is
 * negative: torch has no negative strides, and what reads a file refuses them. An empty tensor touches nothing, so nobody
 * asks for its span.
 */

/** Sizes, outermost dimension first, and the step of each in elements. */
export interface Dimensions {
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** Elements at `elementOffset` + sum of index * stride, last index fastest. Dimensions are merged where they can be. */
export interface StridedView {
  readonly itemBytes: number
  readonly elementOffset: number
  readonly shape: readonly number[]
  /** In elements. */
  readonly strides: readonly number[]
}

export function elementCountOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/**
 * Where the last element lies, counted from the first. Where that is above 2^53 - 1, what comes out is too: rounding
 * keeps the order of numbers, and 2^53 is one.
 */
export function lastOffsetOf({ shape, strides }: Dimensions): number {
  let last = 0
  for (let d = 0; d < shape.length; d++) last += ((shape[d] as number) - 1) * (strides[d] as number)
  return last
}

/** Elements of the memory from the first to the last that a view touches. */
export function spanOf(view: Dimensions): number {
  return lastOffsetOf(view) + 1
}

/** Where element number `element` lies, counted from the first of the view. */
export function offsetAt({ shape, strides }: Dimensions, element: number): number {
  let offset = 0
  let left = element
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] as number
    const outer = Math.floor(left / size)
    offset += (left - outer * size) * (strides[d] as number)
    left = outer
  }
  return offset
}

/** Whether the elements lie in C order without gaps. Strides of dimensions of size 1 say nothing. */
export function isContiguous({ shape, strides }: Dimensions): boolean {
  let expected = 1
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] as number
    if (size === 1) continue
    if (strides[d] !== expected) return false
    expected *= size
  }
  return true
}

/** The same elements in the same order, without dimensions of size 1 and with neighbours joined that step as one. */
export function mergeDimensions({ shape, strides }: Dimensions): Dimensions {
  const merged = { shape: [] as number[], strides: [] as number[] }
  for (const [d, size] of shape.entries()) {
    if (size === 1) continue
    const stride = strides[d] as number
    const outer = merged.strides.length - 1
    if (merged.strides[outer] === stride * size) {
      merged.shape[outer] = (merged.shape[outer] as number) * size
      merged.strides[outer] = stride
    } else {
      merged.shape.push(size)
      merged.strides.push(stride)
    }
  }
  return merged
}
