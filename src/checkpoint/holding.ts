/** What a container holds at any depth, counted once a container, and what it looks like. */

import { PickleDict, PickleList, PickleTuple, type PickleValue } from "../pickle/values.ts"
import { type AnyTensor, isTensor, type Tensor, tensorByteLength } from "../tensors/tensor.ts"
import { type Container, isContainer } from "./child-cursor.ts"

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

// What training code saves beside a model, and how it is recognised: the state of optimizers by its form, that of random
// generators by its size, and either by what its key is called.

/**
 * `optimizer`, `optimizers`, `optimizer_state_dict`, `optimizerG`, `last_optimizer_state`, `optim`, `d_optim`; not
 * `optimal_net`.
 */
const OPTIMIZER_KEY = /optimizer|(?:^|_)optims?(?:_|$)/i

/** Per-parameter buffers of torch's optimizers that no model calls its own. */
const SLOTS: ReadonlySet<unknown> = /* @__PURE__ */ new Set([
  "exp_avg",
  "exp_avg_sq",
  "max_exp_avg_sq",
  "exp_inf",
  "momentum_buffer",
  "square_avg",
  "grad_avg",
  "acc_delta",
])

const RANDOM_KEY = /rng|random|seed|^cuda$/i

/** Bytes of the state of torch's generator for processors (Mersenne Twister). */
const CPU_GENERATOR_BYTES = 5056

/** Scores and epochs. Modules have counters of steps among their own tensors, but not these. */
const SCORE_KEY =
  /^(?:epochs?|.*_epoch|best(?:_.*)?|.*(?:loss(?:es)?|acc(?:uracy)?|prec|metrics?|score|psnr)\d*)$/i

/** Counters and settings. */
const SETTING_KEY =
  /^(?:iter|iters|iterations?|iter_num|n_iter|(?:global_)?steps?|lr|learning_rate|.*sched(?:uler)?s?(?:_state(?:_dict)?)?|(?:grad_)?scaler|amp|args|opts?|config|cfg|hparams|hyper_parameters|pytorch-lightning_version|arch|callbacks|loops)$/i

/** Whether it is what `state_dict()` of an optimizer gives; further keys (`defaults`, `loss_scale`) do not matter. */
export function isOptimizerState(container: Container): boolean {
  if (!(container instanceof PickleDict)) return false
  const groups = container.get("param_groups")
  const isGrouped = groups instanceof PickleList || groups instanceof PickleTuple
  return isGrouped && isContainer(container.get("state") ?? null)
}

/** Whether what is kept under that key is an optimizer's. A module's own state dict is a model, whatever it is called. */
export function isKeptForOptimizer(key: PickleValue | undefined, container: Container): boolean {
  if (typeof key !== "string" || !OPTIMIZER_KEY.test(key)) return false
  return !(container instanceof PickleDict && container.hasState)
}

/** Whether a tensor under that key is a buffer of an optimizer. */
export function isOptimizerSlot(key: PickleValue | undefined): boolean {
  return SLOTS.has(key)
}

/** Whether what lies under that key may be states of random generators. */
export function hintsAtRandomState(key: PickleValue | undefined): boolean {
  return typeof key === "string" && RANDOM_KEY.test(key)
}

/** `isHinted`: whether a key on the way to it speaks of one. States of GPUs have 16 bytes (816 in old releases). */
export function isRandomState({ dtype, shape }: Tensor, isHinted: boolean): boolean {
  if (dtype.name !== "uint8" || shape.length !== 1) return false
  return isHinted || shape[0] === CPU_GENERATOR_BYTES
}

/** Whether the key speaks of training: what lies under it is a number as a tensor (`isTensor`), or no tensor at all. */
export function isTrainingKey(key: PickleValue | undefined, isTensor: boolean): boolean {
  return typeof key === "string" && (SCORE_KEY.test(key) || (!isTensor && SETTING_KEY.test(key)))
}
