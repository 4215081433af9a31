/** What a container holds at any depth, counted once a container, and what it looks like. */

import type { PickleValue } from "../pickle/values.ts"
import { PickleDict } from "../pickle/values.ts"
import type { AnyTensor } from "../tensors/tensor.ts"
import { isTensor, tensorByteLength } from "../tensors/tensor.ts"
import type { Container } from "./child-cursor.ts"
import {
  hintsAtRandomState,
  isKeptForOptimizer,
  isOptimizerSlot,
  isOptimizerState,
  isRandomState,
} from "./training-state.ts"

/** What a container holds, at any depth. Parts that are shared count as often as they are reached. */
export interface Holding {
  readonly tensorCount: number
  readonly byteLength: number
  /** Whether tensors are among its own items. */
  readonly direct: boolean
  /** Whether containers with tensors are. */
  readonly nested: boolean
  /** Tensors in the state of an optimizer. */
  readonly optimizerCount: number
  /** Tensors that are the state of a random generator. */
  readonly randomCount: number
  /** Tensors with dimensions that are neither: those that a model's weights are among. */
  readonly weightCount: number
  /** Whether it is what torch gives for a module: an OrderedDict with the versions of its parts. */
  readonly isModules: boolean
  /** Whether a tensor of its own is called by a path with dots, as only flat state dicts have them. */
  readonly hasDotted: boolean
  /** Whether a tensor of its own is called `weight`, `bias`, `w` or the like. */
  readonly hasParameters: boolean
}

/** Most containers of training state hold no tensors. */
const NO_TENSORS: Holding = /* @__PURE__ */ Object.freeze({
  tensorCount: 0,
  byteLength: 0,
  direct: false,
  nested: false,
  optimizerCount: 0,
  randomCount: 0,
  weightCount: 0,
  isModules: false,
  hasDotted: false,
  hasParameters: false,
})

const PARAMETER_KEY =
  /(?:^|[./])(?:weights?_[gv]|weight|bias|kernel|gamma|beta|embeddings?|running_(?:mean|var)|w|b)$/

/** Whether it is called as the parameters of modules are: a path with dots, or `weight` alone. */
export function isDotted(key: PickleValue | undefined): boolean {
  return typeof key === "string" && key.lastIndexOf(".") > 0
}

/** Whether it is called as the parameters of one module are. */
export function isParameterKey(key: PickleValue | undefined): boolean {
  return typeof key === "string" && PARAMETER_KEY.test(key)
}

/** Counts what a container holds. */
export class Tally {
  readonly container: Container
  /** Whether a key on the way to it speaks of random generators. */
  readonly #isHinted: boolean
  #tensorCount = 0
  #byteLength = 0
  #direct = false
  #nested = false
  #optimizerCount = 0
  #randomCount = 0
  #weightCount = 0
  #hasDotted = false
  #hasParameters = false

  constructor(container: Container, isHinted: boolean) {
    this.container = container
    this.#isHinted = isHinted
  }

  /** The tally of a child that lies under `key`. */
  below(key: PickleValue | undefined, container: Container): Tally {
    return new Tally(container, this.#isHinted || hintsAtRandomState(key))
  }

  addTensor(key: PickleValue | undefined, tensor: AnyTensor): void {
    this.#tensorCount += 1
    this.#direct = true
    this.#hasParameters ||= isParameterKey(key)
    if (!isTensor(tensor)) {
      this.#weightCount += 1
      return
    }
    this.#byteLength += tensorByteLength(tensor)
    if (isOptimizerSlot(key)) this.#optimizerCount += 1
    else if (isRandomState(tensor, this.#isHinted || hintsAtRandomState(key))) this.#randomCount += 1
    else if (tensor.shape.length > 0) {
      this.#weightCount += 1
      this.#hasDotted ||= isDotted(key)
    }
  }

  addChild(key: PickleValue | undefined, child: Container, holding: Holding): void {
    const { tensorCount } = holding
    if (tensorCount === 0) return
    this.#tensorCount += tensorCount
    this.#byteLength += holding.byteLength
    this.#nested = true
    const isOptimizers = isKeptForOptimizer(key, child)
    this.#optimizerCount += isOptimizers ? tensorCount : holding.optimizerCount
    if (isOptimizers) return
    this.#randomCount += holding.randomCount
    this.#weightCount += holding.weightCount
  }

  /** What it came to. */
  get holding(): Holding {
    if (this.#tensorCount === 0) return NO_TENSORS
    const isOptimizer = isOptimizerState(this.container)
    return {
      tensorCount: this.#tensorCount,
      byteLength: this.#byteLength,
      direct: this.#direct,
      nested: this.#nested,
      optimizerCount: isOptimizer ? this.#tensorCount : this.#optimizerCount,
      randomCount: isOptimizer ? 0 : this.#randomCount,
      weightCount: isOptimizer ? 0 : this.#weightCount,
      isModules: this.container instanceof PickleDict && this.container.hasState,
      hasDotted: this.#hasDotted,
      hasParameters: this.#hasParameters,
    }
  }
}
