/** A source whose reads are counted, and of which one goes wrong. */

import type { ByteSource } from "../../src/node/index.ts"

/** What a read answers in place of its bytes. It may throw. */
export type ReadFault = (bytes: Uint8Array<ArrayBuffer>) => unknown

/** As above, for `readInto`, which has filled its target. */
export type FillFault = (count: number) => unknown

export interface FaultySource extends ByteSource {
  /** How often it was asked so far. */
  reads: number
}

interface Faults {
  /** The read that goes wrong, from 0. */
  readonly at: number
  readonly read: ReadFault
  /** Makes the source one that has `readInto`. */
  readonly fill?: FillFault | undefined
}

export function faultySource(file: Uint8Array, { at, read, fill }: Faults): FaultySource {
  // Not async: a fault may throw at once.
  const source: FaultySource = {
    byteLength: file.length,
    reads: 0,
    read(offset, length) {
      const bytes = file.slice(offset, offset + length)
      return (source.reads++ === at ? read(bytes) : Promise.resolve(bytes)) as Promise<Uint8Array>
    },
  }
  if (fill === undefined) return source
  source.readInto = (offset, target) => {
    const part = file.subarray(offset, offset + target.length)
    target.set(part)
    return (source.reads++ === at ? fill(part.length) : Promise.resolve(part.length)) as Promise<number>
  }
  return source
}
