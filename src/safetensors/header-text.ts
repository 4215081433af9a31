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
    return this.#fileOffset + (this.#steps[step] ?? 0) + utf8Length(this.text, step * STEP_UNITS, index)
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

/** Offset in `bytes` of the first byte that cannot belong to UTF-8 text, or the length when the end is cut off. */
export function findInvalidUtf8(bytes: Uint8Array): number {
  let valid = 0
  let invalid = bytes.byteLength + 1
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2)
    if (beginsAsUtf8(bytes.subarray(0, middle))) valid = middle
    else invalid = middle
  }
  return valid
}

/** With `stream`, a character that is cut off at the end is not yet an error. */
function beginsAsUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true })
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
