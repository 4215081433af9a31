/**
 * The state that torch gives to a tensor which it has rebuilt: attributes, set one by one (torch 2.13, `_set_obj_state`
 * of `torch/_utils.py`). They are no part of the tensor and are dropped, but for those that torch would do more with than
 * keep them: `data` replaces the tensor, `real` and `imag` write into its storage.
 */

import { describeValue, PickleDict, PickleTuple, type PickleValue } from "../pickle/values.ts"
import { quoteText } from "../text/quote-text.ts"
import { type CallSite, faultAt } from "./call-site.ts"
import { TENSOR_METADATA } from "./errors.ts"

/**
 * What `torch.Tensor` has as data descriptors: assigning to one calls torch, or fails. All of torch 2.13 but those in
 * two underscores, which are refused by rule, and at the end what earlier releases had. An oracle test asks torch.
 */
export const TENSOR_DESCRIPTORS: ReadonlySet<string> = /* @__PURE__ */ (() =>
  new Set(
    (
      "H T mH mT _backward_hooks _base _cdata _grad _grad_fn _has_symbolic_sizes_strides " +
      "_post_accumulate_grad_hooks _python_dispatch _version data device dtype grad grad_dtype grad_fn imag " +
      "is_cpu is_cuda is_ipu is_leaf is_maia is_meta is_mkldnn is_mps is_mtia is_nested is_quantized is_sparse " +
      "is_sparse_csr is_vulkan is_xla is_xpu itemsize layout name nbytes ndim output_nr real requires_grad " +
      "retains_grad shape volatile " +
      "names is_hpu is_mlc is_ort"
    ).split(" "),
  ))()

/** @throws `tensor-metadata` for state that torch does not take, or that it would change the tensor with. */
export function requirePlainState(state: PickleValue | undefined, site: CallSite): void {
  let attributes = state
  if (state instanceof PickleTuple) {
    const [first, slots = null] = state.items
    if (state.size !== 2 || !isEmpty(slots)) {
      throw faultAt(site, TENSOR_METADATA, "a tensor is given state with slots, which no tensor has")
    }
    attributes = first
  }
  if (attributes === null) return
  if (!(attributes instanceof PickleDict)) {
    const what = describeValue(attributes ?? null)
    throw faultAt(site, TENSOR_METADATA, `a tensor is given ${what} as its state, not a dict`)
  }
  for (const { key } of attributes.entries()) {
    if (typeof key === "string" && !TENSOR_DESCRIPTORS.has(key) && !/^__.*__$/su.test(key)) continue
    const shown = typeof key === "string" ? quoteText(key) : describeValue(key)
    const problem = `a tensor is given the attribute ${shown}, with which torch may change it`
    throw faultAt(site, TENSOR_METADATA, problem)
  }
}

function isEmpty(slots: PickleValue): boolean {
  return slots === null || (slots instanceof PickleDict && slots.size === 0)
}
