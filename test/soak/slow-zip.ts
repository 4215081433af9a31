/** Reads a zip archive from its end, as the tools do that believe it: the directory says where members are. */

import { crc32, inflateRawSync } from "node:zlib"
import { SlowError } from "./slow-values.ts"

/** A member: where its record and its data are, and what it holds. */
export interface SlowMember {
  readonly name: string
  readonly crc: number
  readonly method: number
  /** Where its local header begins. */
  readonly headerAt: number
  readonly dataAt: number
  readonly storedLength: number
  readonly byteLength: number
  /** Where its row of the directory begins. */
  readonly rowAt: number
  /** Bytes as they were before they were packed. */
  read(): Uint8Array
}

/** The records at the end of an archive. */
export interface SlowDirectory {
  readonly members: readonly SlowMember[]
  readonly endAt: number
  /** The ZIP64 end record and its locator, when there are any. */
  readonly zip64At: number | undefined
  readonly locatorAt: number | undefined
  readonly directoryAt: number
}

/** The members in the order of the directory. `verify` holds them against their checksums when they are read. */
export function slowZip(file: Uint8Array, verify: boolean): SlowDirectory {
  const data = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const u16 = (at: number): number => data.readUInt16LE(at)
  const u32 = (at: number): number => data.readUInt32LE(at)
  const u64 = (at: number): number => Number(data.readBigUInt64LE(at))

  let endAt = data.length - 22
  while (endAt >= 0 && !(u32(endAt) === 0x06054b50 && endAt + 22 + u16(endAt + 20) === data.length)) endAt--
  if (endAt < 0) throw new SlowError("no end record")
  const locatorAt = endAt >= 20 && u32(endAt - 20) === 0x07064b50 ? endAt - 20 : undefined
  const zip64At = locatorAt === undefined ? undefined : u64(locatorAt + 8)
  const [count, directoryAt] =
    zip64At === undefined
      ? ([u16(endAt + 10), u32(endAt + 16)] as const)
      : ([u64(zip64At + 32), u64(zip64At + 48)] as const)

  const members: SlowMember[] = []
  let rowAt = directoryAt
  for (let i = 0; i < count; i++) {
    if (u32(rowAt) !== 0x02014b50) throw new SlowError("no row of the directory")
    const [method, crc] = [u16(rowAt + 10), u32(rowAt + 16)]
    const [nameLength, extraLength] = [u16(rowAt + 28), u16(rowAt + 30)]
    const extra = data.subarray(rowAt + 46 + nameLength, rowAt + 46 + nameLength + extraLength)
    const wide = zip64Values(extra)
    const long = (short: number): number => (short === 0xffffffff ? (wide.shift() ?? short) : short)
    const byteLength = long(u32(rowAt + 24))
    const storedLength = long(u32(rowAt + 20))
    const headerAt = long(u32(rowAt + 42))
    const name = data.toString("utf8", rowAt + 46, rowAt + 46 + nameLength)
    if (u32(headerAt) !== 0x04034b50) throw new SlowError(`no local header of ${name}`)
    const dataAt = headerAt + 30 + u16(headerAt + 26) + u16(headerAt + 28)
    const read = (): Uint8Array => {
      const stored = data.subarray(dataAt, dataAt + storedLength)
      const bytes = method === 8 ? inflateRawSync(stored, { maxOutputLength: byteLength + 1 }) : stored
      if (bytes.length !== byteLength) throw new SlowError(`${name} has another size`)
      if (verify && hasChecksums() && crc32(bytes) !== crc)
        throw new SlowError(`${name} has another checksum`)
      return bytes
    }
    members.push({ name, crc, method, headerAt, dataAt, storedLength, byteLength, rowAt, read })
    rowAt += 46 + nameLength + extraLength + u16(rowAt + 32)
  }
  // torch can leave all of them out.
  const hasChecksums = (): boolean => members.some((member) => member.crc !== 0)
  return { members, endAt, zip64At, locatorAt, directoryAt }
}

function zip64Values(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    const length = extra.readUInt16LE(at + 2)
    const values: number[] = []
    for (let i = 0; i + 8 <= length; i += 8) values.push(Number(extra.readBigUInt64LE(at + 4 + i)))
    return values
  }
  return []
}
