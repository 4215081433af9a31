/** Keeps the checksums of extents whose bytes pass in pieces, in whatever order the pieces come. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { type Crc32, combineCrc32 } from "../bytes/crc32.ts"
import { CHECKSUM } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"

interface PassedPart {
  readonly offset: number
  readonly length: number
  readonly crc: number
}

/** Stands for whoever passes the bytes of an extent that is assigned to nobody. */
const ANYBODY = {}

/** Knows which extents have been checked. An extent counts once every byte of it has passed. */
export class ChecksumLedger {
  readonly #crc32: Crc32
  /** With whom each is assigned to. */
  readonly #unchecked = new Map<ByteExtent, object>()
  readonly #passing = new Map<ByteExtent, { parts: PassedPart[]; missing: number }>()
  /** Bytes of all the extents. */
  readonly byteLength: number
  #passedBytes = 0

  constructor(extents: readonly ByteExtent[], crc32: Crc32) {
    this.#crc32 = crc32
    for (const extent of extents) this.#unchecked.set(extent, ANYBODY)
    this.byteLength = this.unchecked().reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** Bytes of them that have passed. */
  get passedBytes(): number {
    return this.#passedBytes
  }

  /** Assigns an unchecked extent to `passer`, unless it is somebody's already. */
  assign(extent: ByteExtent, passer: object): void {
    if (this.#unchecked.get(extent) === ANYBODY) this.#unchecked.set(extent, passer)
  }

  /** Whether `passer` is to pass the bytes of `extent`, and they have not all passed. */
  isAssigned(extent: ByteExtent, passer: object): boolean {
    return this.#unchecked.get(extent) === passer
  }

  /** Whether some byte of `extent` has not passed. */
  isUnchecked(extent: ByteExtent): boolean {
    return this.#unchecked.has(extent)
  }

  /** Extents of which some byte has not passed. */
  unchecked(): readonly ByteExtent[] {
    return [...this.#unchecked.keys()]
  }

  /**
   * Takes note of decoded bytes of `extent`. Parts must not overlap; a caller that reads an extent twice passes only
   * one reading through here.
   *
   * @throws `checksum` when these were the last bytes and the whole does not match.
   */
  pass(extent: ByteExtent, offset: number, bytes: Uint8Array): void {
    if (!this.#unchecked.has(extent) || bytes.length === 0) return
    this.#pass(extent, offset, bytes.length, this.#crc32(bytes, 0))
  }

  /** As `pass`, for bytes whose CRC-32 was taken elsewhere. */
  passChecksum(extent: ByteExtent, offset: number, length: number, crc: number): void {
    if (this.#unchecked.has(extent) && length > 0) this.#pass(extent, offset, length, crc)
  }

  #pass(extent: ByteExtent, offset: number, length: number, crc: number): void {
    this.#passedBytes += length
    if (length === extent.byteLength) {
      this.#settle(extent, crc)
      return
    }
    const passing = this.#passing.get(extent) ?? { parts: [], missing: extent.byteLength }
    this.#passing.set(extent, passing)
    passing.parts.push({ offset, length, crc })
    passing.missing -= length
    if (passing.missing > 0) return
    const ordered = passing.parts.sort((a, b) => a.offset - b.offset)
    this.#settle(
      extent,
      ordered.reduce((crc, next) => combineCrc32(crc, next.crc, next.length), 0),
    )
  }

  #settle(extent: ByteExtent, actual: number): void {
    this.#unchecked.delete(extent)
    if (this.#passing.size > 0) this.#passing.delete(extent)
    const { name, crc32: expected = actual } = extent
    if (actual !== expected) throw new CheckpointError(CHECKSUM, { within: name, expected, actual })
  }
}

/**
 * A ledger that nobody has to complete: what is read here and there, and perhaps all of it in the end. An extent is checked
 * against its checksum when its last byte passes in order.
 */
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
