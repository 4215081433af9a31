/** Which tensors are converted: globs or a function over their names. */

import type { FoundTensor } from "../torch/walk-tensors.ts"

/** Globs over names (`*` stands for any run of characters, dots included, `?` for one), or a function. */
export type NameFilter = string | readonly string[] | ((tensor: FoundTensor) => boolean)

/** The filter as a function. */
export function compileFilter(filter: NameFilter): (tensor: FoundTensor) => boolean {
  if (typeof filter === "function") return filter
  const globs = typeof filter === "string" ? [filter] : filter
  return ({ name }) => globs.some((glob) => matchesGlob(name, glob))
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
    } else if (g < glob.length && (glob[g] === "?" || glob[g] === name[n])) {
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
