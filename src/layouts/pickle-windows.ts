/**
 * Looks for pickles at the beginning of something long, and reads no more of it than it takes to tell: weights are told
 * from a pickle by their first bytes, and of a pickle all is looked at.
 */

import { inTurns } from "../bytes/turns.ts"
import type { PickleRow, RowOptions } from "../pickle/list-pickles.ts"
import { listPicklesSteps } from "../pickle/list-pickles.ts"

/** What is read first, and how much more each time after that. */
const FIRST_WINDOW_BYTES = 4096
const GROWTH = 16

/** The row of pickles, and the bytes that it was found in. */
export interface WindowedRow {
  readonly bytes: Uint8Array
  readonly row: PickleRow
}

/** What `listPickles` needs, and how to read. */
export interface WindowOptions extends Omit<RowOptions, "start" | "isWhole"> {
  readonly byteLength: number
  /** The first `length` bytes. Called with ever more. */
  readonly read: (length: number) => Promise<Uint8Array>
  readonly signal: AbortSignal | undefined
  /** Bytes after which nothing more is read: a row that is open then cannot be told. Default: all. */
  readonly most?: number
}

/** Lists the pickles at the beginning, from windows that grow until nothing is open. */
export async function listWindows(options: WindowOptions): Promise<WindowedRow> {
  const { byteLength, read, signal, most = byteLength } = options
  const all = Math.min(byteLength, most)
  for (let wanted = FIRST_WINDOW_BYTES; ; wanted *= GROWTH) {
    const length = Math.min(wanted, all)
    const bytes = await read(length)
    const row = await inTurns(listPicklesSteps(bytes, { ...options, isWhole: length === byteLength }), signal)
    if (!row.isOpen || row.fault !== undefined || length === all) return { bytes, row }
  }
}
