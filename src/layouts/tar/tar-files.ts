/** The files of a tar archive, as far as their headers go: names and sizes. POSIX.1-1988 ustar, GNU and pax names. */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import type { HeldFile } from "../../torch/errors.ts"
import { isTarHeader } from "./tar-header.ts"

const BLOCK_BYTES = 512

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
