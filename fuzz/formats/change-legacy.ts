/** Changes to legacy files: to one of the five pickles, after which keys and storages are made to fit again. */

import { memorySource } from "../../src/bytes/sources.ts"
import { atOnce } from "../../src/bytes/turns.ts"
import { DEFAULT_LIMITS as limits } from "../../src/limits/limits.ts"
import { runPickleSteps } from "../../src/pickle/machine.ts"
import { ANY_FIELDS, StorageTable } from "../../src/torch/storage-table.ts"
import { TorchPolicy } from "../../src/torch/torch-policy.ts"
import type { TorchStorage } from "../../src/torch/torch-tensors.ts"
import { keyList } from "../../test/torch/legacy-file.ts"
import { join, numberBytes } from "../engine/mutate.ts"
import type { Random } from "../engine/random.ts"
import { changePickle } from "./change-pickle.ts"
import { pickleEnd } from "./pickle-opcodes.ts"

const PICKLES = 5
const OBJECT = 3
/** Storages above this are not written: the input would be too long. */
const MOST_STORAGE_BYTES = 1500

export function changeLegacy(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const [mine, theirs] = [split(bytes), split(other)]
  if (mine === undefined) return bytes
  const { pickles, rest } = mine
  const which = random.oneIn(4) ? random.below(PICKLES) : OBJECT
  const donor = theirs?.pickles[which] ?? pickles[OBJECT] ?? bytes
  pickles[which] = random.oneIn(8) ? donor : changePickle(pickles[which] ?? bytes, random, donor)
  if (random.oneIn(5)) return join(...pickles, rest)
  const storages = storagesOf(pickles[OBJECT] ?? bytes)
  if (storages === undefined) return join(...pickles, rest)
  if (!random.oneIn(6)) storages.sort((a, b) => (a.key < b.key ? -1 : 1))
  const data = storages.flatMap(({ elementCount, byteLength }) => {
    const count = random.oneIn(20) ? random.below(300) : elementCount
    return [numberBytes(BigInt(count), 8, false), random.bytes(byteLength)]
  })
  return join(...pickles.slice(0, PICKLES - 1), keyList(...storages.map(({ key }) => key)), ...data)
}

/** The five pickles and what follows them; undefined when there are fewer. */
function split(bytes: Uint8Array): { pickles: Uint8Array[]; rest: Uint8Array } | undefined {
  const pickles: Uint8Array[] = []
  let at = 0
  while (pickles.length < PICKLES) {
    const end = pickleEnd(bytes, at)
    if (end === undefined) return undefined
    pickles.push(bytes.subarray(at, end))
    at = end
  }
  return { pickles, rest: bytes.subarray(at) }
}

/** What the object refers to; undefined when it is refused, or refers to too much. */
function storagesOf(object: Uint8Array): TorchStorage[] | undefined {
  const source = memorySource(new Uint8Array(0))
  const table = new StorageTable(({ key, byteLength }) => {
    return {
      source,
      offset: 0,
      storedLength: byteLength,
      byteLength,
      coding: "stored",
      crc32: undefined,
      name: key,
    }
  })
  try {
    const policy = new TorchPolicy({ within: "p", limits, storages: table, storageFields: ANY_FIELDS })
    atOnce(runPickleSteps(object, { within: "p", policy, limits, budget: { opcodes: 0 } }))
  } catch {
    return undefined
  }
  const storages = [...table.storages()]
  const total = storages.reduce((sum, { byteLength }) => sum + byteLength, 0)
  return total > MOST_STORAGE_BYTES ? undefined : storages
}
