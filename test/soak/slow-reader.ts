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
import { SlowTorch } from "./slow-torch.ts"
import {
  SlowDict,
  SlowError,
  SlowList,
  SlowSet,
  type SlowStorage,
  SlowTensor,
  SlowTuple,
  type SlowValue,
} from "./slow-values.ts"
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

const WELL_KNOWN =
  "state_dict model_state_dict model module net network params_ema params generator weights ema".split(" ")

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

type Container = SlowDict | SlowList | SlowTuple | SlowSet

interface Child {
  readonly key: SlowValue | undefined
  readonly value: SlowValue
}

function isContainer(value: SlowValue): value is Container {
  return [SlowDict, SlowList, SlowTuple, SlowSet].some((type) => value instanceof type)
}

function childrenOf(container: Container): readonly Child[] {
  if (container instanceof SlowDict) return container.entries
  const keyed = !(container instanceof SlowSet)
  return container.items.map((value, i) => ({ key: keyed ? BigInt(i) : undefined, value }))
}

/** Whether there is a tensor anywhere below. `known` keeps shared parts from being walked again and again. */
function holdsTensors(value: SlowValue, known: Map<SlowValue, boolean>): boolean {
  if (value instanceof SlowTensor) return true
  if (!isContainer(value)) return false
  const before = known.get(value)
  if (before !== undefined) return before
  const holds = childrenOf(value).some((child) => holdsTensors(child.value, known))
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
  const walk = (container: Container, prefix: string): void => {
    for (const { key, value } of childrenOf(container)) {
      if (!holdsTensors(value, known)) continue
      if (typeof key !== "string" && typeof key !== "bigint") throw new SlowError("a key that is no name")
      if (value instanceof SlowTensor) add(prefix + key, value)
      else if (isContainer(value)) walk(value, `${prefix}${key}.`)
    }
  }
  if (top instanceof SlowTensor) add("tensor", top)
  else if (isContainer(top)) walk(all ? top : findRoot(top, known), "")
  if (found.size === 0) throw new SlowError("no tensors")
  return found
}

/** The state dict, by the rule that the README states. */
function findRoot(top: Container, known: Map<SlowValue, boolean>): Container {
  let root = top
  for (let named = false; ; ) {
    const children = childrenOf(root).filter(({ value }) => holdsTensors(value, known))
    if (children.length === 0 || children.some(({ value }) => value instanceof SlowTensor)) return root
    const usual = WELL_KNOWN.flatMap((name) => children.filter(({ key }) => key === name))
    const next = children.length === 1 ? children[0] : usual[0]
    if (next === undefined) {
      // A well-known child without a root of its own is taken whole.
      if (named) return root
      throw new SlowError("no rule says which")
    }
    if (!isContainer(next.value)) throw new SlowError("a tensor is no container")
    named ||= next === usual[0]
    root = next.value
  }
}

/** Of names for one and the same tensor the first is written; the others become metadata. */
function withoutAliases(
  named: ReadonlyMap<string, TestTensor>,
  metadata: Map<string, string>,
): ReadonlyMap<string, TestTensor> {
  const reserved = new Set([...metadata.keys(), "format", "source_sha256", "source_bytes", "converted_by"])
  const written = new Map<string, TestTensor>()
  const firsts = new Map<string, string>()
  const sorted = [...named].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const [name, tensor] of sorted) {
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
