/** Numbers of the ZIP format, as APPNOTE.TXT 6.3.10 gives them. Sizes are of the fixed part of each record. */

import type { ByteCursor } from "../bytes/byte-cursor.ts"
import type { AnyFaultRow } from "../errors/all-errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_ENTRY, ZIP_NAME, ZIP64 } from "./errors.ts"

/** 4.3.7: local file header. */
export const LOCAL_HEADER = 0x04034b50
export const LOCAL_HEADER_BYTES = 30

/** 4.3.9: data descriptor. The signature is optional, the sizes take 4 or 8 bytes each: 12, 16, 20 or 24 bytes. */
export const DATA_DESCRIPTOR = 0x08074b50
export const MAX_DESCRIPTOR_BYTES = 24

/** 4.3.12: central directory header. */
export const DIRECTORY_HEADER = 0x02014b50
export const DIRECTORY_HEADER_BYTES = 46

/** 4.3.14: ZIP64 end of central directory record, version 1, without an extensible data sector. */
export const ZIP64_END_RECORD = 0x06064b50
export const ZIP64_END_RECORD_BYTES = 56

/** 4.3.15: ZIP64 end of central directory locator. */
export const ZIP64_LOCATOR = 0x07064b50
export const ZIP64_LOCATOR_BYTES = 20

/** 4.3.16: end of central directory record; a comment of up to 65,535 bytes follows it. */
export const END_RECORD = 0x06054b50
export const END_RECORD_BYTES = 22

/** 4.4.1.4: a field with this value has its real one in a ZIP64 record. */
export const MAX_UINT16 = 0xffff
export const MAX_UINT32 = 0xffffffff

/** 4.4.3.2: the version needed to extract, times ten. 6.3 is the newest that APPNOTE describes. */
export const MAX_VERSION = 63

/** 4.4.4: sizes and CRC follow the data. torch sets it on every member, as it writes without seeking back. */
export const FLAG_DESCRIPTOR = 0x0008
/** 4.4.4, appendix D: the name is UTF-8. torch sets it on every member. */
export const FLAG_UTF8 = 0x0800
/** 4.4.4: bits 1 and 2 (how hard deflate tried), 3 (descriptor) and 11 (names are UTF-8). All others are refused. */
export const SUPPORTED_FLAGS = 0x080e

/** 4.4.5: compression methods. */
export const METHOD_STORED = 0
export const METHOD_DEFLATED = 8

/** 4.5.3: extra field with the 64-bit values. */
export const EXTRA_ZIP64 = 0x0001
/** 4.6.9: extra field with a second name for the member, which some readers prefer. */
export const EXTRA_UNICODE_PATH = 0x7075

// Extra fields of a header (APPNOTE 4.5): ZIP64 values are taken, another name is refused, the rest is skipped.

/**
 * Moves `cursor` over `length` bytes of extra fields and returns the 64-bit values of the ZIP64 one, if there is one.
 * torch pads local headers with a field "FB" so that its data is aligned; such a field costs no allocation here.
 *
 * @throws `zip-entry`, `zip64`, `zip-name`.
 */
export function readExtraFields(
  cursor: ByteCursor,
  length: number,
  within: string,
  nameLength: number,
): readonly bigint[] | undefined {
  let values: readonly bigint[] | undefined
  let left = length
  while (left > 0) {
    const at = cursor.at
    if (left < 4) throw fault(ZIP_ENTRY, within, at, `${left} stray bytes in its extra field`)
    const id = cursor.readUint16LE()
    const fieldBytes = cursor.readUint16LE()
    left -= 4 + fieldBytes
    if (left < 0) {
      throw fault(
        ZIP_ENTRY,
        within,
        at,
        `an extra field of ${fieldBytes} bytes, ${left + fieldBytes} are there`,
      )
    }
    if (id === EXTRA_UNICODE_PATH) {
      requireSameName(cursor, fieldBytes, within, nameLength)
      continue
    }
    if (id !== EXTRA_ZIP64) {
      cursor.skip(fieldBytes)
      continue
    }
    if (values !== undefined) throw fault(ZIP64, within, at, "it has two ZIP64 extra fields")
    values = readZip64Values(cursor, fieldBytes, within)
  }
  return values
}

/**
 * A Unicode Path field (4.6.9: version, CRC-32 of the name, UTF-8 name) gives the member a name that only some readers
 * know. jszip writes one beside every name that is not ASCII; it is harmless when it repeats that name.
 */
function requireSameName(cursor: ByteCursor, fieldBytes: number, within: string, nameLength: number): void {
  const at = cursor.at
  if (fieldBytes === 5 + nameLength && cursor.skip(5).skipText(within, nameLength)) return
  throw fault(ZIP_NAME, within, at, "a Unicode Path field gives it another name")
}

/** Up to three 64-bit values (size, stored size, header offset), then perhaps a 32-bit disk number (4.5.3). */
function readZip64Values(cursor: ByteCursor, fieldBytes: number, within: string): readonly bigint[] {
  const at = cursor.at
  if (fieldBytes > 28 || fieldBytes % 4 !== 0) {
    throw fault(ZIP64, within, at, `its ZIP64 extra field has ${fieldBytes} bytes`)
  }
  const values: bigint[] = []
  for (let left = fieldBytes; left >= 8; left -= 8) values.push(cursor.readUint64LE())
  const disk = fieldBytes % 8 === 4 ? cursor.readUint32LE() : 0
  if (disk !== 0) throw fault(ZIP64, within, at, `it is said to begin on disk ${disk}`)
  return values
}

function fault(row: AnyFaultRow, within: string, at: number, problem: string): CheckpointError {
  return new CheckpointError(row, { within, at, problem })
}
