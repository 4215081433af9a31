import { expect, it } from "vitest"
import { rowWindow, scrollTopFor } from "../../examples/web/src/model/row-window.ts"

const VIEW = { rowHeight: 36, viewHeight: 360 }

it("draws the rows in sight and a few more", () => {
  expect(rowWindow({ ...VIEW, rowCount: 1000, scrollTop: 0 })).toEqual({
    first: 0,
    end: 27,
    top: 0,
    totalHeight: 36_000,
  })
  const { first, end, top } = rowWindow({ ...VIEW, rowCount: 1000, scrollTop: 3600 })
  expect([first, end, top]).toEqual([92, 119, 92 * 36])
})

it("draws few rows of few, and none of none", () => {
  expect(rowWindow({ ...VIEW, rowCount: 3, scrollTop: 0 })).toMatchObject({ first: 0, end: 3 })
  expect(rowWindow({ ...VIEW, rowCount: 0, scrollTop: 0 })).toMatchObject({
    first: 0,
    end: 0,
    totalHeight: 0,
  })
})

it("stays below what browsers can place, and still reaches every row", () => {
  const rowCount = 2_000_000
  const { totalHeight } = rowWindow({ ...VIEW, rowCount, scrollTop: 0 })
  expect(totalHeight).toBe(8_000_000)
  const bottom = { ...VIEW, rowCount, scrollTop: totalHeight - VIEW.viewHeight }
  const last = rowWindow(bottom)
  expect(last.end).toBe(rowCount)
  // The last row ends where the table does.
  expect(last.top + (last.end - last.first) * VIEW.rowHeight).toBeCloseTo(totalHeight, 3)
})

it.each([100, 200_000, 2_000_000])("scrolls to a row of %i only as far as it must", (rowCount) => {
  for (const row of [0, 1, Math.floor(rowCount / 2), rowCount - 1]) {
    for (const from of [0, 1200]) {
      const scrollTop = scrollTopFor(row, { ...VIEW, rowCount, scrollTop: from })
      const { first, top } = rowWindow({ ...VIEW, rowCount, scrollTop })
      const rowTop = top + (row - first) * VIEW.rowHeight - scrollTop
      expect(rowTop).toBeGreaterThanOrEqual(-0.01)
      expect(rowTop + VIEW.rowHeight).toBeLessThanOrEqual(VIEW.viewHeight + 0.01)
    }
  }
  expect(scrollTopFor(3, { ...VIEW, rowCount, scrollTop: 0 })).toBe(0)
})
