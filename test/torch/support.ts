/** What the tests of this room share: a policy over storages that are not there, and pickles of tensors. */

import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { atOnce } from "../../src/bytes/turns.ts"
import { type AnyCheckpointError, isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { runPickleSteps } from "../../src/pickle/machine.ts"
import { PickleFloat, PickleList, PickleTuple, type PickleValue } from "../../src/pickle/values.ts"
import { isTensor, type Tensor } from "../../src/tensors/tensor.ts"
import { findAllowedGlobal, type KnownGlobal } from "../../src/torch/allowed-globals.ts"
import type { CallSite } from "../../src/torch/call-site.ts"
import { LEGACY_FIELDS, StorageTable, ZIP_FIELDS } from "../../src/torch/storage-table.ts"
import { TorchPolicy } from "../../src/torch/torch-policy.ts"

export const NO_SOURCE = memorySource(new Uint8Array(0))

/** A call at byte 7 of pickle `p`. */
export function callSite(limits: Partial<Limits> = {}): CallSite {
  const copied = { items: 0, bytes: 0 }
  return { within: "p", at: 7, limits: { ...DEFAULT_LIMITS, ...limits }, byteOrder: "little", copied }
}

/** An extent of that many bytes, which lie nowhere. */
export function extentOf(key: string, byteLength: number): ByteExtent {
  return {
    source: NO_SOURCE,
    offset: 0,
    storedLength: byteLength,
    byteLength,
    coding: "stored",
    crc32: undefined,
    name: key,
  }
}

/** A table that finds every storage. */
export function anyStorage(): StorageTable {
  return new StorageTable(({ key, byteLength }) => extentOf(key, byteLength))
}

/** Interprets a pickle as a checkpoint's object, every storage being there. */
export function loadObject(bytes: Uint8Array, limits: Partial<Limits> = {}, isLegacy = false): PickleValue {
  const all = { ...DEFAULT_LIMITS, ...limits }
  const storageFields = isLegacy ? LEGACY_FIELDS : ZIP_FIELDS
  const policy = new TorchPolicy({ within: "p", limits: all, storages: anyStorage(), storageFields })
  return atOnce(runPickleSteps(bytes, { within: "p", policy, limits: all, budget: { opcodes: 0 } })).value
}

/** A global of the list; it must be there. */
export function known(module: string, name: string): KnownGlobal {
  const global = findAllowedGlobal(module, name)
  if (global === undefined) throw new Error(`${module}.${name} is not on the list`)
  return global
}

/** The value as a tensor; it must be one. */
export function asTensor(value: PickleValue): Tensor {
  if (!isTensor(value)) throw new Error("no tensor")
  return value
}

export function tuple(...items: readonly PickleValue[]): PickleTuple {
  return new PickleTuple(items)
}

export function list(...items: readonly PickleValue[]): PickleList {
  const made = new PickleList()
  for (const item of items) made.items.push(item)
  return made
}

export function float(value: number): PickleFloat {
  return new PickleFloat(value)
}

/** The `CheckpointError` that `promise` rejects with; anything else fails the test. */
export async function refusedAsync(promise: Promise<unknown>): Promise<AnyCheckpointError> {
  try {
    await promise
  } catch (error) {
    if (isCheckpointError(error)) return error
    throw error
  }
  throw new Error("it was accepted")
}
