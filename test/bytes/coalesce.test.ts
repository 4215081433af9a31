import fc from "fast-check"
import { expect, it } from "vitest"
import { coalesce, type Joining, OVERLAPPING } from "../../src/bytes/coalesce.ts"

type Range = readonly [start: number, end: number]

/** Each group as its first byte, its end, and how many ranges it holds. */
const groupsOf = (ranges: readonly Range[], joining: Joining): readonly (readonly number[])[] =>
  Array.from(
    coalesce(
      ranges,
      ([start]) => start,
      ([, end]) => end,
      joining,
    ),
    ({ offset, length, items }) => [offset, offset + length, items.length],
  )

it.each([
  [
    "within the gap",
    [
      [0, 4],
      [6, 8],
      [11, 12],
    ],
    { maxGap: 2, maxLength: 99 },
    [
      [0, 8, 2],
      [11, 12, 1],
    ],
  ],
  [
    "up to a length",
    [
      [0, 4],
      [4, 8],
      [8, 9],
    ],
    { maxGap: 2, maxLength: 8 },
    [
      [0, 8, 2],
      [8, 9, 1],
    ],
  ],
  [
    "longer than that alone",
    [
      [0, 40],
      [41, 42],
    ],
    { maxGap: 2, maxLength: 8 },
    [
      [0, 40, 1],
      [41, 42, 1],
    ],
  ],
  [
    "to the end of the longest",
    [
      [0, 9],
      [1, 2],
      [9, 10],
    ],
    { maxGap: 0, maxLength: 99 },
    [[0, 10, 3]],
  ],
  [
    "in chains of overlaps",
    [
      [0, 5],
      [4, 9],
      [8, 9],
      [9, 12],
    ],
    OVERLAPPING,
    [
      [0, 9, 3],
      [9, 12, 1],
    ],
  ],
  [
    "that go back apart",
    [
      [5, 6],
      [6, 7],
      [0, 9],
    ],
    { maxGap: 9, maxLength: 99 },
    [
      [5, 7, 2],
      [0, 9, 1],
    ],
  ],
  ["of nothing not at all", [], OVERLAPPING, []],
] as const)("groups ranges %s", (_, ranges, joining, expected) => {
  expect(groupsOf(ranges, joining)).toEqual(expected)
})

it("loses no range, and keeps to its bounds", () => {
  const range = fc.tuple(fc.nat(100), fc.nat(20)).map(([start, length]): Range => [start, start + length])
  const joining = fc.record({ maxGap: fc.integer({ min: -1, max: 9 }), maxLength: fc.nat(60) })
  fc.assert(
    fc.property(fc.array(range), joining, (ranges, { maxGap, maxLength }) => {
      const groups = [
        ...coalesce(
          ranges,
          ([start]) => start,
          ([, end]) => end,
          { maxGap, maxLength },
        ),
      ]
      expect(groups.flatMap(({ items }) => items)).toEqual(ranges)
      for (const { offset, length, items } of groups) {
        expect(offset).toBe(Math.min(...items.map(([start]) => start)))
        expect(offset + length).toBe(Math.max(...items.map(([, end]) => end)))
        if (items.length > 1) expect(length).toBeLessThanOrEqual(maxLength)
      }
    }),
  )
})
