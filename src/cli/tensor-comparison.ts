/** Compares the tensors of a safetensors file with what a conversion would write, by name. */

import { OWN_METADATA_KEYS } from "../metadata-keys.ts"
import type { ConversionReport, PlannedTensor, SafetensorsHeader } from "../node/index.ts"

/** How a tensor differs. */
export type Difference =
  /** A conversion writes it and the file does not have it. */
  | { readonly kind: "missing"; readonly name: string }
  /** The file has it and a conversion does not write it. */
  | { readonly kind: "extra"; readonly name: string }
  | {
      readonly kind: "dtype" | "shape"
      readonly name: string
      readonly found: string
      readonly expected: string
    }
  | ByteDifference
  | AliasDifference

/** The first byte of a tensor that differs. */
export interface ByteDifference {
  readonly kind: "bytes"
  readonly name: string
  /** Byte offset in the tensor. */
  readonly at: number
  /** Byte offset in the file. */
  readonly atInFile: number
  readonly found: number
  readonly expected: number
}

/** A name that is recorded for another tensor, or for none, than a conversion records. Undefined where one has no such entry. */
export interface AliasDifference {
  readonly kind: "alias"
  readonly name: string
  readonly found: string | undefined
  readonly expected: string | undefined
}

/** A tensor whose bytes can be compared. */
export interface ComparableTensor {
  readonly name: string
  /** Byte offset in what a conversion writes. */
  readonly start: number
  readonly end: number
  /** What to add to an offset in what a conversion writes to get the one in the file. */
  readonly shift: number
}

/** What two headers tell. */
export interface HeaderComparison {
  readonly differences: readonly Difference[]
  /** Tensors that agree so far, by `start`. */
  readonly comparable: readonly ComparableTensor[]
}

/** Compares names, dtypes and shapes. `planned` are in the order of the output. */
export function compareHeaders(
  { tensors, dataOffset }: SafetensorsHeader,
  planned: readonly PlannedTensor[],
): HeaderComparison {
  const differences: Difference[] = []
  const comparable: ComparableTensor[] = []
  const names = new Set<string>()
  for (const { name, dtype, shape, start, byteLength } of planned) {
    names.add(name)
    const found = tensors.get(name)
    if (found === undefined) {
      differences.push({ kind: "missing", name })
    } else if (found.dtype !== dtype) {
      differences.push({ kind: "dtype", name, found: found.dtype, expected: dtype })
    } else if (found.shape.join() !== shape.join()) {
      const [foundShape, expected] = [found.shape.join(", "), shape.join(", ")]
      differences.push({ kind: "shape", name, found: `[${foundShape}]`, expected: `[${expected}]` })
    } else {
      comparable.push({ name, start, end: start + byteLength, shift: dataOffset + found.start - start })
    }
  }
  for (const name of tensors.keys()) if (!names.has(name)) differences.push({ kind: "extra", name })
  return { differences, comparable }
}

/** A metadata entry that differs; undefined where one side has none. */
export interface MetadataDifference {
  readonly key: string
  readonly found: string | undefined
  readonly expected: string | undefined
}

/** Compares metadata entry by entry. */
function compareMetadata(
  found: ReadonlyMap<string, string> | undefined,
  expected: Readonly<Record<string, string>>,
): readonly MetadataDifference[] {
  const wanted = new Map(Object.entries(expected))
  const keys = new Set([...wanted.keys(), ...(found?.keys() ?? [])])
  return Array.from(keys, (key) => ({ key, found: found?.get(key), expected: wanted.get(key) })).filter(
    (entry) => entry.found !== entry.expected,
  )
}

/** Differences between the names of one tensor, and other entries. */
export interface MetadataComparison {
  readonly aliases: readonly AliasDifference[]
  readonly metadata: readonly MetadataDifference[]
}

/**
 * Tells apart which entries are names of tensors. An entry that a conversion does not write is one when it names a
 * tensor, on whichever side: nothing else marks it. The keys of our own never are.
 */
export function compareAliases(
  { metadata: found, tensors }: SafetensorsHeader,
  { metadata: expected, aliases, tensors: planned }: ConversionReport,
): MetadataComparison {
  const recorded = new Set(aliases.map(({ dropped }) => dropped))
  const names = new Set([...tensors.keys(), ...planned.map(({ name }) => name), ...recorded])
  const own = new Set([...OWN_METADATA_KEYS, ...Object.keys(expected).filter((key) => !recorded.has(key))])
  const isAlias = ({ key, found: value }: MetadataDifference): boolean =>
    recorded.has(key) || (!own.has(key) && (names.has(key) || names.has(value ?? "")))
  const aliasDifferences: AliasDifference[] = []
  const others: MetadataDifference[] = []
  for (const entry of compareMetadata(found, expected)) {
    if (!isAlias(entry)) others.push(entry)
    // Where it is a tensor of the file, that is the difference.
    else if (entry.found !== undefined || !tensors.has(entry.key)) {
      aliasDifferences.push({ kind: "alias", name: entry.key, found: entry.found, expected: entry.expected })
    }
  }
  return { aliases: aliasDifferences, metadata: others }
}
