/**
 * Whether Python's `tarfile` takes the first bytes for a tar archive: `torch.load` tries that before anything else that
 * is no zip archive (torch 2.13, `torch/serialization.py`, `_legacy_load`), and unpickles members of it.
 *
 * `tarfile` looks at no magic: any 512 bytes whose checksum is right are a header, those of the oldest tar among them
 * (CPython, `Lib/tarfile.py`, `TarInfo.frombuf`, `nti`, `calc_chksums`).
 */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import type { HeldFile } from "../../torch/errors.ts"

const BLOCK_BYTES = 512
const CHECKSUM_AT = 148
const CHECKSUM_BYTES = 8
/** The checksum's own field counts as blanks. */
const BLANKS = 8 * 0x20

/** What Python's `int(text, 8)` takes. */
const OCTAL = /^[+-]?(?:0[oO]_?)?[0-7]+(?:_[0-7]+)*$/

/** White space of ASCII, to Python's `str.strip`. */
const STRIPPED = /^[\t-\r\x1c-\x20]+|[\t-\r\x1c-\x20]+$/g

/** `head` holds the first 512 bytes, or all there are. */
export function isTarHeader(head: Uint8Array): boolean {
  if (head.byteLength < BLOCK_BYTES) return false
  const expected = checksumField(head.subarray(CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES))
  if (expected === undefined) return false
  // Some writers of old summed signed bytes.
  let unsigned = BLANKS
  let signed = BLANKS
  let isEmpty = true
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = head[at] as number
    isEmpty &&= byte === 0
    if (at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES) continue
    unsigned += byte
    signed += byte > 0x7f ? byte - 0x100 : byte
  }
  return !isEmpty && (expected === unsigned || expected === signed)
}

/** Octal digits, or with a first byte of 0x80 or 0xff a number to the base 256. */
function checksumField(field: Uint8Array): number | undefined {
  const [first = 0] = field
  if (first === 0x80 || first === 0xff) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
    return first === 0x80 ? value : value - 256 ** (CHECKSUM_BYTES - 1)
  }
  const zero = field.indexOf(0)
  const bytes = zero < 0 ? field : field.subarray(0, zero)
  if (bytes.some((byte) => byte > 0x7f)) return undefined
  const text = String.fromCharCode(...bytes).replace(STRIPPED, "")
  if (text === "") return 0
  if (!OCTAL.test(text)) return undefined
  const value = Number.parseInt(text.replace(/[+_-]|0[oO]/g, ""), 8)
  return text.startsWith("-") ? -value : value
}

// The files of a tar archive, as far as their headers go: names and sizes. POSIX.1-1988 ustar, GNU and pax names.

/** Headers that are read. Each is a read of its own, which a server answers slowly. */
const MOST_HEADERS = { low: 2_000, high: 16 } as const

/** A longer name, or a longer list of pax's, is not looked at. */
const LONGEST_NAME = 4_096

/** Types of entries: a file (also as old tools wrote it), a name of GNU's and one of pax's for the next entry. */
const FILES = ["0", "\0", "7"]
const GNU_NAME = "L"
const PAX = "x"

/** Every file, until a header is none, the archive ends, or there are too many. */
export async function listTarFiles(source: ByteSource, signal?: AbortSignal): Promise<readonly HeldFile[]> {
  const files: HeldFile[] = []
  let longName: string | undefined
  let at = 0
  for (let count = 0; count < MOST_HEADERS[source.readCost ?? "low"]; count++) {
    if (at + BLOCK_BYTES > source.byteLength) break
    const block = await readExactly(source, { offset: at, length: BLOCK_BYTES }, signal)
    const byteLength = sizeOf(block)
    if (!isTarHeader(block) || byteLength === undefined) break
    const type = String.fromCharCode(block[156] ?? 0)
    const dataAt = at + BLOCK_BYTES
    if ((type === GNU_NAME || type === PAX) && byteLength <= LONGEST_NAME) {
      if (dataAt + byteLength > source.byteLength) break
      const text = textOf(await readExactly(source, { offset: dataAt, length: byteLength }, signal))
      longName = type === GNU_NAME ? text : /^\d+ path=(.*)$/m.exec(text)?.[1]
    } else {
      if (FILES.includes(type)) files.push({ name: longName ?? nameOf(block), byteLength })
      longName = undefined
    }
    at = dataAt + Math.ceil(byteLength / BLOCK_BYTES) * BLOCK_BYTES
  }
  return files
}

/** Octal digits; for 8 GiB and more GNU writes a binary number behind a byte 0x80. */
function sizeOf(block: Uint8Array): number | undefined {
  const field = block.subarray(124, 136)
  if (field[0] !== 0x80) return octal(field)
  const size = field.subarray(1).reduce((total, byte) => total * 256 + byte, 0)
  return Number.isSafeInteger(size) ? size : undefined
}

function octal(field: Uint8Array): number | undefined {
  const digits = /^ *([0-7]{1,12})[ \0]*$/.exec(String.fromCharCode(...field))?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 8)
}

function nameOf(block: Uint8Array): string {
  const isUstar = textOf(block.subarray(257, 262)) === "ustar"
  const prefix = isUstar ? textOf(block.subarray(345, 500)) : ""
  const name = textOf(block.subarray(0, 100))
  return prefix === "" ? name : `${prefix}/${name}`
}

/** Up to the first NUL. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
