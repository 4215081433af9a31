/** Compares a safetensors file with what a conversion would write: its header by name, its tensors byte by byte. */

import { OWN_METADATA_KEYS, TRUNCATED } from "../../node/for-command-line.ts"
import type {
  ByteSink,
  ByteSource,
  ConversionReport,
  PlannedTensor,
  SafetensorsHeader,
} from "../../node/index.ts"
import { CheckpointError } from "../../node/index.ts"

/**
 * How a tensor differs: a conversion writes it and the file does not have it, or the other way round; or its name is
 * recorded for another tensor, or for none (undefined), than a conversion records.
 */
export type Difference =
  | { readonly kind: "missing" | "extra"; readonly name: string }
  | ByteDifference
  | ({ readonly kind: "dtype" | "shape" | "alias"; readonly name: string } & Sides)

/** Undefined where one side has none. */
interface Sides {
  readonly found: string | undefined
  readonly expected: string | undefined
}

/** The first byte of a tensor that differs, by its offset in the tensor and in the file. */
interface ByteDifference {
  readonly kind: "bytes"
  readonly name: string
  readonly at: number
  readonly atInFile: number
  readonly found: number
  readonly expected: number
}

/** A tensor whose bytes can be compared, or several that follow one another in both places. */
interface Run {
  /** Byte offset in what a conversion writes. */
  readonly start: number
  end: number
  /** What to add to an offset in what a conversion writes to get the one in the file. */
  readonly shift: number
  readonly tensors: { readonly name: string; readonly start: number; readonly end: number }[]
}

/** Compares names, dtypes and shapes. What agrees so far is comparable. `planned` are in the order of the output. */
export function compareHeaders(
  { tensors, dataOffset }: SafetensorsHeader,
  planned: readonly PlannedTensor[],
): { readonly differences: readonly Difference[]; readonly comparable: readonly Run[] } {
  const differences: Difference[] = []
  const comparable: Run[] = []
  for (const { name, dtype, shape, start, byteLength } of planned) {
    const found = tensors.get(name)
    if (found === undefined) {
      differences.push({ kind: "missing", name })
    } else if (found.dtype !== dtype) {
      differences.push({ kind: "dtype", name, found: found.dtype, expected: dtype })
    } else if (found.shape.join() !== shape.join()) {
      const [foundShape, expected] = [found.shape.join(", "), shape.join(", ")]
      differences.push({ kind: "shape", name, found: `[${foundShape}]`, expected: `[${expected}]` })
    } else {
      addTo(comparable, { name, start, end: start + byteLength }, dataOffset + found.start - start)
    }
  }
  const names = new Set(planned.map(({ name }) => name))
  for (const name of tensors.keys()) if (!names.has(name)) differences.push({ kind: "extra", name })
  return { differences, comparable }
}

/** Joins it to the last run where it follows it in both places: they are read and compared in one go. */
function addTo(runs: Run[], tensor: Run["tensors"][number], shift: number): void {
  const { start, end } = tensor
  const last = runs.at(-1)
  if (last?.shift === shift && last.end === start) {
    last.end = end
    last.tensors.push(tensor)
  } else if (end > start) {
    runs.push({ start, end, shift, tensors: [tensor] })
  }
}

/** A metadata entry that differs. */
export type MetadataDifference = { readonly key: string } & Sides

/**
 * Tells apart which entries are names of tensors. An entry that a conversion does not write is one when it names a
 * tensor, on whichever side: nothing else marks it. The keys of our own never are.
 */
export function compareAliases(
  { metadata, tensors }: SafetensorsHeader,
  { metadata: planned, aliases, tensors: plannedTensors }: ConversionReport,
): { readonly aliases: readonly Difference[]; readonly metadata: readonly MetadataDifference[] } {
  const recorded = new Set(aliases.map(({ dropped }) => dropped))
  const names = new Set([...tensors.keys(), ...plannedTensors.map(({ name }) => name), ...recorded])
  const own = new Set([...OWN_METADATA_KEYS, ...Object.keys(planned).filter((key) => !recorded.has(key))])
  const wanted = new Map(Object.entries(planned))
  const aliasDifferences: Difference[] = []
  const others: MetadataDifference[] = []
  for (const key of new Set([...wanted.keys(), ...(metadata?.keys() ?? [])])) {
    const entry = { found: metadata?.get(key), expected: wanted.get(key) }
    if (entry.found === entry.expected) continue
    const isAlias = recorded.has(key) || (!own.has(key) && (names.has(key) || names.has(entry.found ?? "")))
    if (!isAlias) others.push({ key, ...entry })
    // Where it is a tensor of the file, that is the difference.
    else if (entry.found !== undefined || !tensors.has(key))
      aliasDifferences.push({ kind: "alias", name: key, ...entry })
  }
  return { aliases: aliasDifferences, metadata: others }
}

/** Finds the first byte of each tensor that differs. Everything is compared, one chunk at a time. */
export class ComparingSink implements ByteSink {
  readonly randomAccess = true
  readonly #file: ByteSource
  readonly #runs: readonly Run[]
  readonly #headerBytes: number
  readonly #differences = new Map<string, ByteDifference>()
  /** Whether everything before the tensor data is the same too. */
  headerEqual = true

  /** `headerBytes` is where the tensor data of the conversion begins. */
  constructor(file: ByteSource, runs: readonly Run[], headerBytes: number) {
    this.#file = file
    this.#headerBytes = headerBytes
    this.#runs = runs
  }

  /** In no order that means anything. */
  get differences(): readonly Difference[] {
    return [...this.#differences.values()]
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.byteLength
    if (position < this.#headerBytes) await this.#compareHeader(position, bytes)
    for (let index = this.#firstRunAfter(position); index < this.#runs.length; index++) {
      const run = this.#runs[index]
      if (run === undefined || run.start >= end) break
      const from = Math.max(position, run.start)
      const expected = bytes.subarray(from - position, Math.min(end, run.end) - position)
      const found = await this.#read(from + run.shift, expected.byteLength)
      if (Buffer.compare(found, expected) !== 0) this.#locate(run, from, found, expected)
    }
  }

  async close(): Promise<void> {}

  async abort(): Promise<void> {}

  async #compareHeader(position: number, bytes: Uint8Array): Promise<void> {
    const expected = bytes.subarray(0, this.#headerBytes - position)
    // The file's own header may be shorter than the one that a conversion writes.
    const length = Math.max(0, Math.min(expected.byteLength, this.#file.byteLength - position))
    const found = await this.#read(position, length)
    if (Buffer.compare(found, expected) !== 0) this.headerEqual = false
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
  #locate({ tensors, shift }: Run, position: number, found: Uint8Array, expected: Uint8Array): void {
    for (const { name, start, end } of tensors) {
      const last = Math.min(expected.byteLength, end - position)
      let index = Math.max(0, start - position)
      while (index < last && found[index] === expected[index]) index++
      const at = position + index - start
      const known = this.#differences.get(name)?.at ?? Number.POSITIVE_INFINITY
      if (index >= last || known <= at) continue
      const bytes = { found: found[index] ?? 0, expected: expected[index] ?? 0 }
      this.#differences.set(name, { kind: "bytes", name, at, atInFile: position + index + shift, ...bytes })
    }
  }
}
