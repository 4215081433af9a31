/** Which tensors are converted: globs or a function over their names. */

import { type FoundTensor, isTensor, type NamedTensor, tensorByteLength } from "../tensors/tensor.ts"
import { quoteText } from "../text/quote-text.ts"
import type { PlanWarning } from "./plan.ts"
import type { Alias } from "./resolve-sharing.ts"

/** What a filter function is asked about. Tensors that safetensors cannot hold have no dtype and no bytes here. */
export interface FilterCandidate {
  readonly name: string
  /** torch's name of the dtype, such as `bfloat16`. */
  readonly torchDtype: string | undefined
  readonly shape: readonly number[]
  readonly byteLength: number
}

/** Globs over names (`*` stands for any run of characters, dots included, `?` for one character), or a function. */
export type NameFilter = string | readonly string[] | ((tensor: FilterCandidate) => boolean)

/** A filter, and which of its globs have matched nothing so far. */
export interface CompiledFilter {
  readonly matches: (tensor: FoundTensor) => boolean
  readonly unmatched: ReadonlySet<string>
}

/** The filter as a function. */
export function compileFilter(filter: NameFilter): CompiledFilter {
  if (typeof filter === "function") {
    return { matches: (tensor) => filter(candidateOf(tensor)), unmatched: new Set() }
  }
  const globs = typeof filter === "string" ? [filter] : filter
  const unmatched = new Set(globs)
  const matches = ({ name }: FoundTensor): boolean => {
    let some = false
    for (const glob of globs) {
      // One that has matched before is of interest only until another has.
      if ((some && !unmatched.has(glob)) || !matchesGlob(name, glob)) continue
      unmatched.delete(glob)
      some = true
    }
    return some
  }
  return { matches, unmatched }
}

function candidateOf({ name, tensor }: FoundTensor): FilterCandidate {
  if (!isTensor(tensor)) return { name, torchDtype: undefined, shape: [], byteLength: 0 }
  return { name, torchDtype: tensor.dtype.name, shape: tensor.shape, byteLength: tensorByteLength(tensor) }
}

/**
 * Whether `name` matches `glob`. Names come from the file and may be long: this takes at most name times glob steps,
 * where a regular expression with several stars could take far more.
 */
export function matchesGlob(name: string, glob: string): boolean {
  let n = 0
  let g = 0
  let starInGlob = -1
  let starInName = 0
  while (n < name.length) {
    if (g < glob.length && glob[g] === "*") {
      starInGlob = g++
      starInName = n
    } else if (g < glob.length && glob[g] === "?") {
      g++
      n += (name.codePointAt(n) as number) > 0xffff ? 2 : 1
    } else if (g < glob.length && glob[g] === name[n]) {
      g++
      n++
    } else if (starInGlob >= 0) {
      g = starInGlob + 1
      n = ++starInName
    } else {
      return false
    }
  }
  while (g < glob.length && glob[g] === "*") g++
  return g === glob.length
}

export class KeepNames<Named extends NamedTensor> {
  /** Tensors whose names are kept rather than others. */
  readonly preferred: ReadonlySet<Named>
  readonly #keep: NameFilter
  readonly #found: readonly FoundTensor[]
  readonly #named: readonly Named[]

  /** `named` are the same tensors as `found`, one by one, under the names that they are written with. */
  constructor(keep: NameFilter, found: readonly FoundTensor[], named: readonly Named[]) {
    const { matches } = compileFilter(keep)
    this.#keep = keep
    this.#found = found
    this.#named = named
    this.preferred = new Set(named.filter((_, index) => matches(found[index] as FoundTensor)))
  }

  /** Those that no name of a tied tensor matches: most likely misspelt. */
  warnings(aliases: readonly Alias[]): readonly PlanWarning[] {
    const tied = new Set(aliases.flatMap(({ dropped, kept }) => [dropped, kept]))
    const found = this.#found.filter((_, index) => tied.has(this.#named[index]?.name ?? ""))
    const keep = this.#keep
    const wishes = typeof keep === "function" || typeof keep === "string" ? [keep] : keep
    return wishes
      .filter((wish) => !found.some(compileFilter(wish).matches))
      .map((wish) => {
        const what = typeof wish === "string" ? quoteText(wish) : "the function"
        return { code: "keep-unused", message: `nothing to keep: ${what} matches no name of a tied tensor` }
      })
  }
}
