/** Checksums of what is read here and there, and perhaps all of it in the end: whoever goes through in order checks all. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { Crc32 } from "../bytes/crc32.ts"
import { CHECKSUM } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ChecksumLedger } from "./checksum-ledger.ts"

/** A ledger that nobody has to complete. An extent is checked against its checksum when its last byte passes in order. */
export class OrderedChecksums extends ChecksumLedger {
  readonly #crc32: Crc32
  readonly #checked: ReadonlySet<ByteExtent>
  /** How far each extent has passed from its beginning. */
  readonly #passing = new Map<ByteExtent, { end: number; crc: number }>()

  /** Only `extents` are looked at. */
  constructor(extents: readonly ByteExtent[], crc32: Crc32) {
    super([], crc32)
    this.#crc32 = crc32
    this.#checked = new Set(extents)
  }

  /** Whoever reads passes what it reads. */
  override assign(): void {}

  override isAssigned(): boolean {
    return true
  }

  /** @throws `checksum`. */
  override pass(extent: ByteExtent, offset: number, bytes: Uint8Array): void {
    const { crc32: expected, name } = extent
    if (expected === undefined || bytes.length === 0 || !this.#checked.has(extent)) return
    const before = offset === 0 ? { end: 0, crc: 0 } : this.#passing.get(extent)
    if (before?.end !== offset) return
    const now = { end: offset + bytes.length, crc: this.#crc32(bytes, before.crc) }
    if (now.end < extent.byteLength) {
      this.#passing.set(extent, now)
      return
    }
    this.#passing.delete(extent)
    if (now.crc !== expected) throw new CheckpointError(CHECKSUM, { within: name, expected, actual: now.crc })
  }
}
