/** Takes what a conversion would write and compares it with a file instead. */

import { areUint8ArraysEqual } from "uint8array-extras"
import { TRUNCATED } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { ByteSink, ByteSource } from "../node/index.ts"
import type { ByteDifference, ComparableTensor } from "./tensor-comparison.ts"

/** A range of the conversion's output that stands in the file in one piece, moved by `shift`. */
interface Run {
  readonly start: number
  end: number
  readonly shift: number
  readonly tensors: ComparableTensor[]
}

/** Finds the first byte of each tensor that differs. Everything is compared, one chunk at a time. */
export class ComparingSink implements ByteSink {
  readonly randomAccess = true
  readonly #file: ByteSource
  readonly #runs: readonly Run[]
  readonly #headerBytes: number
  readonly #differences = new Map<string, ByteDifference>()
  #headerEqual = true

  /** `tensors` by `start`; `headerBytes` is where the tensor data of the conversion begins. */
  constructor(file: ByteSource, tensors: readonly ComparableTensor[], headerBytes: number) {
    this.#file = file
    this.#headerBytes = headerBytes
    this.#runs = joinTensors(tensors)
  }

  /** By name, in no order that means anything. */
  get differences(): readonly ByteDifference[] {
    return [...this.#differences.values()]
  }

  /** Whether everything before the tensor data is the same too. */
  get headerEqual(): boolean {
    return this.#headerEqual
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.byteLength
    if (position < this.#headerBytes) await this.#compareHeader(position, bytes)
    for (let index = this.#firstRunAfter(position); index < this.#runs.length; index++) {
      const run = this.#runs[index]
      if (run === undefined || run.start >= end) break
      const from = Math.max(position, run.start)
      const part = bytes.subarray(from - position, Math.min(end, run.end) - position)
      const found = await this.#read(from + run.shift, part.byteLength)
      if (!areUint8ArraysEqual(found, part)) this.#locate(run, from, { found, expected: part })
    }
  }

  async close(): Promise<void> {}

  async abort(): Promise<void> {}

  async #compareHeader(position: number, bytes: Uint8Array): Promise<void> {
    const expected = bytes.subarray(0, this.#headerBytes - position)
    // The file's own header may be shorter than the one that a conversion writes.
    const length = Math.max(0, Math.min(expected.byteLength, this.#file.byteLength - position))
    const found = await this.#read(position, length)
    if (!areUint8ArraysEqual(found, expected)) this.#headerEqual = false
  }

  /** A file that has become shorter is not a file that differs. */
  async #read(at: number, wanted: number): Promise<Uint8Array> {
    const found = await this.#file.read(at, wanted)
    if (found.byteLength === wanted) return found
    await this.#file.assertUnchanged?.()
    throw new CheckpointError(TRUNCATED, { at, wanted, got: found.byteLength })
  }

  /** The first run that ends after `position`, by bisection: a file of 200,000 tensors may have as many runs. */
  #firstRunAfter(position: number): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#runs[middle]?.end ?? 0) <= position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Keeps the first differing byte of each tensor; chunks may come in any order. */
  #locate(
    run: Run,
    position: number,
    { found, expected }: { readonly found: Uint8Array; readonly expected: Uint8Array },
  ): void {
    for (const { name, start, end } of run.tensors) {
      if (end <= position || start >= position + expected.byteLength) continue
      const first = Math.max(0, start - position)
      const last = Math.min(expected.byteLength, end - position)
      let index = first
      while (index < last && found[index] === expected[index]) index++
      if (index === last) continue
      const at = position + index - start
      if ((this.#differences.get(name)?.at ?? Number.POSITIVE_INFINITY) <= at) continue
      const atInFile = position + index + run.shift
      const difference = { found: found[index] ?? 0, expected: expected[index] ?? 0 }
      this.#differences.set(name, { kind: "bytes", name, at, atInFile, ...difference })
    }
  }
}

/** Tensors that follow one another in both places are read and compared in one go. */
function joinTensors(tensors: readonly ComparableTensor[]): readonly Run[] {
  const runs: Run[] = []
  for (const tensor of tensors) {
    const { start, end, shift } = tensor
    const last = runs.at(-1)
    if (last !== undefined && last.shift === shift && last.end === start) {
      last.end = end
      last.tensors.push(tensor)
    } else if (end > start) {
      runs.push({ start, end, shift, tensors: [tensor] })
    }
  }
  return runs
}
