/** Words for globs that match nothing. */

import type { UnmatchedGlob } from "../node/index.ts"
import { quoted } from "./shown-text.ts"

/** A glob that no name matches, and what was likely meant. */
export function sayUnmatched({ option, glob, candidates }: UnmatchedGlob): string {
  const near = candidates.length === 0 ? "" : `; the nearest: ${candidates.map(quoted).join(", ")}`
  return `--${option} ${quoted(glob)} matches no tensor${near}`
}
