/**
 * Writes zip archives that can lie in every field. Defaults follow the specification; each override is one lie.
 *
 * Nothing here is Node's, so that the same files can be made in a browser.
 */

import { deflateSync } from "fflate"

/** What a local header and a directory row have in common. */
export interface HeaderFields {
  readonly signature: number
  /** Needed to extract, times ten. */
  readonly version: number
  readonly flags: number
  readonly method: number
  readonly crc32: number
  readonly storedLength: number
  readonly byteLength: number
  readonly name: Uint8Array
  readonly nameLength: number
  readonly extra: Uint8Array
  readonly extraLength: number
}

/** What only a directory row has. */
export interface RowFields extends HeaderFields {
  readonly disk: number
  readonly attributes: number
  readonly offset: number
  readonly comment: Uint8Array
  readonly commentLength: number
}

/** One member. */
export interface MemberSpec {
  readonly name: string | Uint8Array
  readonly data?: Uint8Array
  readonly method?: number
  readonly flags?: number
  /** What stands in the file instead of `data`, coded. */
  readonly stored?: Uint8Array
  /** Bytes before the local header that belong to nobody. */
  readonly before?: Uint8Array
  readonly descriptor?: Uint8Array
  readonly local?: Partial<HeaderFields>
  readonly row?: Partial<RowFields>
  /** Leaves the member out of the directory. */
  readonly hidden?: boolean
}

/** The fields of both end records. */
export interface EndFields {
  readonly disk: number
  readonly directoryDisk: number
  readonly entriesOnDisk: number
  readonly entryCount: number
  readonly directoryLength: number
  readonly directoryOffset: number
}

/** An archive. */
export interface ArchiveSpec {
  readonly members: readonly MemberSpec[]
  readonly beforeDirectory?: Uint8Array
  readonly afterRows?: Uint8Array
  readonly afterDirectory?: Uint8Array
  readonly zip64?: Partial<EndFields> & { readonly recordLength?: bigint }
  readonly locator?: { readonly offset?: bigint; readonly disk?: number; readonly disks?: number }
  readonly end?: Partial<EndFields>
  readonly comment?: Uint8Array
  readonly commentLength?: number
  readonly trailing?: Uint8Array
}

/** Little-endian bytes of `value`. */
export function little(length: 1 | 2 | 4 | 8, value: number | bigint): Uint8Array {
  if (length <= 4 && typeof value === "number") {
    return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24).subarray(0, length)
  }
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true)
  return bytes.slice(0, length)
}

/** All of `parts`, one behind the other. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** CRC-32 by the book, on purpose not the library's own. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}

const CRC_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** UTF-8. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

/** An extra field. */
export function extraField(id: number, data: Uint8Array): Uint8Array {
  return join(little(2, id), little(2, data.length), data)
}

/** The ZIP64 extra field with these 64-bit values. */
export function zip64Extra(...values: readonly (number | bigint)[]): Uint8Array {
  return extraField(1, join(...values.map((value) => little(8, value))))
}

/** A data descriptor with a signature and sizes of 4 bytes. */
export function descriptor(crc: number, storedLength: number, byteLength: number): Uint8Array {
  return join(little(4, 0x08074b50), little(4, crc), little(4, storedLength), little(4, byteLength))
}

/** A member as torch 2.13 writes it: flags 0x0808, zeros in the local header, descriptor, data aligned to 64. */
export function torchMember(name: string, data: Uint8Array, offset: number): MemberSpec {
  const headerLength = 30 + name.length + 4
  const padding = (64 - ((offset + headerLength) % 64)) % 64
  return {
    name,
    data,
    flags: 0x0808,
    local: {
      crc32: 0,
      storedLength: 0,
      byteLength: 0,
      extra: extraField(0x4246, new Uint8Array(padding).fill(0x5a)),
    },
    ...(data.length === 0 ? {} : { descriptor: descriptor(crc32(data), data.length, data.length) }),
  }
}

/** Bytes of a member in the archive. */
export function memberLength(spec: MemberSpec): number {
  return writeLocal(spec, defaultFields(spec)).length
}

/** An archive as torch writes it: its members, the ZIP64 records, and real values in the end record. */
export function torchArchive(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const members: MemberSpec[] = []
  let offset = 0
  for (const [name, data] of Object.entries(files)) {
    const member = torchMember(name, data, offset)
    offset += memberLength(member)
    members.push(member)
  }
  return buildZip({ members, zip64: {} })
}

function defaultFields(spec: MemberSpec): HeaderFields {
  const data = spec.data ?? new Uint8Array(0)
  const name = typeof spec.name === "string" ? text(spec.name) : spec.name
  return {
    signature: 0x04034b50,
    version: 20,
    flags: spec.flags ?? 0,
    method: spec.method ?? 0,
    crc32: crc32(data),
    storedLength: storedBytes(spec).length,
    byteLength: data.length,
    name,
    nameLength: name.length,
    extra: new Uint8Array(0),
    extraLength: 0,
  }
}

function storedBytes(spec: MemberSpec): Uint8Array {
  const data = spec.data ?? new Uint8Array(0)
  return spec.stored ?? (spec.method === 8 ? deflateSync(data) : data)
}

/** Overrides, with the lengths of name and extra field following unless they are overridden too. */
function override<T extends HeaderFields>(fields: T, changes: Partial<T> | undefined): T {
  const merged = { ...fields, ...changes }
  return {
    ...merged,
    nameLength: changes?.nameLength ?? merged.name.length,
    extraLength: changes?.extraLength ?? merged.extra.length,
  }
}

function writeLocal(spec: MemberSpec, fields: HeaderFields): Uint8Array {
  const f = override(fields, spec.local)
  return join(
    little(4, f.signature),
    little(2, f.version),
    little(2, f.flags),
    little(2, f.method),
    little(4, 0),
    little(4, f.crc32),
    little(4, f.storedLength),
    little(4, f.byteLength),
    little(2, f.nameLength),
    little(2, f.extraLength),
    f.name,
    f.extra,
    storedBytes(spec),
    spec.descriptor ?? new Uint8Array(0),
  )
}

function writeRow(spec: MemberSpec, fields: HeaderFields, offset: number): Uint8Array {
  const defaults: RowFields = {
    ...fields,
    signature: 0x02014b50,
    disk: 0,
    attributes: 0,
    offset,
    comment: new Uint8Array(0),
    commentLength: 0,
  }
  const f = override(defaults, spec.row)
  const commentLength = spec.row?.commentLength ?? f.comment.length
  return join(
    little(4, f.signature),
    little(2, 20),
    little(2, f.version),
    little(2, f.flags),
    little(2, f.method),
    little(4, 0),
    little(4, f.crc32),
    little(4, f.storedLength),
    little(4, f.byteLength),
    little(2, f.nameLength),
    little(2, f.extraLength),
    little(2, commentLength),
    little(2, f.disk),
    little(2, 0),
    little(4, f.attributes),
    little(4, f.offset),
    f.name,
    f.extra,
    f.comment,
  )
}

function writeEnd(spec: ArchiveSpec, fields: EndFields): Uint8Array {
  const f = { ...fields, ...spec.end }
  const comment = spec.comment ?? new Uint8Array(0)
  return join(
    little(4, 0x06054b50),
    little(2, f.disk),
    little(2, f.directoryDisk),
    little(2, f.entriesOnDisk),
    little(2, f.entryCount),
    little(4, f.directoryLength),
    little(4, f.directoryOffset),
    little(2, spec.commentLength ?? comment.length),
    comment,
    spec.trailing ?? new Uint8Array(0),
  )
}

function writeZip64(spec: ArchiveSpec, fields: EndFields, offset: number): Uint8Array {
  if (spec.zip64 === undefined) return new Uint8Array(0)
  const f = { ...fields, ...spec.zip64 }
  return join(
    little(4, 0x06064b50),
    little(8, spec.zip64.recordLength ?? 44),
    little(2, 45),
    little(2, 45),
    little(4, f.disk),
    little(4, f.directoryDisk),
    little(8, f.entriesOnDisk),
    little(8, f.entryCount),
    little(8, f.directoryLength),
    little(8, f.directoryOffset),
    little(4, 0x07064b50),
    little(4, spec.locator?.disk ?? 0),
    little(8, spec.locator?.offset ?? offset),
    little(4, spec.locator?.disks ?? 1),
  )
}

/** The archive's bytes. */
export function buildZip(spec: ArchiveSpec): Uint8Array {
  const parts: Uint8Array[] = []
  const rows: Uint8Array[] = []
  let offset = 0
  const put = (part: Uint8Array | undefined): void => {
    if (part === undefined) return
    parts.push(part)
    offset += part.length
  }
  for (const member of spec.members) {
    put(member.before)
    const fields = defaultFields(member)
    if (member.hidden !== true) rows.push(writeRow(member, fields, offset))
    put(writeLocal(member, fields))
  }
  put(spec.beforeDirectory)
  const directoryOffset = offset
  const directory = join(...rows, spec.afterRows ?? new Uint8Array(0))
  const fields: EndFields = {
    disk: 0,
    directoryDisk: 0,
    entriesOnDisk: rows.length,
    entryCount: rows.length,
    directoryLength: directory.length,
    directoryOffset,
  }
  put(directory)
  put(spec.afterDirectory)
  put(writeZip64(spec, fields, offset))
  put(writeEnd(spec, fields))
  return join(...parts)
}
