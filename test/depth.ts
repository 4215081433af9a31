/**
 * How much the tests try. `npm test` is for everyone who changes something: each kind of case, in samples. `npm run
 * test:deep` tries all there is, as CI does before anything is merged. This is the only place that knows which it is.
 */

/** Set by `vitest.deep.config.ts`. */
export const DEEP = process.env["TEST_DEPTH"] === "deep"

/** The value for this run. */
export function depth<Value>({ quick, deep }: { readonly quick: Value; readonly deep: Value }): Value {
  return DEEP ? deep : quick
}

/**
 * Numbers from 0 to `count - 1`: all of them in a deep run, otherwise `quick` of them or a few more, spread evenly, the
 * last one among them.
 */
export function places(count: number, quick: number): readonly number[] {
  const step = DEEP ? 1 : Math.max(1, Math.floor(count / quick))
  return Array.from({ length: count }, (_, at) => at).filter((at) => (count - 1 - at) % step === 0)
}

/** All of `items` in a deep run, otherwise `quick` of them or a few more, as `places` has them. */
export function sampled<Item>(items: readonly Item[], quick: number): readonly Item[] {
  const taken = new Set(places(items.length, quick))
  return items.filter((_, at) => taken.has(at))
}
