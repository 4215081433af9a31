/** The machine's policy for torch checkpoints: the list of globals, and what calling them makes. */

import type { Limits } from "../limits/limits.ts"
import { PICKLE_TYPE } from "../pickle/errors.ts"
import type { MadeTensor, PicklePolicy } from "../pickle/machine-state.ts"
import type { MemoryBudget } from "../pickle/memory-budget.ts"
import type { PickleObject, PickleTuple, PickleValue } from "../pickle/values.ts"
import { describeValue, PickleDict } from "../pickle/values.ts"
import { isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import { findAllowedGlobal, isKnownGlobal, type KnownGlobal } from "./allowed-globals.ts"
import { type CallSite, faultAt } from "./call-site.ts"
import { DistributedPart } from "./distributed-part.ts"
import { STORAGE_REFERENCE } from "./errors.ts"
import { makePlainData } from "./plain-data.ts"
import { rebuild, rebuildUnsupported } from "./rebuild.ts"
import { type StorageTable, ZIP_FIELDS } from "./storage-table.ts"
import { type ByteOrder, partsOf } from "./torch-tensors.ts"

/** What a policy is made for. */
export interface TorchPolicyOptions {
  /** The pickle's name in messages. */
  readonly within: string
  readonly limits: Limits
  /** Undefined where a pickle may not refer to storages. */
  readonly storages: StorageTable | undefined
  /** How many fields a persistent id has. Default: as in an archive. */
  readonly storageFields?: readonly number[]
  /** What copies are charged to. */
  readonly memory?: MemoryBudget
  /** Of the storages. Default: little. */
  readonly byteOrder?: ByteOrder | undefined
}

export class TorchPolicy implements PicklePolicy {
  /** Every known global that was named, once each, in order. */
  readonly globals: Set<KnownGlobal> = new Set()
  readonly #options: TorchPolicyOptions
  /** Nobody keeps a site beyond the call that it is made for, so one serves all. */
  readonly #site: { -readonly [Key in keyof CallSite]: CallSite[Key] }

  constructor(options: TorchPolicyOptions) {
    const { within, limits, memory, byteOrder = "little" } = options
    this.#options = options
    this.#site = { within, at: 0, limits, byteOrder, copied: { items: 0, bytes: 0 }, memory }
  }

  resolveGlobal(module: string, name: string): KnownGlobal | undefined {
    const known = findAllowedGlobal(module, name)
    if (known !== undefined) this.globals.add(known)
    return known
  }

  call(callable: PickleValue, args: PickleTuple, at: number, instantiate: boolean): PickleValue {
    const site = this.#siteAt(at)
    if (!isKnownGlobal(callable)) {
      throw faultAt(site, PICKLE_TYPE, `${describeValue(callable)} is called, which is no global`)
    }
    const { meaning } = callable
    const { name } = callable
    switch (meaning.is) {
      case "plain-data":
        if (instantiate && !(meaning.make === "OrderedDict" && args.items.length === 0)) break
        return makePlainData(meaning.make, args, site)
      case "rebuild":
        if (instantiate) break
        return rebuild(meaning.rebuild, args, site)
      case "unsupported-rebuild":
        if (instantiate) break
        return rebuildUnsupported(meaning, args.items)
      case "distributed-part":
        return new DistributedPart(name, args)
      default:
        break
    }
    throw faultAt(site, PICKLE_TYPE, `${callable.module}.${name} is called, which torch.save never writes`)
  }

  /** torch gives state only to OrderedDict (`_metadata` of a state dict). It is no part of the tensors: dropped. */
  build(target: PickleValue, state: PickleValue, at: number): void {
    if (target instanceof PickleDict && target.type === "OrderedDict" && state instanceof PickleDict) {
      target.hasState = true
      return
    }
    if (target instanceof DistributedPart) {
      target.parts.push(state)
      return
    }
    const problem = `state is given to ${describeValue(target)}, which torch.save never writes`
    throw faultAt(this.#siteAt(at), PICKLE_TYPE, problem)
  }

  persistentLoad(id: PickleValue, at: number): PickleValue {
    const { storages, storageFields = ZIP_FIELDS } = this.#options
    const site = this.#siteAt(at)
    if (storages === undefined)
      throw faultAt(site, STORAGE_REFERENCE, "a storage is referred to out of place")
    return storages.refer(id, site, storageFields)
  }

  describeTensor(object: PickleObject): MadeTensor | undefined {
    if (isUnsupportedTensor(object)) return { what: object.reason, parts: partsOf(object) }
    return isTensor(object) ? { what: undefined, parts: [] } : undefined
  }

  #siteAt(at: number): CallSite {
    this.#site.at = at
    return this.#site
  }
}
