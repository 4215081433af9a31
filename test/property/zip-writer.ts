/** Writes a zip archive, as torch does or as any other tool does. */

import { crc32, deflateRawSync } from "node:zlib"

/** How an archive is written. */
export interface ZipStyle {
  /** Zeros in the local headers, data descriptors behind the data, padding to 64 bytes, and the ZIP64 records. */
  readonly torch: boolean
  /** Whether the checksums are there, or all zero as torch writes them on request. */
  readonly checksums: boolean
  /** Which members are deflated. */
  readonly deflated: (name: string) => boolean
}

/** `words` as little-endian numbers of these many bytes each. */
function numbers(...words: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Buffer {
  return Buffer.concat(
    words.map(([length, value]) => {
      const word = Buffer.alloc(8)
      word.writeBigUInt64LE(BigInt(value))
      return word.subarray(0, length)
    }),
  )
}

/** The archive with these members, in order. */
export function writeZip(members: ReadonlyMap<string, Uint8Array>, style: ZipStyle): Uint8Array {
  return Buffer.concat(zipParts(members, style))
}

/** The same in pieces: of a large archive that is never in memory as a whole. */
export function zipParts(members: ReadonlyMap<string, Uint8Array>, style: ZipStyle): readonly Uint8Array[] {
  const parts: Buffer[] = []
  const checksums = new Map<Uint8Array, number>()
  const rows: Buffer[] = []
  let offset = 0
  const put = (part: Uint8Array): void => {
    parts.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
    offset += part.length
  }
  for (const [text, data] of members) {
    const name = Buffer.from(text)
    const deflated = style.deflated(text)
    const stored = deflated ? deflateRawSync(data) : data
    const crc = style.checksums ? (checksums.get(data) ?? crc32(data)) : 0
    checksums.set(data, crc)
    const flags = style.torch ? 0x0808 : 0x0800
    const method = deflated ? 8 : 0
    const sums = numbers([4, crc], [4, stored.length], [4, data.length])
    const start = offset
    const gap = style.torch ? (64 - ((start + 34 + name.length) % 64)) % 64 : 0
    const extra = style.torch
      ? Buffer.concat([numbers([2, 0x4246], [2, gap]), Buffer.alloc(gap, "Z")])
      : Buffer.alloc(0)
    put(numbers([4, 0x04034b50], [2, 20], [2, flags], [2, method], [4, 0]))
    put(style.torch ? Buffer.alloc(12) : sums)
    put(Buffer.concat([numbers([2, name.length], [2, extra.length]), name, extra]))
    put(stored)
    if (style.torch && stored.length > 0) put(Buffer.concat([numbers([4, 0x08074b50]), sums]))
    const row = numbers([4, 0x02014b50], [2, 20], [2, 20], [2, flags], [2, method], [4, 0])
    const rest = numbers([2, name.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, start])
    rows.push(Buffer.concat([row, sums, rest, name]))
  }
  const directory = Buffer.concat(rows)
  const at = offset
  put(directory)
  const count = rows.length
  if (style.torch) {
    const zip64 = offset
    put(numbers([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count]))
    put(numbers([8, directory.length], [8, at], [4, 0x07064b50], [4, 0], [8, zip64], [4, 1]))
  }
  put(
    numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, at], [2, 0]),
  )
  return parts
}
