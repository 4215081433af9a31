/**
 * Reads a checkpoint in the simplest way there is and writes what a conversion of it must give.
 *
 * It shares no code with the sources and believes the file: whatever the converter accepts, this must read in the same
 * way. It is not made to refuse hostile files, and it is not fast.
 */

import { DTYPES } from "../property/dtypes.ts"
import { elementCount, type TestTensor } from "../property/model.ts"
import { referenceFile } from "../property/slow-reference.ts"
import { slowPickle } from "./slow-pickle.ts"
import {
  isSlowContainer,
  type SlowChild,
  type SlowContainer,
  type SlowRoot,
  slowChildren,
  slowRoot,
  slowSpell,
} from "./slow-root.ts"
import { SlowTorch } from "./slow-torch.ts"
import { SlowDict, SlowError, SlowList, type SlowStorage, SlowTensor, type SlowValue } from "./slow-values.ts"
import { slowZip } from "./slow-zip.ts"

/** The options of a conversion that a mutant is given. */
export interface SlowOptions {
  readonly root?: "all"
  readonly shared?: "copy"
  readonly verify?: "none"
}

interface Contents {
  readonly value: SlowValue
  readonly byteOrder: "little" | "big"
  /** Fetches the bytes of a storage: only those of tensors that are written need be there and right. */
  readonly load: (storage: SlowStorage) => void
}

/** The safetensors file that converting `file` must give. */
export function slowConvert(file: Uint8Array, options: SlowOptions = {}): Uint8Array {
  const isZip = file[0] === 0x50 && file[1] === 0x4b
  const contents = isZip ? readZip(file, options.verify !== "none") : readLegacy(file)
  const named = nameTensors(contents.value, options.root === "all")
  const metadata = new Map([["format", "pt"]])
  const written = options.shared === "copy" ? named : withoutAliases(named, metadata)
  for (const { storage, shape } of written.values())
    if (elementCount(shape) > 0) contents.load(storageOf(storage))
  return referenceFile(written, metadata, contents.byteOrder)
}

/** Every storage here was made by `newStorage`. */
function storageOf(storage: TestTensor["storage"]): SlowStorage {
  return storage as SlowStorage
}

function newStorage(key: string, byteLength: number): SlowStorage {
  return { key, byteLength, dtype: undefined, bytes: new Uint8Array(0) }
}

function readZip(file: Uint8Array, verify: boolean): Contents {
  const members = new Map(slowZip(file, verify).members.map((member) => [member.name, member]))
  const [first = ""] = members.keys()
  const folder = first.slice(0, first.indexOf("/") + 1)
  const read = (name: string): Uint8Array => {
    const member = members.get(folder + name)
    if (member === undefined) throw new SlowError(`no member ${name}`)
    return member.read()
  }
  const storages = new Map<string, SlowStorage>()
  const torch = new SlowTorch((key, byteLength) => {
    const storage = storages.get(key) ?? newStorage(key, byteLength)
    storages.set(key, storage)
    return storage
  })
  const pickle = read("data.pkl")
  const { value, end } = slowPickle(pickle, 0, torch)
  if (end !== pickle.length) throw new SlowError("bytes follow the pickle")
  const order = members.has(`${folder}byteorder`)
    ? Buffer.from(read("byteorder")).toString("latin1")
    : "little"
  if (order !== "little" && order !== "big") throw new SlowError("no byte order")
  const load = (storage: SlowStorage): void => {
    storage.bytes = read(`data/${storage.key}`)
    if (storage.bytes.length !== storage.byteLength) throw new SlowError("a storage of another size")
  }
  return { value, byteOrder: order, load }
}

function readLegacy(file: Uint8Array): Contents {
  const storages = new Map<string, SlowStorage>()
  const torch = new SlowTorch((key, byteLength) => {
    const storage = storages.get(key) ?? newStorage(key, byteLength)
    storages.set(key, storage)
    return storage
  })
  let at = 0
  const next = (): SlowValue => {
    const { value, end } = slowPickle(file, at, torch)
    at = end
    return value
  }
  const [magic, version, info, value, keys] = [next(), next(), next(), next(), next()]
  if (magic !== 0x1950a86a20f9469cfc6cn || version !== 1001n) throw new SlowError("no magic number")
  const little = info instanceof SlowDict ? info.get("little_endian") : undefined
  if (little !== true) throw new SlowError("not said to be little-endian")
  for (const key of keys instanceof SlowList ? keys.items : []) {
    const storage = storages.get(typeof key === "string" ? key : "")
    if (storage === undefined) throw new SlowError("a storage that nothing refers to")
    at += 8
    storage.bytes = file.subarray(at, at + storage.byteLength)
    at += storage.byteLength
  }
  if (at !== file.length) throw new SlowError("bytes follow the last storage")
  const load = (storage: SlowStorage): void => {
    if (storage.bytes.length !== storage.byteLength) throw new SlowError("a storage that is not there")
  }
  return { value, byteOrder: "little", load }
}

/** Whether there is a tensor anywhere below. `known` keeps shared parts from being walked again and again. */
function holdsTensors(value: SlowValue, known: Map<SlowValue, boolean>): boolean {
  if (value instanceof SlowTensor) return true
  if (!isSlowContainer(value)) return false
  const before = known.get(value)
  if (before !== undefined) return before
  const holds = slowChildren(value).some((child) => holdsTensors(child.value, known))
  known.set(value, holds)
  return holds
}

function nameTensors(top: SlowValue, all: boolean): ReadonlyMap<string, TestTensor> {
  const found = new Map<string, TestTensor>()
  const known = new Map<SlowValue, boolean>()
  const add = (name: string, { view }: SlowTensor): void => {
    if (found.has(name)) throw new SlowError("a name twice")
    if (view === undefined) throw new SlowError("a tensor that safetensors cannot hold")
    found.set(name, view)
  }
  const walk = (container: SlowContainer, prefix: string, apart: SlowRoot["apart"]): void => {
    for (const { key, value } of slowChildren(container)) {
      if (apart.has(key) || !holdsTensors(value, known)) continue
      const name = prefix + slowSpell(key)
      if (value instanceof SlowTensor) add(name, value)
      else if (isSlowContainer(value)) walk(value, `${name}.`, new Set())
    }
  }
  if (top instanceof SlowTensor) add("tensor", top)
  else if (isSlowContainer(top) && holdsTensors(top, known)) {
    const { container, apart } = all ? { container: top, apart: new Set<SlowChild["key"]>() } : slowRoot(top)
    walk(container, "", apart)
  }
  if (found.size === 0) throw new SlowError("no tensors")
  return found
}

/** Of names for one and the same tensor the first of the file is written; the others become metadata. */
function withoutAliases(
  named: ReadonlyMap<string, TestTensor>,
  metadata: Map<string, string>,
): ReadonlyMap<string, TestTensor> {
  const reserved = new Set([...metadata.keys(), "format", "source_sha256", "source_bytes", "converted_by"])
  const written = new Map<string, TestTensor>()
  const firsts = new Map<string, string>()
  for (const [name, tensor] of named) {
    const { storage, dtype, offset, shape, strides, conj, neg } = tensor
    const same = JSON.stringify([storage.key, DTYPES.indexOf(dtype), offset, shape, strides, conj, neg])
    const first = firsts.get(same)
    if (first !== undefined && elementCount(shape) > 0 && !reserved.has(name)) {
      metadata.set(name, first)
      continue
    }
    if (first === undefined) firsts.set(same, name)
    written.set(name, tensor)
  }
  return written
}
