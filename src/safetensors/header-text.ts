/** The text of a header, and where in the file each of its characters lies. */

/** UTF-16 units between two known offsets. */
const STEP_UNITS = 4096

/** Decoded text that still knows its bytes. */
export class HeaderText {
  readonly text: string
  readonly #fileOffset: number
  readonly #byteLength: number
  /** Byte offset in the text of every `STEP_UNITS`th unit; made when the first offset is asked for. */
  #steps: number[] | undefined
  /** The unit that was asked for last, and its byte offset: the next is mostly near behind it. */
  #last = { index: 0, bytes: 0 }

  /** @throws TypeError when `bytes`, which lie at `fileOffset`, are not UTF-8. */
  constructor(bytes: Uint8Array, fileOffset: number) {
    // `ignoreBOM` keeps a byte order mark in the text, where it is not a `{`.
    this.text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
    this.#fileOffset = fileOffset
    this.#byteLength = bytes.byteLength
  }

  /** Byte offset in the file of the UTF-16 unit at `index`. */
  fileOffsetOf(index: number): number {
    if (this.text.length === this.#byteLength) return this.#fileOffset + index
    this.#steps ??= this.#measureSteps()
    const step = Math.floor(index / STEP_UNITS)
    const known =
      this.#last.index <= index && this.#last.index >= step * STEP_UNITS
        ? this.#last
        : { index: step * STEP_UNITS, bytes: this.#steps[step] ?? 0 }
    this.#last = { index, bytes: known.bytes + utf8Length(this.text, known.index, index) }
    return this.#fileOffset + this.#last.bytes
  }

  #measureSteps(): number[] {
    const steps = [0]
    let bytes = 0
    for (let start = 0; start + STEP_UNITS <= this.text.length; start += STEP_UNITS) {
      bytes += utf8Length(this.text, start, start + STEP_UNITS)
      steps.push(bytes)
    }
    return steps
  }
}

/** Bytes that are decoded at once in the search for the first that are no text. */
const SEARCHED_BYTES = 16_384

/** Offset in `bytes` of the first byte that cannot belong to UTF-8 text, or the length when the end is cut off. */
export function findInvalidUtf8(bytes: Uint8Array): number {
  // Whole blocks first, from boundaries of characters: halving all of it would decode it two dozen times over.
  let start = 0
  for (let end = SEARCHED_BYTES; end < bytes.byteLength; end += SEARCHED_BYTES) {
    const boundary = characterStart(bytes, end)
    if (!isUtf8(bytes.subarray(start, boundary))) break
    start = boundary
  }
  let valid = start
  let invalid = Math.min(start + 2 * SEARCHED_BYTES, bytes.byteLength) + 1
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2)
    if (beginsAsUtf8(bytes.subarray(start, middle))) valid = middle
    else invalid = middle
  }
  return valid
}

/** The start of the character that the byte at `at` belongs to, if it is one: three bytes back at most. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at
  while (start > at - 3 && ((bytes[start] as number) & 0xc0) === 0x80) start--
  return start
}

function isUtf8(bytes: Uint8Array): boolean {
  return decodes(bytes, false)
}

/** Whether `bytes` are text but for a character that is cut off at the end. */
function beginsAsUtf8(bytes: Uint8Array): boolean {
  return decodes(bytes, true)
}

function decodes(bytes: Uint8Array, stream: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream })
    return true
  } catch {
    return false
  }
}

/** Bytes of UTF-8 that the units `[start, end)` of well-formed text take; half a surrogate pair counts as two. */
function utf8Length(text: string, start: number, end: number): number {
  let bytes = 0
  for (let index = start; index < end; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) bytes += 2
    else bytes += 3
  }
  return bytes
}
