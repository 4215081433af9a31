/** An open checkpoint: its tensors, plain values and plans, while its source is held. */

import { atOnce, inTurns, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { rootCandidates } from "../checkpoint/checkpoint-level.ts"
import { ChildCursor, type Container, isContainer } from "../checkpoint/child-cursor.ts"
import type { RootCandidate } from "../checkpoint/errors.ts"
import { type ConversionReport, LONE_TENSOR_NAME, type PlanOptions } from "../checkpoint/plan-checkpoint.ts"
import { nameTensorsSteps, takeCensus, takeCensusSteps } from "../checkpoint/walk-tensors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { PICKLE_CYCLE } from "../pickle/errors.ts"
import {
  type ComplexNumber,
  PickleDict,
  PickleFloat,
  type PickleObject,
  PickleSet,
  type PickleValue,
  RefusedObject,
  RefusedReference,
} from "../pickle/values.ts"
import { NAME_DUPLICATE } from "../safetensors/errors.ts"
import { type FoundTensor, isTensor, isUnsupportedTensor } from "../tensors/tensor.ts"
import { isKnownGlobal } from "../torch/allowed-globals.ts"
import type { CheckpointLayout } from "../torch/checkpoint-contents.ts"
import type { NamedConstant } from "../torch/plain-data.ts"
import { isStorageReference } from "../torch/torch-tensors.ts"
import { type OpenedContents, planContentsSteps } from "./opened-contents.ts"
import type { SafetensorsOutput } from "./outputs.ts"
import { describeTensor, type Planned, TensorFile, type TensorInfo } from "./tensor-file.ts"

/** A checkpoint that has been opened. Close it, or let `await using` do so. */
export class Checkpoint<Output = SafetensorsOutput> extends TensorFile<
  ConversionReport,
  PlanOptions,
  Output
> {
  /** How the file is laid out. */
  readonly format: CheckpointLayout
  readonly #opened: OpenedContents<Output>
  #found: ReadonlyMap<string, FoundTensor> | undefined
  #plain: { readonly values: PlainValue } | undefined

  /** Made by `openCheckpoint`. */
  constructor(opened: OpenedContents<Output>) {
    super(opened)
    this.format = opened.contents.layout
    this.#opened = opened
  }

  /**
   * What torch.load would return, as plain data; tensors stand in it as `{ kind: "tensor", … }`.
   *
   * @throws `pickle-cycle`, `limit-exceeded`.
   */
  get values(): PlainValue {
    this.#plain ??= { values: this.#toPlainValues() }
    return this.#plain.values
  }

  /**
   * The value under those keys: `valueAt("optimizer", "param_groups", 0, "lr")`. Undefined where there is none.
   *
   * @throws as `values`.
   */
  valueAt(...keys: readonly (string | number)[]): PlainValue | undefined {
    return plainValueAt(this.values, keys)
  }

  /** The globals that its pickles name, all of which are on the list of allowed ones. Sorted. */
  get globals(): readonly string[] {
    return this.#opened.contents.globals.map(({ module, name }) => `${module}.${name}`).sort()
  }

  /**
   * Where a state dict may be: everything that holds tensors at the top of the checkpoint and one level below. Each path
   * can be given as `root`.
   *
   * @throws `pickle-cycle`, `limit-exceeded`.
   */
  get candidates(): readonly RootCandidate[] {
    const { contents, bounds } = this.#opened
    return rootCandidates(contents.value, takeCensus(contents.value, bounds.limits))
  }

  protected override planned(options: PlanOptions): Planned<ConversionReport> {
    return atOnce(planContentsSteps(this.#opened, options))
  }

  protected override found(): ReadonlyMap<string, FoundTensor> {
    this.#found ??= atOnce(this.#findTensors())
    return this.#found
  }

  protected override async findInTurns(signal: AbortSignal | undefined): Promise<void> {
    this.#found ??= await inTurns(this.#findTensors(), signal)
  }

  #toPlainValues(): PlainValue {
    const { contents, bounds } = this.#opened
    // Bounds the number of parts.
    takeCensus(contents.value, bounds.limits)
    return toPlainValue(contents.value, bounds.limits)
  }

  *#findTensors(): Steps<ReadonlyMap<string, FoundTensor>> {
    const { contents, bounds } = this.#opened
    const { value } = contents
    const found = new Map<string, FoundTensor>()
    if (isTensor(value) || isUnsupportedTensor(value)) {
      found.set(LONE_TENSOR_NAME, { name: LONE_TENSOR_NAME, tensor: value })
    }
    if (!isContainer(value)) return found
    const { limits } = bounds
    const census = yield* takeCensusSteps(value, limits)
    for (const each of yield* nameTensorsSteps(value, census, limits, contents.memory.copy())) {
      const { name } = each
      if (found.size % STEP_ITEMS === 0) yield
      if (found.has(name))
        throw new CheckpointError(NAME_DUPLICATE, { name, problem: "two tensors have this name" })
      found.set(name, each)
    }
    return found
  }
}

/** Python's None, numbers, text, bytes, sequences, mappings and sets. Integers above 2^53 - 1 are bigints. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PlainValue[]
  | ReadonlyMap<PlainValue, PlainValue>
  | ReadonlySet<PlainValue>
  | TensorInfo
  | PlainObject

/** A container that is being filled. */
type PlainContainer = PlainValue[] | Map<PlainValue, PlainValue> | Set<PlainValue>

/** What has no counterpart in JavaScript. */
export type PlainObject =
  | { readonly kind: "complex"; readonly real: number; readonly imaginary: number }
  | { readonly kind: "device" | "layout" | "global"; readonly text: string }
  | { readonly kind: "storage"; readonly key: string; readonly byteLength: number }

/** A container that is being filled, or waits to be. */
interface Filling {
  readonly container: Container
  readonly plain: PlainContainer
  /** Undefined while it waits. */
  children: ChildCursor | undefined
}

/**
 * `value` as plain data. Parts that are shared stay shared.
 *
 * The keys of mappings are walked too, which the search for tensors passes over: only here can a mapping that is part
 * of its own key be noticed.
 *
 * @throws `pickle-cycle`, `limit-exceeded` (`maxNesting`).
 */
export function toPlainValue(value: PickleValue, limits: Limits): PlainValue {
  return new Conversion(limits).run(value)
}

/**
 * What lies under `keys`, step by step: a key of a mapping, or an index of a sequence. Undefined where there is nothing.
 *
 * Keys are equal as in a `Map`: 1 is not "1".
 */
function plainValueAt(value: PlainValue, keys: readonly (string | number)[]): PlainValue | undefined {
  let at: PlainValue | undefined = value
  for (const key of keys) {
    if (at instanceof Map) at = at.get(key)
    else at = Array.isArray(at) && typeof key === "number" ? at[key] : undefined
  }
  return at
}

/** Containers are made empty and filled later, from a stack: nesting costs none of the engine's. */
class Conversion {
  readonly #limits: Limits
  readonly #done = new Map<PickleValue, PlainValue>()
  readonly #fillings: Filling[] = []
  readonly #open = new Set<Container>()
  readonly #filled = new Set<Container>()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  run(value: PickleValue): PlainValue {
    const plain = this.#convert(value)
    for (let filling = this.#fillings.at(-1); filling !== undefined; filling = this.#fillings.at(-1)) {
      const { container, children } = filling
      if (children === undefined) this.#begin(filling)
      else if (children.next()) this.#fill(filling.plain, children)
      else {
        this.#open.delete(container)
        this.#filled.add(container)
        this.#fillings.pop()
      }
    }
    return plain
  }

  #convert(part: PickleValue): PlainValue {
    if (typeof part !== "object" || part === null || part instanceof Uint8Array) return part
    if (part instanceof PickleFloat) return part.value
    const plain = this.#done.get(part) ?? this.#make(part)
    if (isContainer(part) && !this.#filled.has(part)) this.#enter(part, plain as PlainContainer)
    return plain
  }

  #make(part: Exclude<PickleValue, null | boolean | number | bigint | string | Uint8Array>): PlainValue {
    const plain = isContainer(part) ? emptyFor(part) : this.#convertObject(part as PickleObject)
    this.#done.set(part, plain)
    return plain
  }

  #enter(container: Container, plain: PlainContainer): void {
    if (this.#open.has(container)) {
      throw new CheckpointError(PICKLE_CYCLE, { problem: `a ${container.kind} contains itself` })
    }
    requireWithin(this.#limits, "maxNesting", this.#open.size + 1)
    if (container.size === 0) return
    // One that waits is entered again: what it holds is gone through before what is below it on the stack.
    this.#fillings.push({ container, plain, children: undefined })
  }

  #begin(filling: Filling): void {
    const { container } = filling
    if (this.#filled.has(container)) {
      this.#fillings.pop()
      return
    }
    this.#open.add(container)
    filling.children = new ChildCursor(container)
  }

  #fill(plain: PlainContainer, { key, value }: ChildCursor): void {
    const plainValue = this.#convert(value)
    if (plain instanceof Map) plain.set(this.#convert(key ?? null), plainValue)
    else if (plain instanceof Set) plain.add(plainValue)
    else plain.push(plainValue)
  }

  #convertObject(part: PickleObject | RefusedReference | RefusedObject): PlainValue {
    if (part instanceof RefusedReference || part instanceof RefusedObject) {
      throw new TypeError("a refused global has no plain value")
    }
    return plainObject(part)
  }
}

function emptyFor(container: Container): PlainContainer {
  if (container instanceof PickleDict) return new Map<PlainValue, PlainValue>()
  return container instanceof PickleSet ? new Set<PlainValue>() : []
}

function plainObject(part: PickleObject): PlainValue {
  if (isTensor(part) || isUnsupportedTensor(part)) return describeTensor(part)
  if (isStorageReference(part)) {
    return { kind: "storage", key: part.storage.key, byteLength: part.storage.byteLength }
  }
  if (isKnownGlobal(part)) return { kind: "global", text: `${part.module}.${part.name}` }
  if (part.kind === "object:complex") {
    const { real, imaginary } = part as ComplexNumber
    return { kind: "complex", real, imaginary }
  }
  const { kind, text } = part as NamedConstant
  return { kind: kind === "object:device" ? "device" : "layout", text }
}
