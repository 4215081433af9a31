import fc from "fast-check"
import { expect, it } from "vitest"
import { KeptBytes } from "../../src/http/url-source.ts"
import { depth } from "../depth.ts"

const FILE = Uint8Array.from({ length: 4000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff)

const range = fc
  .tuple(fc.nat(3999), fc.nat(3999))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const)

it("what is kept of a range is what the file has there, and does not overlap", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), range, (runs, [start, end]) => {
      const kept = new KeptBytes()
      for (const [from, to] of runs) kept.keep(from, FILE.slice(from, to))
      const { before, after } = kept.endsOf(start, end - start)
      expect(before).toEqual(FILE.slice(start, start + before.length))
      expect(after).toEqual(FILE.slice(end - after.length, end))
      expect(before.length + after.length).toBeLessThanOrEqual(end - start)
    }),
    { seed: 7, numRuns: depth({ quick: 60, deep: 500 }) },
  )
})

it("the head grows with what follows it, up to a megabyte", () => {
  const kept = new KeptBytes()
  kept.keep(0, FILE.slice(0, 100))
  kept.keep(100, FILE.slice(100, 3000))
  kept.keep(3001, FILE.slice(3001, 3500))
  expect(kept.endsOf(0, 4000).before).toEqual(FILE.slice(0, 3000))
  kept.keep(3000, new Uint8Array(1 << 20))
  expect(kept.endsOf(0, 4000).before.length).toBe(3000)
})

it("the first run stays, and long ones are not kept", () => {
  const kept = new KeptBytes()
  for (let i = 0; i < 30; i++) kept.keep(i * 101, FILE.slice(i * 101, i * 101 + 100))
  expect(kept.endsOf(0, 100).before.length).toBe(100)
  expect(kept.endsOf(101, 100).before.length).toBe(0)
  expect(kept.endsOf(29 * 101, 100).before.length).toBe(100)
  kept.keep(5000, new Uint8Array(1 << 20))
  expect(kept.endsOf(5000, 1).before.length).toBe(0)
})
