/**
 * The last bytes of a file, and the one end record in them. APPNOTE 4.3.16.
 *
 * An archive is found from its end, and a comment of any text may stand there, so two readers can find two
 * different archives in one file. Only a file in which there is nothing to choose passes.
 */

import { ByteCursor } from "../bytes/byte-cursor.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { ZIP_AMBIGUOUS, ZIP_END_RECORD } from "./errors.ts"
import * as zip from "./zip-format.ts"

/** Enough for the end record with the longest comment, and the two ZIP64 records before it. */
export const TAIL_BYTES: number =
  zip.END_RECORD_BYTES + zip.MAX_UINT16 + zip.ZIP64_LOCATOR_BYTES + zip.ZIP64_END_RECORD_BYTES

const FETCH_AGAIN = "Fetch the file again, and compare its size with the one that its publisher states."

/** Bytes of a file that have been read, and where they stand in it. */
export interface FileBytes {
  readonly bytes: Uint8Array
  readonly offset: number
}

/** The end of an archive. */
export interface ArchiveTail extends FileBytes {
  /** File offset of the end record. */
  readonly endRecordAt: number
}

/**
 * Reads the end of `source` once and finds the end record.
 *
 * @throws `zip-end-record`, `zip-ambiguous`; and as `readExactly`.
 */
export async function readArchiveTail(source: ByteSource, signal?: AbortSignal): Promise<ArchiveTail> {
  const length = Math.min(source.byteLength, TAIL_BYTES)
  const offset = source.byteLength - length
  const tail = { offset, bytes: await readExactly(source, { offset, length }, signal) }
  const endRecordAt = findEndRecord(tail) ?? (await refuseMissingEnd(source, tail, signal))
  return { ...tail, endRecordAt }
}

/** A cursor over the rest of `tail`, from file offset `at` on. */
export function cursorAt(tail: FileBytes, at: number): ByteCursor {
  return new ByteCursor(tail.bytes, tail.offset).skip(at - tail.offset)
}

function hasEndSignature(bytes: Uint8Array, i: number): boolean {
  return bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 0x05 && bytes[i + 3] === 0x06
}

/** File offset where the comment of the end record at index `i` ends. */
function commentEnd(tail: FileBytes, i: number): number {
  const at = tail.offset + i
  return at + zip.END_RECORD_BYTES + cursorAt(tail, at + 20).readUint16LE()
}

/**
 * File offset of the only end record whose comment reaches the end of the file; undefined when there is none.
 *
 * @throws `zip-ambiguous`.
 */
function findEndRecord(tail: FileBytes): number | undefined {
  const { bytes, offset } = tail
  const fileEnd = offset + bytes.length
  let found: number | undefined
  let last: number | undefined
  for (let i = bytes.length - 4; i >= 0; i--) {
    if (!hasEndSignature(bytes, i)) continue
    last ??= offset + i
    if (i > bytes.length - zip.END_RECORD_BYTES || commentEnd(tail, i) !== fileEnd) continue
    if (found !== undefined) throw ambiguous(offset + i, found)
    found = offset + i
  }
  // A reader that takes the last signature would find another one inside the comment.
  if (found !== undefined && last !== undefined && last !== found && fileEnd - found > zip.END_RECORD_BYTES) {
    throw ambiguous(found, last)
  }
  return found
}

function ambiguous(first: number, second: number): CheckpointError {
  const problem = `two records at bytes ${first} and ${second} can be taken for the end of the archive`
  return new CheckpointError(ZIP_AMBIGUOUS, { at: second, problem })
}

/** Says why there is no end record: cut off, followed by something, or not an archive at all. */
async function refuseMissingEnd(source: ByteSource, tail: FileBytes, signal?: AbortSignal): Promise<never> {
  const { bytes, offset } = tail
  const size = source.byteLength
  for (let i = bytes.length - zip.END_RECORD_BYTES; i >= 0; i--) {
    if (!hasEndSignature(bytes, i)) continue
    const extra = size - commentEnd(tail, i)
    const problem =
      extra > 0
        ? `${extra} bytes follow the end of the archive`
        : `the archive's comment is cut off: ${-extra} bytes are missing after ${size}`
    throw new CheckpointError(ZIP_END_RECORD, { at: offset + i, problem })
  }
  const start = new ByteCursor(await readExactly(source, { offset: 0, length: Math.min(4, size) }, signal), 0)
  const isArchive = start.remaining === 4 && start.readUint32LE() === zip.LOCAL_HEADER
  const problem = isArchive
    ? `the archive's directory is missing: the file is incomplete (a partial download?), it ends after ${size} bytes`
    : `there is no end record in the last ${bytes.length} of ${size} bytes: this is not a zip archive`
  // What to do about a download that is incomplete is known; about other bytes it is not.
  const nextStep = isArchive ? FETCH_AGAIN : undefined
  throw new CheckpointError(ZIP_END_RECORD, { at: size, problem }, { nextStep })
}
