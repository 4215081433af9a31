/**
 * What the cases are made of: a small checkpoint in the zip layout that is right in every respect, any part of which
 * can be replaced. A case that is refused is refused for the one thing that it replaces.
 */

import type { ConvertOptions, ErrorCode } from "../../src/index.ts"
import { buildZip, type MemberSpec, memberLength, torchMember } from "../archive/zip-builder.ts"
import { assemble, type Part } from "../pickle/assemble.ts"
import type { ExpectedError, ExpectedTensor, HostileCase, LegalCase } from "./case.ts"
import type { SectionId } from "./sections.ts"

/** Stands before the opcode that the error must point to. */
export const HERE: Uint8Array = new Uint8Array(0)

/** The pickle of a checkpoint. */
export const PICKLE = "archive/data.pkl"

export const text = (value: string | Uint8Array): Part => ["BINUNICODE", value]
export const int = (value: number | bigint): Part => ["LONG1", value]
export const global = (module: string, name: string): Part => ["GLOBAL", module, name]

/** A tuple of integers. */
export const ints = (...values: readonly (number | bigint)[]): readonly Part[] => [
  "MARK",
  ...values.map(int),
  "TUPLE",
]

export const tuple = (...items: readonly (readonly Part[])[]): readonly Part[] => [
  "MARK",
  ...items.flat(),
  "TUPLE",
]

export const ORDERED_DICT: readonly Part[] = [global("collections", "OrderedDict"), "EMPTY_TUPLE", "REDUCE"]

/** `callable(*args)`. */
export const call = (callable: Part, ...args: readonly (readonly Part[])[]): readonly Part[] => [
  callable,
  ...tuple(...args),
  "REDUCE",
]

/** As `call`, where the call is what must be refused. */
export const badCall = (callable: Part, ...args: readonly (readonly Part[])[]): readonly Part[] => [
  callable,
  ...tuple(...args),
  HERE,
  "REDUCE",
]

/** A dict. */
export const dict = (
  ...entries: readonly (readonly [key: readonly Part[], value: readonly Part[]])[]
): readonly Part[] => [
  "EMPTY_DICT",
  "MARK",
  ...entries.flatMap(([key, value]) => [...key, ...value]),
  "SETITEMS",
]

/** The fields of a persistent id. */
export interface StorageParts {
  readonly tag?: readonly Part[]
  readonly type?: readonly Part[]
  readonly key?: readonly Part[]
  readonly location?: readonly Part[]
  readonly count?: readonly Part[]
  readonly more?: readonly (readonly Part[])[]
}

export const storageClass = (name: string): readonly Part[] => [global("torch", name)]

/** A storage: by default the four floats of record 0. */
export function storage(parts: StorageParts = {}, mark: Uint8Array = assemble()): readonly Part[] {
  const { tag = [text("storage")], type = storageClass("FloatStorage"), key = [text("0")] } = parts
  const { location = [text("cpu")], count = [int(4)], more = [] } = parts
  return [...tuple(tag, type, key, location, count, ...more), mark, "BINPERSID"]
}

/** The arguments of `_rebuild_tensor_v2`. */
export interface TensorParts {
  readonly storage?: readonly Part[]
  readonly offset?: readonly Part[]
  readonly size?: readonly Part[]
  readonly stride?: readonly Part[]
  readonly requiresGrad?: readonly Part[]
  readonly hooks?: readonly Part[]
  readonly more?: readonly (readonly Part[])[]
  readonly rebuild?: string
}

/** The arguments of a tensor: by default of the four floats of record 0. */
export function tensorArguments(parts: TensorParts = {}): readonly Part[] {
  const { offset = [int(0)], size = ints(4), stride = ints(1) } = parts
  const { requiresGrad = ["NEWFALSE"], hooks = ORDERED_DICT, more = [] } = parts
  return tuple(parts.storage ?? storage(), offset, size, stride, requiresGrad, hooks, ...more)
}

export function tensor(parts: TensorParts = {}, mark: Uint8Array = assemble()): readonly Part[] {
  const rebuild = global("torch._utils", parts.rebuild ?? "_rebuild_tensor_v2")
  return [rebuild, ...tensorArguments(parts), mark, "REDUCE"]
}

/** A tensor over an untyped storage, which says its own dtype. */
export function tensorV3(
  dtype: readonly Part[],
  parts: TensorParts = {},
  bytes = 16,
  mark?: Uint8Array,
): readonly Part[] {
  const untyped = storage({ type: [global("torch.storage", "UntypedStorage")], count: [int(bytes)] })
  const { more = [] } = parts
  return tensor({ storage: untyped, rebuild: "_rebuild_tensor_v3", ...parts, more: [dtype, ...more] }, mark)
}

const BEFORE_VALUE: readonly Part[] = [
  ["PROTO", 2],
  "EMPTY_DICT",
  "MARK",
  text("weight"),
  ...tensor(),
  text("extra"),
]

/** The pickle of `{"weight": four floats, "extra": value}`. */
export function beside(value: readonly Part[]): readonly Part[] {
  return [...BEFORE_VALUE, ...value, "SETITEMS", "STOP"]
}

/** The pickle of a dict with these entries. */
export function stateDict(
  ...entries: readonly (readonly [key: readonly Part[], value: readonly Part[]])[]
): readonly Part[] {
  return [["PROTO", 2], ...dict(...entries), "STOP"]
}

/** The offset of `HERE`. */
export function markedAt(parts: readonly Part[]): number | undefined {
  const index = parts.indexOf(HERE)
  return index < 0 ? undefined : assemble(...parts.slice(0, index)).length
}

/** Little-endian floats of 4 bytes. */
export function floats(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true)
  return bytes
}

/** What record 0 holds. */
export const WEIGHT: Uint8Array = floats(1, -2, 3.5, 4)

/** The members of a checkpoint. */
export interface ZipParts {
  /** Storages by key. Default `{ 0: WEIGHT }`. */
  readonly storages?: Readonly<Record<string, Uint8Array>>
  /** The record `byteorder`; undefined leaves it out. Default `little`. */
  readonly byteOrder?: string | Uint8Array | undefined
  /** Members besides, by their whole name. */
  readonly more?: Readonly<Record<string, Uint8Array>>
}

const encode = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The members as torch writes them, in its order. */
export function checkpointMembers(pickle: Uint8Array, parts: ZipParts = {}): MemberSpec[] {
  const { storages = { 0: WEIGHT }, more = {} } = parts
  const byteOrder = "byteOrder" in parts ? parts.byteOrder : "little"
  const files: (readonly [string, Uint8Array])[] = [[PICKLE, pickle]]
  if (byteOrder !== undefined) {
    files.push(["archive/byteorder", typeof byteOrder === "string" ? encode(byteOrder) : byteOrder])
  }
  for (const [key, bytes] of Object.entries(storages)) files.push([`archive/data/${key}`, bytes])
  files.push(["archive/version", encode("3\n")], ...Object.entries(more))
  let offset = 0
  return files.map(([name, data]) => {
    const member = torchMember(name, data, offset)
    offset += memberLength(member)
    return member
  })
}

/** A checkpoint in the zip layout around `pickle`. */
export function checkpoint(pickle: readonly Part[] | Uint8Array, parts: ZipParts = {}): Uint8Array {
  const bytes = pickle instanceof Uint8Array ? pickle : assemble(...pickle)
  return buildZip({ members: checkpointMembers(bytes, parts), zip64: {} })
}

/** What a case may say besides its pickle. */
export interface CaseParts extends ZipParts {
  readonly expect?: Partial<ExpectedError>
  readonly options?: ConvertOptions
}

/** A checkpoint with this pickle is refused; the error points to `HERE` in it. */
export function refusePickle(
  section: SectionId,
  name: string,
  code: ErrorCode,
  pickle: readonly Part[] | (() => readonly Part[]),
  { expect, options, ...parts }: CaseParts = {},
): HostileCase {
  const at = typeof pickle === "function" ? undefined : markedAt(pickle)
  const place = at === undefined ? {} : { at, within: PICKLE }
  return {
    name: `${section}: ${name}`,
    section,
    bytes: () => checkpoint(typeof pickle === "function" ? pickle() : pickle, parts),
    expect: { code, ...place, ...expect },
    options,
  }
}

/** As `refusePickle`, for a value that lies beside a good tensor. */
export function refuseValue(
  section: SectionId,
  name: string,
  code: ErrorCode,
  value: readonly Part[],
  parts: CaseParts = {},
): HostileCase {
  return refusePickle(section, name, code, beside(value), parts)
}

/** The tensor that `WEIGHT` is. */
export const weight = (name = "weight"): ExpectedTensor => ({ name, dtype: "F32", shape: [4], bytes: WEIGHT })

/** What a legal case may say besides its pickle. */
export interface LegalParts extends ZipParts {
  readonly tensors?: readonly ExpectedTensor[]
  readonly options?: ConvertOptions
  readonly metadata?: Readonly<Record<string, string>>
}

/** A checkpoint with this pickle converts; by default to the one tensor `weight`. */
export function acceptPickle(
  section: SectionId,
  name: string,
  pickle: readonly Part[] | (() => readonly Part[]),
  { tensors = [weight()], options, metadata, ...parts }: LegalParts = {},
): LegalCase {
  return {
    name: `legal ${section}: ${name}`,
    section,
    bytes: () => checkpoint(typeof pickle === "function" ? pickle() : pickle, parts),
    tensors,
    options,
    metadata,
  }
}

/** As `acceptPickle`, for a value that lies beside the tensor and is left out. */
export function acceptValue(
  section: SectionId,
  name: string,
  value: readonly Part[],
  parts: LegalParts = {},
): LegalCase {
  return acceptPickle(section, name, beside(value), parts)
}
