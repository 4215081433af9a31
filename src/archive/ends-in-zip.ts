/**
 * Whether a file that begins as something else ends in a zip archive. Python's `zipfile`, `unzip` and most others look for
 * an archive from the end and put up with anything before it, so such a file is two: which one is read depends on who
 * reads it.
 */

import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { TAIL_BYTES } from "./archive-tail.ts"
import * as zip from "./zip-format.ts"

const SIGNATURE_BYTES = 4

/** Directories outside the tail that are looked for. Chance makes one end record in 65,000 files, not many in one. */
const MOST_SOUGHT = 16

/**
 * True when an end record has its directory where one of the usual readers looks for it: right before it, or at its
 * offset in the file. Reads the last 64 KiB, and where a record points elsewhere, four bytes there.
 */
export async function endsInZip(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  const length = Math.min(source.byteLength, TAIL_BYTES)
  const offset = source.byteLength - length
  const tail = await readExactly(source, { offset, length }, signal)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  const holds = (at: number, signature: number): boolean =>
    at >= 0 && at + SIGNATURE_BYTES <= length && view.getUint32(at, true) === signature
  const sought = new Set<number>()
  for (let at = tail.indexOf(0x50); at >= 0; at = tail.indexOf(0x50, at + 1)) {
    if (!holds(at, zip.END_RECORD) || at + zip.END_RECORD_BYTES > length) continue
    if (holds(at - zip.ZIP64_LOCATOR_BYTES, zip.ZIP64_LOCATOR)) return true
    const count = view.getUint16(at + 10, true)
    const directoryLength = view.getUint32(at + 12, true)
    const directoryOffset = view.getUint32(at + 16, true)
    const end = at + zip.END_RECORD_BYTES + view.getUint16(at + 20, true)
    if (count === 0 && directoryLength === 0 && end === length) return true
    if (directoryLength < zip.DIRECTORY_HEADER_BYTES) continue
    if (holds(at - directoryLength, zip.DIRECTORY_HEADER)) return true
    for (const place of [offset + at - directoryLength, directoryOffset]) {
      if (place >= 0 && place + zip.DIRECTORY_HEADER_BYTES <= source.byteLength) sought.add(place)
    }
  }
  if (sought.size > MOST_SOUGHT) return true
  for (const place of sought) if (await hasDirectory(source, place, signal)) return true
  return false
}

async function hasDirectory(
  source: ByteSource,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const bytes = await readExactly(source, { offset, length: SIGNATURE_BYTES }, signal)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === zip.DIRECTORY_HEADER
}
