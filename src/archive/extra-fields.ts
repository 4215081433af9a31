/** Extra fields of a header (APPNOTE 4.5): ZIP64 values are taken, another name is refused, the rest is skipped. */

import type { ByteCursor } from "../bytes/byte-cursor.ts"
import type { AnyFaultRow } from "../errors/all-errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_ENTRY, ZIP_NAME, ZIP64 } from "./errors.ts"
import { EXTRA_UNICODE_PATH, EXTRA_ZIP64 } from "./zip-format.ts"

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
