/**
 * Picks the rows of a transposed plane, tile by tile.
 *
 * Row by row, each element of such a plane comes from another cache line and, in a wide one, from another page: a row of
 * 4,096 float32 asks for more pages than the processor keeps translations of. Within a tile a line is used up before it
 * is let go.
 */

/** Elements of 1, 2 or 4 bytes; wider ones are not picked by plane. */
export type PlaneUnits = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>

/** Rows and columns of a tile: 16 KiB of float32, from as many lines as the nearest cache holds. */
const TILE = 64

/** A row of this step or less takes several elements from each cache line: no tile is needed. */
const NEAR = 8

/** With fewer rows at once there is nothing to share. */
export const FEWEST_ROWS = 4

/** Part of a window: rows that lie closer together than the elements of a row. */
export interface Plane {
  readonly base: number
  readonly rows: number
  readonly rowStep: number
  readonly columns: number
  readonly columnStep: number
}

/** Whether rows are better picked by tile. */
export function isTransposed(rowStep: number, columnStep: number): boolean {
  return columnStep > NEAR && rowStep > 0 && rowStep <= NEAR
}

/** Writes the rows of `plane`, one after the other, to `to` from `at`. */
export function pickPlane(from: PlaneUnits, plane: Plane, to: PlaneUnits, at: number): void {
  const { base, rows, rowStep, columns, columnStep } = plane
  for (let row = 0; row < rows; row += TILE) {
    const rowEnd = Math.min(row + TILE, rows)
    for (let column = 0; column < columns; column += TILE) {
      const columnEnd = Math.min(column + TILE, columns)
      for (let r = row; r < rowEnd; r++) {
        let source = base + r * rowStep + column * columnStep
        const rowAt = at + r * columns
        for (let c = column; c < columnEnd; c++) {
          to[rowAt + c] = from[source] as number
          source += columnStep
        }
      }
    }
  }
}
