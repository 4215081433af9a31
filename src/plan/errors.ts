/** Errors of choosing what to convert: the root, and the tensors under it. */

import { type ErrorRow, list } from "../errors/error-row.ts"
import { quoteText } from "../text/quote-text.ts"

/** A glob that no name of a tensor matches, and the names that are most like it. */
export interface UnmatchedGlob {
  readonly option: "include" | "exclude"
  readonly glob: string
  readonly candidates: readonly string[]
}

/** There is nothing to convert. */
export const NO_TENSORS: ErrorRow<"no-tensors", { problem: string; unmatched?: readonly UnmatchedGlob[] }> = {
  code: "no-tensors",
  next: "There is nothing to convert: open the file and look at its `tensors`.",
}

/** safetensors has no form for these tensors. */
export const TENSOR_UNSUPPORTED: ErrorRow<
  "tensor-unsupported",
  { tensors: readonly { name: string; reason: string }[] }
> = {
  code: "tensor-unsupported",
  say: ({ tensors }) =>
    `safetensors cannot hold ${tensors.length === 1 ? "a tensor" : `${tensors.length} tensors`} of this ` +
    `checkpoint:${list(tensors, ({ name, reason }) => `${quoteText(name)}: ${reason}`)}`,
  next: "Leave them out (`exclude`), or convert them with torch first.",
}

/** Tensors share memory, and the caller wants none to. */
export const TENSORS_SHARED: ErrorRow<"tensors-shared", { readonly groups: readonly (readonly string[])[] }> =
  {
    code: "tensors-shared",
    say: (d) => `tensors share memory:${list(d.groups, sayNames)}`,
    next: 'Allow it: `shared: "alias"` writes a tensor with several names once, `shared: "copy"` under each name.',
  }

/** Names that a row shows. */
const NAMES_IN_A_ROW = 6

function sayNames(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_IN_A_ROW).map((name) => quoteText(name))
  const more = names.length - NAMES_IN_A_ROW
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "")
}
