/** What a conversion must give, worked out the slow way: element by element, tensor against tensor. */

import { DTYPES } from "./dtypes.ts"
import { elementCount, elementsNeeded, type TestTensor } from "./model.ts"

/** Tensors by name, in any order. */
export type NamedTensors = ReadonlyMap<string, TestTensor>

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The bytes of one tensor as safetensors holds them. */
export function referenceTensor(tensor: TestTensor, byteOrder: "little" | "big"): Uint8Array {
  const { storage, dtype, offset, shape, strides } = tensor
  const { itemBytes, partBytes } = dtype
  const count = elementCount(shape)
  const out = new Uint8Array(count * itemBytes)
  for (let element = 0; element < count; element++) {
    let left = element
    let index = offset
    for (let d = shape.length - 1; d >= 0; d--) {
      const size = shape[d] ?? 1
      index += (left % size) * (strides[d] ?? 0)
      left = Math.floor(left / size)
    }
    for (let start = 0; start < itemBytes; start += partBytes) {
      const from = index * itemBytes + start
      const to = element * itemBytes + start
      for (let b = 0; b < partBytes; b++) {
        out[to + b] = storage.bytes[from + (byteOrder === "big" ? partBytes - 1 - b : b)] ?? Number.NaN
      }
      if (dtype.torch === "bool") out[to] = out[to] === 0 ? 0 : 1
      if (isNegated(tensor, start > 0)) negate(out.subarray(to, to + partBytes), dtype.negation, dtype.torch)
    }
  }
  return out
}

function isNegated({ neg, conj }: TestTensor, imaginary: boolean): boolean {
  return neg !== (conj && imaginary)
}

function negate(part: Uint8Array, negation: "sign" | "complement" | "none", dtype: string): void {
  const last = part.length - 1
  if (dtype === "float16" || dtype === "bfloat16") {
    const bits = (part[0] ?? 0) + 256 * (part[1] ?? 0)
    const magnitude = bits % 0x8000
    // As torch negates them: NaNs become quiet ones.
    const isNaN16 = magnitude > (dtype === "float16" ? 0x7c00 : 0x7f80)
    const quiet = dtype === "float16" ? (bits | 0x0200) ^ 0x8000 : 0x7fc0
    const negated = isNaN16 ? quiet : bits ^ 0x8000
    part.set([negated % 256, Math.floor(negated / 256)])
    return
  }
  if (negation === "sign") {
    part[last] = (part[last] ?? 0) ^ 0x80
    return
  }
  const value = part.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const negative = BigInt.asUintN(part.length * 8, -value)
  for (const [i] of part.entries()) part[i] = Number((negative >> BigInt(8 * i)) & 255n)
}

/** Keys of the metadata that mean something to the command: no name of a tensor is recorded under them. */
const OWN_KEYS: ReadonlySet<string> = new Set(["format", "source_sha256", "source_bytes", "converted_by"])

/**
 * What the policy `alias` makes of names, which are in the order of the file: those that are written, and the others with
 * the name they stand for. `keep` says which are kept rather than others.
 */
export function referenceAliases(
  tensors: NamedTensors,
  reserved: ReadonlySet<string>,
  keep: (name: string) => boolean = () => false,
): { written: ReadonlyMap<string, TestTensor>; aliases: ReadonlyMap<string, string> } {
  const written = new Map<string, TestTensor>()
  const aliases = new Map<string, string>()
  for (const [name, tensor] of tensors) {
    const same = [...tensors].filter(([, other]) => isSame(tensor, other)).map(([other]) => other)
    const first = same.find(keep) ?? same[0] ?? name
    if (first === name || reserved.has(name) || OWN_KEYS.has(name)) written.set(name, tensor)
    else aliases.set(name, first)
  }
  return { written, aliases }
}

function isSame(a: TestTensor, b: TestTensor): boolean {
  const fields = ({ dtype, offset, shape, strides, conj, neg }: TestTensor): string =>
    JSON.stringify([dtype.torch, offset, shape, strides, conj, neg])
  return a.storage === b.storage && elementCount(a.shape) > 0 && fields(a) === fields(b)
}

/** The groups of names that the policy `error` reports: tensors whose byte ranges touch, directly or through others. */
export function referenceSharing(tensors: NamedTensors): readonly (readonly string[])[] {
  const entries = [...tensors].filter(([, { shape }]) => elementCount(shape) > 0)
  const group = entries.map((_, i) => i)
  for (let changed = true; changed; ) {
    changed = false
    for (const [i, [, a]] of entries.entries()) {
      for (const [j, [, b]] of entries.entries()) {
        const least = Math.min(group[i] ?? 0, group[j] ?? 0)
        if (group[i] === group[j] || !touch(a, b)) continue
        group[i] = least
        group[j] = least
        changed = true
      }
    }
  }
  const groups = new Map<number, string[]>()
  for (const [i, [name]] of entries.entries()) {
    const id = group[i] ?? 0
    groups.set(id, [...(groups.get(id) ?? []), name])
  }
  return [...groups.values()].filter((names) => names.length > 1).map((names) => names.sort(byBytes))
}

function touch(a: TestTensor, b: TestTensor): boolean {
  if (a.storage !== b.storage) return false
  const start = (t: TestTensor): number => t.offset * t.dtype.itemBytes
  const end = (t: TestTensor): number => elementsNeeded(t.offset, t.shape, t.strides) * t.dtype.itemBytes
  return start(a) < end(b) && start(b) < end(a)
}

/** The safetensors file of `tensors`. */
export function referenceFile(
  tensors: NamedTensors,
  metadata: ReadonlyMap<string, string>,
  byteOrder: "little" | "big",
): Uint8Array {
  const rank = ({ dtype }: TestTensor): number => DTYPES.indexOf(dtype)
  const ordered = [...tensors].sort(([a, x], [b, y]) => rank(x) - rank(y) || byBytes(a, b))
  const bodies = ordered.map(([, tensor]) => referenceTensor(tensor, byteOrder))
  const texts = [...metadata]
    .sort(([a], [b]) => byBytes(a, b))
    .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
  let end = 0
  const entries = ordered.map(([name, { dtype, shape }], i) => {
    const start = end
    end += bodies[i]?.length ?? 0
    const values =
      dtype.safetensors === "F4" ? shape.map((n, d) => (d === shape.length - 1 ? 2 * n : n)) : shape
    const fields = `"dtype":"${dtype.safetensors}","shape":${JSON.stringify(values)},"data_offsets":[${start},${end}]`
    return `${JSON.stringify(name)}:{${fields}}`
  })
  const json = Buffer.from(`{${[`"__metadata__":{${texts.join(",")}}`, ...entries].join(",")}}`)
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ")
  header.writeBigUInt64LE(BigInt(header.length - 8))
  json.copy(header, 8)
  return Buffer.concat([header, ...bodies])
}
