/** Which rows of a long table lie in sight. All lengths are in CSS pixels. */

/** Browsers place nothing beyond some 17,000,000 px. A taller table is scrolled faster than its rows move. */
const MOST_PIXELS = 8_000_000

/** Rows above and below what is seen, so that scrolling shows no gaps. */
const SPARE_ROWS = 8

export interface Scrolling {
  readonly rowCount: number
  readonly rowHeight: number
  readonly viewHeight: number
  readonly scrollTop: number
}

export interface RowWindow {
  /** Half-open: `[first, end)`. */
  readonly first: number
  readonly end: number
  /** Where the first of these rows begins, from the top of what is scrolled. */
  readonly top: number
  /** Height of what is scrolled. */
  readonly totalHeight: number
}

/** The rows to draw. */
export function rowWindow(scrolling: Scrolling): RowWindow {
  const { rowCount, rowHeight, viewHeight, scrollTop } = scrolling
  const totalHeight = totalHeightOf(scrolling)
  const shown = Math.ceil(viewHeight / rowHeight)
  const offset = scrollTop * ratioOf(scrolling)
  const first = Math.max(0, Math.min(Math.floor(offset / rowHeight), rowCount - 1) - SPARE_ROWS)
  const end = Math.min(rowCount, first + shown + 1 + 2 * SPARE_ROWS)
  return { first, end, top: first * rowHeight - offset + scrollTop, totalHeight }
}

/** Where to scroll so that `row` is in sight; `scrollTop` itself when it is. */
export function scrollTopFor(row: number, scrolling: Scrolling): number {
  const { rowHeight, viewHeight, scrollTop } = scrolling
  const ratio = ratioOf(scrolling)
  const offset = scrollTop * ratio
  if (row * rowHeight < offset) return (row * rowHeight) / ratio
  const lowest = (row + 1) * rowHeight - viewHeight
  return lowest > offset ? lowest / ratio : scrollTop
}

function totalHeightOf({ rowCount, rowHeight }: Scrolling): number {
  return Math.min(rowCount * rowHeight, MOST_PIXELS)
}

/** Pixels of rows for one that is scrolled. */
function ratioOf(scrolling: Scrolling): number {
  const { rowCount, rowHeight, viewHeight } = scrolling
  const room = totalHeightOf(scrolling) - viewHeight
  return room <= 0 ? 1 : (rowCount * rowHeight - viewHeight) / room
}
