/** What training code saves, in small: state dicts, optimizers, states of random generators. */

import { dtypeNamed } from "../property/dtypes.ts"
import { Float, type TestTensor, type TestValue, tensor } from "../property/model.ts"
import { dict, pair } from "./contents.ts"

const F32 = dtypeNamed("float32")
const U8 = dtypeNamed("uint8")

/** A number as a tensor. */
export function scalar(): TestTensor {
  return tensor(F32, [])
}

/** The state of a random generator: 5,056 bytes for processors, 16 for a GPU. */
export function rngState(byteLength = 5056): TestTensor {
  return tensor(U8, [byteLength])
}

/** A state dict of one module. */
export function state(): ReadonlyMap<string, TestValue> {
  return dict({ w: pair(), b: pair() })
}

/** A flat state dict with names of modules. */
export function dotted(...names: readonly string[]): ReadonlyMap<string, TestValue> {
  const all = names.length === 0 ? ["fc.weight", "fc.bias"] : names
  return new Map(all.map((name) => [name, pair()]))
}

/** What `state_dict()` of Adam gives for two parameters, with what else an optimizer may add. */
export function optimizer(more: Readonly<Record<string, TestValue>> = {}): ReadonlyMap<string, TestValue> {
  const slots = (): TestValue => dict({ step: scalar(), exp_avg: pair(), exp_avg_sq: pair() })
  return dict({
    state: new Map([
      [0, slots()],
      [1, slots()],
    ]),
    param_groups: [dict({ lr: new Float(0.1), params: [0, 1] })],
    ...more,
  })
}
