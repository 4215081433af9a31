/**
 * What training code saves beside a model, and how it is recognised: the state of optimizers by its form, that of random
 * generators by its size, and either by what its key is called.
 */

import type { PickleValue } from "../pickle/values.ts"
import { PickleDict, PickleList, PickleTuple } from "../pickle/values.ts"
import type { Tensor } from "../tensors/tensor.ts"
import type { Container } from "./child-cursor.ts"
import { isContainer } from "./child-cursor.ts"

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
