/** What the globals for plain data make: mappings, sets, bytes, sizes, devices. Inert, whatever they are given. */

import { PICKLE_TYPE } from "../pickle/errors.ts"
import { prepareKey } from "../pickle/tuple-keys.ts"
import type { ComplexNumber, PickleObject, PickleValue } from "../pickle/values.ts"
import { PickleDict, PickleFloat, PickleList, PickleSet, PickleTuple } from "../pickle/values.ts"
import { isKnownGlobal, type PlainDataName } from "./allowed-globals.ts"
import { type CallSite, faultAt, requireBytes, requireItems } from "./call-site.ts"

/** A torch.device or a torch.layout: a name and, for a device, perhaps a number. */
export interface NamedConstant extends PickleObject {
  readonly kind: "object:device" | "object:layout"
  readonly text: string
}

type Maker = (items: readonly PickleValue[], site: CallSite) => PickleValue

/** Makes the plain value that `name` stands for. */
export function makePlainData(name: PlainDataName, args: PickleTuple, site: CallSite): PickleValue {
  return MAKERS[name](args.items, site)
}

const MAKERS: Readonly<Record<PlainDataName, Maker>> = {
  OrderedDict: makeOrderedDict,
  Counter: makeCounter,
  defaultdict: makeDefaultDict,
  set: (items, site) => new PickleSet(false, setItems("set", items, site)),
  frozenset: (items, site) => new PickleSet(true, setItems("frozenset", items, site)),
  bytes: (items, site) => makeBytes("bytes", items, site),
  bytearray: (items, site) => makeBytes("bytearray", items, site),
  encode: makeEncoded,
  complex: makeComplex,
  size: makeSize,
  device: makeDevice,
  layout: makeLayout,
  "first-of-one": (items, site) => firstOf(items, 1, site),
  "first-of-two": (items, site) => firstOf(items, 2, site),
  "tensor-id": (items, site) => {
    const value = firstOf(items, 1, site)
    return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? value : null
  },
}

/** Empty, from pairs as Python 2 writes it, or from an empty tuple as .NET does. */
function makeOrderedDict(items: readonly PickleValue[], site: CallSite): PickleDict {
  const dict = new PickleDict("OrderedDict")
  if (items.length === 0) return dict
  const pairs = itemsOf(items[0])
  if (items.length > 1 || pairs === undefined) throw wrongCall("OrderedDict", site)
  requireItems(site, pairs.length)
  for (const pair of pairs) {
    const [key, value] = itemsOf(pair) ?? []
    if (itemsOf(pair)?.length !== 2) throw wrongCall("OrderedDict", site)
    if (prepareKey(key as PickleValue, site.memory) !== undefined) throw wrongCall("OrderedDict", site)
    dict.set(key as PickleValue, value as PickleValue)
  }
  return dict
}

/** The items of a list or a tuple. */
function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  return value instanceof PickleList || value instanceof PickleTuple ? value.items : undefined
}

function makeCounter(items: readonly PickleValue[], site: CallSite): PickleDict {
  const counter = new PickleDict("Counter")
  if (items.length === 0) return counter
  const [counts] = items
  if (items.length > 1 || !(counts instanceof PickleDict)) throw wrongCall("Counter", site)
  requireItems(site, counts.size)
  for (const { key, value } of counts.entries()) counter.set(key, value)
  return counter
}

/** The factory is only ever named: one of the plain types, a container of this list, or None. */
function makeDefaultDict(items: readonly PickleValue[], site: CallSite): PickleDict {
  const [factory = null] = items
  const plain =
    isKnownGlobal(factory) && (factory.meaning.is === "constant" || factory.meaning.is === "plain-data")
  if (items.length > 1 || !(factory === null || plain)) throw wrongCall("defaultdict", site)
  return new PickleDict("defaultdict")
}

function setItems(name: string, items: readonly PickleValue[], site: CallSite): PickleValue[] {
  if (items.length === 0) return []
  const members = itemsOf(items[0])
  if (items.length > 1 || members === undefined) throw wrongCall(name, site)
  requireItems(site, members.length)
  if (members.some((member) => prepareKey(member, site.memory) !== undefined)) throw wrongCall(name, site)
  return [...members]
}

/** Empty, from bytes, or (bytearray in protocol 2) from text in Latin-1. Never from a number: that would allocate. */
function makeBytes(name: string, items: readonly PickleValue[], site: CallSite): Uint8Array {
  if (items.length === 0) return new Uint8Array(0)
  if (items.length === 1 && items[0] instanceof Uint8Array) return items[0]
  if (items.length === 2) return makeEncoded(items, site)
  throw wrongCall(name, site)
}

/** Protocol 2 has no bytes: Python writes them as text whose characters are the bytes, encoded as Latin-1. */
function makeEncoded(items: readonly PickleValue[], site: CallSite): Uint8Array {
  const [text, encoding] = items
  if (items.length !== 2 || typeof text !== "string" || !(encoding === "latin1" || encoding === "latin-1")) {
    throw wrongCall("_codecs.encode", site)
  }
  requireBytes(site, text.length)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 255)
      throw faultAt(site, PICKLE_TYPE, "text that is to be Latin-1 has a character above U+00FF")
    bytes[i] = code
  }
  return bytes
}

function makeComplex(items: readonly PickleValue[], site: CallSite): ComplexNumber {
  const [real, imaginary] = items
  if (items.length !== 2 || !(real instanceof PickleFloat && imaginary instanceof PickleFloat)) {
    throw wrongCall("complex", site)
  }
  return { kind: "object:complex", real: real.value, imaginary: imaginary.value }
}

/** A torch.Size is a tuple of sizes. */
function makeSize(items: readonly PickleValue[], site: CallSite): PickleTuple {
  const [sizes] = items
  if (items.length === 1 && sizes instanceof PickleTuple) return sizes
  if (items.length !== 1 || !(sizes instanceof PickleList)) throw wrongCall("torch.Size", site)
  requireItems(site, sizes.items.length)
  return new PickleTuple([...sizes.items])
}

function makeDevice(items: readonly PickleValue[], site: CallSite): NamedConstant {
  const [type, index] = items
  const known = typeof type === "string" && (index === undefined || typeof index === "number")
  if (!known || items.length > 2) throw wrongCall("torch.device", site)
  return { kind: "object:device", text: index === undefined ? type : `${type}:${index}` }
}

function makeLayout(items: readonly PickleValue[], site: CallSite): NamedConstant {
  const [text] = items
  if (items.length !== 1 || typeof text !== "string") throw wrongCall("_get_layout", site)
  return { kind: "object:layout", text }
}

/** The type that C++ hands on as text is for its own reader (torch/jit/_pickle.py). */
function firstOf(items: readonly PickleValue[], count: 1 | 2, site: CallSite): PickleValue {
  const [value = null, type = ""] = items
  if (items.length !== count || typeof type !== "string")
    throw wrongCall("a function of torch.jit._pickle", site)
  return value
}

function wrongCall(name: string, site: CallSite): Error {
  return faultAt(site, PICKLE_TYPE, `${name} is called with arguments that no pickler writes`)
}
