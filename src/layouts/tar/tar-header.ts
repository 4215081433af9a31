/**
 * Whether Python's `tarfile` takes the first bytes for a tar archive: `torch.load` tries that before anything else that
 * is no zip archive (torch 2.13, `torch/serialization.py`, `_legacy_load`), and unpickles members of it.
 *
 * `tarfile` looks at no magic: any 512 bytes whose checksum is right are a header, those of the oldest tar among them
 * (CPython, `Lib/tarfile.py`, `TarInfo.frombuf`, `nti`, `calc_chksums`).
 */

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
