/**
 * Where the state dict of a checkpoint is, by the rule that docs/roots.md states, written down a second time: every
 * question is asked of the whole tree anew, and nothing is counted before.
 */

import {
  SlowDict,
  SlowError,
  SlowFloat,
  SlowList,
  SlowSet,
  SlowTensor,
  SlowTuple,
  type SlowValue,
} from "./slow-values.ts"

export type SlowContainer = SlowDict | SlowList | SlowTuple | SlowSet

export interface SlowChild {
  readonly key: SlowValue | undefined
  readonly value: SlowValue
}

/** The root, and which of its own items are no part of the model. */
export interface SlowRoot {
  readonly container: SlowContainer
  readonly apart: ReadonlySet<SlowChild["key"]>
}

const TELLING = "state_dict model_state_dict model_state net_state_dict network_state_dict".split(" ")
const KNOWN = [
  ...TELLING,
  ..."model module net network params_ema params g_ema generator netG weights weight model_weights".split(
    " ",
  ),
  ..."model_ema state_dict_ema ema_state_dict ema".split(" "),
]
const SLOTS = "exp_avg exp_avg_sq max_exp_avg_sq exp_inf momentum_buffer square_avg grad_avg acc_delta".split(
  " ",
)

export function isSlowContainer(value: SlowValue): value is SlowContainer {
  return [SlowDict, SlowList, SlowTuple, SlowSet].some((type) => value instanceof type)
}

export function slowChildren(container: SlowContainer): readonly SlowChild[] {
  if (container instanceof SlowDict) return container.entries
  const keyed = !(container instanceof SlowSet)
  return container.items.map((value, i) => ({ key: keyed ? BigInt(i) : undefined, value }))
}

/** A tensor somewhere below, with the keys that lead to it. */
interface Leaf {
  readonly keys: readonly SlowChild["key"][]
  readonly tensor: SlowTensor
  /** Whether it lies in the state of an optimizer. */
  readonly inOptimizer: boolean
}

/** Keys of mutants may be any text: only the words that the rule names matter. */
const textOf = (key: SlowChild["key"]): string => (typeof key === "string" ? key : "")
const isOptimizers = (key: SlowChild["key"], value: SlowValue): boolean =>
  (/optimizer/i.test(textOf(key)) || /(^|_)optims?(_|$)/i.test(textOf(key))) &&
  !(value instanceof SlowDict && value.hasState)
const hints = (key: SlowChild["key"]): boolean =>
  /rng|random|seed/i.test(textOf(key)) || /^cuda$/i.test(textOf(key))

function isOptimizer(value: SlowValue): boolean {
  if (!(value instanceof SlowDict)) return false
  const groups = value.get("param_groups")
  const state = value.get("state")
  return (
    (groups instanceof SlowList || groups instanceof SlowTuple) &&
    state !== undefined &&
    isSlowContainer(state)
  )
}

function leaves(container: SlowContainer, inOptimizer = isOptimizer(container)): readonly Leaf[] {
  return slowChildren(container).flatMap(({ key, value }): readonly Leaf[] => {
    if (value instanceof SlowTensor) {
      return [{ keys: [key], tensor: value, inOptimizer: inOptimizer || SLOTS.includes(textOf(key)) }]
    }
    if (!isSlowContainer(value)) return []
    const inside = inOptimizer || isOptimizer(value) || isOptimizers(key, value)
    return leaves(value, inside).map((leaf) => ({ ...leaf, keys: [key, ...leaf.keys] }))
  })
}

const hasDimensions = ({ rank }: SlowTensor): boolean => rank > 0

function isRandomState({ view }: SlowTensor, hinted: boolean): boolean {
  return view?.dtype.torch === "uint8" && view.shape.length === 1 && (hinted || view.shape[0] === 5056)
}

const isTraining = ({ keys, tensor, inOptimizer }: Leaf): boolean =>
  inOptimizer || isRandomState(tensor, keys.some(hints))
const isWeight = (leaf: Leaf): boolean => !isTraining(leaf) && hasDimensions(leaf.tensor)

const PARAMETER = /^(weight|weights?_[gv]|bias|kernel|gamma|beta|embeddings?|running_mean|running_var|w|b)$/
const isDotted = (key: SlowChild["key"]): boolean => textOf(key).lastIndexOf(".") > 0
const isParameter = (key: SlowChild["key"]): boolean =>
  isDotted(key) || PARAMETER.test(textOf(key).split(/[./]/).at(-1) ?? "")

const WORDS = [
  ..."epoch epochs iter iters iteration iterations iter_num n_iter step steps global_step global_steps".split(
    " ",
  ),
  ..."lr learning_rate scaler grad_scaler amp args opt opts config cfg hparams hyper_parameters".split(" "),
  ..."pytorch-lightning_version arch callbacks loops best".split(" "),
]
function speaksOfTraining(key: SlowChild["key"], isNumber: boolean): boolean {
  const word = textOf(key).toLowerCase()
  if (isNumber && !/^(epochs?|best)$/.test(word) && (WORDS.includes(word) || /sched/.test(word))) return false
  return (
    WORDS.includes(word) ||
    (word.startsWith("best_") && !word.includes("\n")) ||
    /^.*_epoch$/.test(word) ||
    /^.*sched(uler)?s?(_state(_dict)?)?$/.test(word) ||
    /^.*(loss|losses|acc|accuracy|prec|metric|metrics|score|psnr)\d*$/.test(word)
  )
}

interface Part extends SlowChild {
  readonly value: SlowContainer
  readonly found: readonly Leaf[]
}

function partsOf(container: SlowContainer): readonly Part[] {
  return slowChildren(container).flatMap(({ key, value }): readonly Part[] => {
    if (!isSlowContainer(value)) return []
    const inside = isOptimizer(container) || isOptimizer(value) || isOptimizers(key, value)
    const found = leaves(value, inside)
    return found.length === 0 ? [] : [{ key, value, found }]
  })
}

/** Whether a part holds the state of training and nothing that may be a model. */
function isStateOfTraining({ key, value, found }: Part): boolean {
  if (isOptimizers(key, value)) return true
  if (found.some((leaf) => leaf.inOptimizer)) return !found.some((leaf) => isWeightBelow(key, leaf))
  return found.every((leaf) => isTraining({ ...leaf, keys: [key, ...leaf.keys] }))
}

function isWeightBelow(key: SlowChild["key"], leaf: Leaf): boolean {
  return isWeight({ ...leaf, keys: [key, ...leaf.keys] })
}

const first = (parts: readonly Part[], names: readonly string[]): Part | undefined =>
  names.flatMap((name) => parts.filter(({ key }) => key !== undefined && spelling(key) === name))[0]

function isLoose(key: SlowChild["key"], value: SlowValue): boolean {
  return value instanceof SlowTensor && !SLOTS.includes(textOf(key)) && !isRandomState(value, hints(key))
}

/** The next part to look into; "here" where the container is the root. */
function nextOf(container: SlowContainer, named: boolean): Part | "here" | "unclear" {
  const parts = partsOf(container)
  const models = parts.filter((part) => !isStateOfTraining(part))
  if (models.length === 0) return "here"
  const own = slowChildren(container).filter(
    ({ value }) => !(isSlowContainer(value) && leaves(value).length > 0),
  )
  const loose = own.filter(({ key, value }) => isLoose(key, value))
  const weighty = models.filter(({ key, found }) => found.some((leaf) => isWeightBelow(key, leaf)))
  const known = first(models, KNOWN)
  const [only] = weighty
  if (loose.length === 0) {
    if (known !== undefined) return known
    if (models.length === 1) return models[0] ?? "here"
    if (weighty.length === 1 && only !== undefined) return only
    const teacher = weighty.find(({ key }) => key === "teacher")
    return teacher !== undefined && weighty.every((part) => sameNames(teacher, part)) ? teacher : "unclear"
  }
  const telling = first(models, TELLING)
  if (telling !== undefined) return telling
  const training =
    parts.length > models.length ||
    own.some(({ key, value }) =>
      value instanceof SlowTensor
        ? isRandomState(value, hints(key)) ||
          (!SLOTS.includes(textOf(key)) && !hasDimensions(value) && speaksOfTraining(key, true))
        : speaksOfTraining(key, false),
    )
  const wide = loose.filter(({ value }) => value instanceof SlowTensor && hasDimensions(value))
  const apart = weighty.filter(
    ({ value }) =>
      training ||
      (value instanceof SlowDict && value.hasState) ||
      (wide.length === 0 &&
        slowChildren(value).some((child) => {
          const { key, value: item } = child
          if (!(item instanceof SlowTensor) || !isDotted(key)) return false
          return isWeight({ keys: [key], tensor: item, inOptimizer: false })
        })),
  )
  const one = weighty.length === 1 ? apart[0] : undefined
  const next = known ?? one
  const parameters = wide.filter(({ key }) => isParameter(key)).length
  if (named || parameters > 0) {
    return known !== undefined && training && parameters <= known.found.length ? known : "here"
  }
  return next ?? (apart.length > 1 ? "unclear" : "here")
}

function sameNames(one: Part, other: Part): boolean {
  const names = ({ found }: Part): string[] =>
    found.map(({ keys }) => keys.map((key) => spelling(key) ?? "?").join(".")).sort()
  const plain = (list: readonly string[]): string =>
    JSON.stringify(list.filter((name) => name !== "n_averaged").map((name) => name.replace(/^module\./, "")))
  return plain(names(one)) === plain(names(other))
}

/** @throws SlowError where no rule says which. */
export function slowRoot(top: SlowContainer): SlowRoot {
  const all = leaves(top)
  if (!all.some(isWeight) && all.some(isTraining)) {
    const models = partsOf(top).filter((part) => !isStateOfTraining(part))
    if (first(models, KNOWN) === undefined) throw new SlowError("no model")
  }
  let container = top
  for (let named = false; ; ) {
    if (partsOf(container).length === 0) break
    const next = nextOf(container, named)
    // A well-known child without a root of its own is taken whole.
    if (next === "here" || (next === "unclear" && named)) break
    if (next === "unclear") throw new SlowError("no rule says which")
    // Beside loose tensors only what is a state dict is gone into.
    const beside = slowChildren(container).some(({ key, value }) => isLoose(key, value))
    named ||= beside || KNOWN.includes(spelling(next.key) ?? "") || next.key === "teacher"
    container = next.value
  }
  const apart = slowChildren(container).filter(({ key, value }) => {
    if (value instanceof SlowTensor) return isRandomState(value, hints(key)) && !SLOTS.includes(textOf(key))
    const part = partsOf(container).find((each) => each.key === key)
    return part !== undefined && isStateOfTraining(part)
  })
  return { container, apart: new Set(apart.map(({ key }) => key)) }
}

/** Undefined for a key that no name is made of. */
function spelling(key: SlowChild["key"]): string | undefined {
  try {
    return slowSpell(key)
  } catch (error) {
    if (error instanceof SlowError) return undefined
    throw error
  }
}

/** A key as Python's `str` gives it, for those that names are made of. */
export function slowSpell(key: SlowChild["key"]): string {
  if (typeof key === "string") return key
  const text = spellPart(key, 0)
  if (text.length > 128) throw new SlowError("a key that is long")
  return text
}

function spellPart(key: SlowChild["key"], depth: number): string {
  if (key === null) return "None"
  if (typeof key === "boolean") return key ? "True" : "False"
  if (typeof key === "bigint") return String(key)
  if (key instanceof SlowFloat) return spellFloat(key.value)
  if (typeof key === "string") {
    const quote = key.includes("'") && !key.includes('"') ? '"' : "'"
    const escaped = Array.from(key, (each) => (each === "\\" || each === quote ? `\\${each}` : each))
    return quote + escaped.join("") + quote
  }
  if (!(key instanceof SlowTuple) || depth > 3) throw new SlowError("a key that is no name")
  const items = key.items.map((item) => spellPart(item, depth + 1))
  return `(${items.join(", ")}${items.length === 1 ? "," : ""})`
}

function spellFloat(value: number): string {
  if (Number.isNaN(value)) return "nan"
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf"
  const sign = value < 0 || Object.is(value, -0) ? "-" : ""
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return sign + size.toExponential().replace(/e([+-])(\d)$/, "e$10$2")
  }
  return sign + (Number.isInteger(size) ? `${size}.0` : String(size))
}
