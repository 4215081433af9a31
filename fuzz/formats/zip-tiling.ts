/**
 * A walk over a zip archive from its first byte, for comparing: header, data, descriptor, header, …, directory, end
 * records, end of file. It trusts the directory for lengths and nothing for places.
 */

export interface TiledMember {
  readonly name: string
  readonly dataOffset: number
  readonly storedLength: number
  readonly byteLength: number
  readonly crc32: number
}

interface Row extends Omit<TiledMember, "dataOffset"> {
  readonly headerOffset: number
  readonly flags: number
  readonly nameBytes: string
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1")

/** The members in file order, or what does not fit. */
export function tileZip(bytes: Uint8Array): readonly TiledMember[] | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ends = endRecords(view)
  if (ends.length !== 1) return `${ends.length} end records`
  const [end = 0] = ends
  const zip64 = end >= 76 && view.getUint32(end - 20, true) === 0x07064b50
  const directoryEnd = zip64 ? end - 76 : end
  if (zip64 && view.getUint32(directoryEnd, true) !== 0x06064b50) return "no ZIP64 record before the locator"
  const count = zip64 ? Number(view.getBigUint64(directoryEnd + 32, true)) : view.getUint16(end + 10, true)
  const start = zip64 ? Number(view.getBigUint64(directoryEnd + 48, true)) : view.getUint32(end + 16, true)
  const rows = readRows(bytes, view, start, directoryEnd)
  if (typeof rows === "string") return rows
  if (rows.length !== count) return `${rows.length} rows, ${count} counted`
  return walk(
    bytes,
    view,
    [...rows].sort((a, b) => a.headerOffset - b.headerOffset),
    start,
  )
}

/** Places whose comment ends at the end of the file. */
function endRecords(view: DataView): readonly number[] {
  const found: number[] = []
  for (let at = 0; at + 22 <= view.byteLength; at++) {
    if (view.getUint32(at, true) !== 0x06054b50) continue
    if (at + 22 + view.getUint16(at + 20, true) === view.byteLength) found.push(at)
  }
  return found
}

function readRows(bytes: Uint8Array, view: DataView, start: number, end: number): readonly Row[] | string {
  const rows: Row[] = []
  let at = start
  while (at < end) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) return `no row at ${at}`
    const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)]
    const nameBytes = bytes.subarray(at + 46, at + 46 + nameLength)
    const wide = wideValues(view, at + 46 + nameLength, extraLength)
    const resolve = (value: number): number => (value === 0xffffffff ? Number(wide.shift() ?? value) : value)
    const byteLength = resolve(view.getUint32(at + 24, true))
    const storedLength = resolve(view.getUint32(at + 20, true))
    const headerOffset = resolve(view.getUint32(at + 42, true))
    const [flags, crc32] = [view.getUint16(at + 8, true), view.getUint32(at + 16, true)]
    const name = Buffer.from(nameBytes).toString("utf8")
    rows.push({ name, nameBytes: latin1(nameBytes), byteLength, storedLength, headerOffset, flags, crc32 })
    at += 46 + nameLength + extraLength + view.getUint16(at + 32, true)
  }
  return at === end ? rows : `the rows end at ${at}, not ${end}`
}

function wideValues(view: DataView, start: number, length: number): bigint[] {
  for (let at = start; at + 4 <= start + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue
    const count = Math.floor(view.getUint16(at + 2, true) / 8)
    return Array.from({ length: count }, (_, i) => view.getBigUint64(at + 4 + 8 * i, true))
  }
  return []
}

function walk(
  bytes: Uint8Array,
  view: DataView,
  rows: readonly Row[],
  directory: number,
): readonly TiledMember[] | string {
  const members: TiledMember[] = []
  let at = 0
  for (const [index, row] of rows.entries()) {
    const { name, storedLength, byteLength, crc32 } = row
    if (row.headerOffset !== at) return `${name} begins at ${row.headerOffset}, the last one ends at ${at}`
    if (view.getUint32(at, true) !== 0x04034b50) return `no header at ${at}`
    const nameLength = view.getUint16(at + 26, true)
    if (latin1(bytes.subarray(at + 30, at + 30 + nameLength)) !== row.nameBytes)
      return `another name at ${at}`
    const dataOffset = at + 30 + nameLength + view.getUint16(at + 28, true)
    const next = rows[index + 1]?.headerOffset ?? directory
    const left = next - dataOffset - storedLength
    if (left !== 0 && !((row.flags & 8) !== 0 && [12, 16, 20, 24].includes(left)))
      return `${left} bytes behind ${name}`
    members.push({ name, dataOffset, storedLength, byteLength, crc32 })
    at = next
  }
  return at === directory ? members : `the directory begins at ${directory}, the members end at ${at}`
}
