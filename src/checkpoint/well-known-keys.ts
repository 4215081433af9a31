/** Keys under which training code keeps the state dict. */

/**
 * Keys that say it: what lies there is the state dict, whatever lies beside it. The most telling first, and of averaged
 * weights and others the others, as most projects mean it.
 */
const TELLING = [
  "state_dict",
  "model_state_dict",
  "model_state",
  "net_state_dict",
  "network_state_dict",
] as const

/** Keys that a module may have as well, for a part of itself. */
const USUAL = [
  "model",
  "module",
  "net",
  "network",
  // Super-resolution tools mean the averaged weights.
  "params_ema",
  "params",
  "g_ema",
  "generator",
  "netG",
  "weights",
  "weight",
  "model_weights",
  "model_ema",
  "state_dict_ema",
  "ema_state_dict",
  "ema",
] as const

/** All of them, in order. */
export const WELL_KNOWN: readonly string[] = /* @__PURE__ */ [...TELLING, ...USUAL]

/** Whether a key says by itself that a state dict lies there. */
export function isTelling(name: string): boolean {
  return (TELLING as readonly string[]).includes(name)
}

/**
 * The averaged weights of self-distillation, beside those of a student. Taken only where both hold the same names: in
 * other trainings the teacher is another model, and the student the one that is wanted.
 */
export const TEACHER = "teacher"

/** The first of `branches` by the order of the keys; undefined when none has one. */
export function firstWellKnown<Named extends { readonly name: string }>(
  branches: readonly Named[],
): Named | undefined {
  let first: Named | undefined
  let rank = WELL_KNOWN.length
  for (const branch of branches) {
    const at = WELL_KNOWN.indexOf(branch.name)
    if (at < 0 || at >= rank) continue
    first = branch
    rank = at
  }
  return first
}
