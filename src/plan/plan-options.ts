/** What a caller can say about a plan. */

import { type FoundTensor, isTensor, type NamedTensor, tensorByteLength } from "../tensors/tensor.ts"
import { quoteText } from "../text/quote-text.ts"
import type { PlanWarning } from "./plan.ts"
import type { Alias, SharingPolicy } from "./resolve-sharing.ts"

/** How to plan. All fields may be left out. */
export interface TensorOptions {
  /** Only tensors that match are written. Default: all. */
  readonly include?: NameFilter | undefined
  /** Tensors that match are left out, also when `include` names them. Default: none. */
  readonly exclude?: NameFilter | undefined
  /** The name to write a tensor with. Default: its own. */
  readonly rename?: ((name: string) => string) | undefined
  /** What to do with names of one tensor. Default `"alias"`. */
  readonly shared?: SharingPolicy | undefined
  /** Where several names stand for one tensor, those that match are kept; before `rename`. Default: the first of each. */
  readonly keep?: NameFilter | undefined
  /** What to do with tensors that safetensors cannot hold: refuse them, or leave them out. Default `"error"`. */
  readonly unsupported?: "error" | "skip" | undefined
  /** Text to keep in the header. Default `{ format: "pt" }`, which loaders of transformers ask for. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Whether bytes are checked against the container's checksums. Default `"crc"`. */
  readonly verify?: "crc" | "none" | undefined
}

// Keys of the metadata that say something about the file and not about its tensors. Other names of a tensor stand
// beside them, and come from the checkpoint: no such name may be one of these, whether this file has the key or not.

/** What loaders of transformers ask for. */
export const FORMAT = "format"

/** What `--provenance` records. Nothing there depends on when or where the conversion was made. */
export const SOURCE_SHA256 = "source_sha256"
export const SOURCE_BYTES = "source_bytes"
export const CONVERTED_BY = "converted_by"

/** All of them. */
export const OWN_METADATA_KEYS: readonly string[] = [FORMAT, SOURCE_SHA256, SOURCE_BYTES, CONVERTED_BY]

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
