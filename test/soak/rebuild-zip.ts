/** Packs members into an archive that is right in every respect, quickly: most mutants go through here. */

import { crc32, deflateRawSync } from "node:zlib"

export interface PackedMember {
  readonly name: string
  readonly data: Uint8Array
}

/** As torch packs (descriptors, padding, ZIP64 records) or plainly; with or without checksums; deflated or stored. */
export interface PackStyle {
  readonly torch: boolean
  readonly checksums: boolean
  readonly deflated: (member: PackedMember) => boolean
}

const LOCAL_BYTES = 30
const ROW_BYTES = 46
const ALIGNMENT = 64

const crcs = new WeakMap<Uint8Array, number>()

function crcOf(data: Uint8Array): number {
  const known = crcs.get(data)
  if (known !== undefined) return known
  const crc = crc32(data)
  crcs.set(data, crc)
  return crc
}

interface Row {
  readonly name: Buffer
  readonly stored: Uint8Array
  readonly byteLength: number
  readonly crc: number
  readonly method: number
  readonly at: number
  readonly padding: number
}

export function packZip(members: readonly PackedMember[], style: PackStyle): Uint8Array<ArrayBuffer> {
  const { torch } = style
  const rows: Row[] = []
  let at = 0
  let directoryBytes = 0
  for (const member of members) {
    const name = Buffer.from(member.name)
    const deflated = style.deflated(member)
    const stored = deflated ? deflateRawSync(member.data) : member.data
    const padding = torch ? (ALIGNMENT - ((at + LOCAL_BYTES + name.length + 4) % ALIGNMENT)) % ALIGNMENT : -4
    const crc = style.checksums ? crcOf(member.data) : 0
    rows.push({ name, stored, byteLength: member.data.length, crc, method: deflated ? 8 : 0, at, padding })
    at += LOCAL_BYTES + name.length + 4 + padding + stored.length + (torch && stored.length > 0 ? 16 : 0)
    directoryBytes += ROW_BYTES + name.length
  }
  const file = Buffer.alloc(at + directoryBytes + (torch ? 76 : 0) + 22)
  for (const row of rows) writeLocal(file, row, torch)
  let rowAt = at
  for (const row of rows) rowAt = writeRow(file, row, torch, rowAt)
  writeEnd(file, { at, directoryBytes, count: rows.length, torch, endAt: rowAt })
  return new Uint8Array(file.buffer, file.byteOffset, file.length)
}

function writeLocal(
  file: Buffer,
  { name, stored, byteLength, crc, method, at, padding }: Row,
  torch: boolean,
): void {
  file.writeUInt32LE(0x04034b50, at)
  file.writeUInt16LE(20, at + 4)
  file.writeUInt16LE(torch ? 0x0808 : 0x0800, at + 6)
  file.writeUInt16LE(method, at + 8)
  if (!torch) writeSums(file, at + 14, { crc, stored, byteLength })
  file.writeUInt16LE(name.length, at + 26)
  file.writeUInt16LE(4 + padding, at + 28)
  name.copy(file, at + LOCAL_BYTES)
  let dataAt = at + LOCAL_BYTES + name.length
  if (torch) {
    file.writeUInt16LE(0x4246, dataAt)
    file.writeUInt16LE(padding, dataAt + 2)
    file.fill(0x5a, dataAt + 4, dataAt + 4 + padding)
  }
  dataAt += 4 + padding
  file.set(stored, dataAt)
  if (!torch || stored.length === 0) return
  file.writeUInt32LE(0x08074b50, dataAt + stored.length)
  writeSums(file, dataAt + stored.length + 4, { crc, stored, byteLength })
}

function writeSums(
  file: Buffer,
  at: number,
  { crc, stored, byteLength }: Pick<Row, "crc" | "stored" | "byteLength">,
): void {
  file.writeUInt32LE(crc, at)
  file.writeUInt32LE(stored.length, at + 4)
  file.writeUInt32LE(byteLength, at + 8)
}

function writeRow(file: Buffer, row: Row, torch: boolean, at: number): number {
  file.writeUInt32LE(0x02014b50, at)
  file.writeUInt16LE(20, at + 4)
  file.writeUInt16LE(20, at + 6)
  file.writeUInt16LE(torch ? 0x0808 : 0x0800, at + 8)
  file.writeUInt16LE(row.method, at + 10)
  writeSums(file, at + 16, row)
  file.writeUInt16LE(row.name.length, at + 28)
  file.writeUInt32LE(row.at, at + 42)
  row.name.copy(file, at + ROW_BYTES)
  return at + ROW_BYTES + row.name.length
}

interface End {
  readonly at: number
  readonly directoryBytes: number
  readonly count: number
  readonly torch: boolean
  readonly endAt: number
}

function writeEnd(file: Buffer, { at, directoryBytes, count, torch, endAt }: End): void {
  let end = endAt
  if (torch) {
    file.writeUInt32LE(0x06064b50, end)
    file.writeUInt32LE(44, end + 4)
    file.writeUInt32LE(0x2d002d, end + 12)
    file.writeUInt32LE(count, end + 24)
    file.writeUInt32LE(count, end + 32)
    file.writeUInt32LE(directoryBytes, end + 40)
    file.writeUInt32LE(at, end + 48)
    file.writeUInt32LE(0x07064b50, end + 56)
    file.writeUInt32LE(end, end + 64)
    file.writeUInt32LE(1, end + 72)
    end += 76
  }
  file.writeUInt32LE(0x06054b50, end)
  file.writeUInt16LE(count, end + 8)
  file.writeUInt16LE(count, end + 10)
  file.writeUInt32LE(directoryBytes, end + 12)
  file.writeUInt32LE(at, end + 16)
}
