/** Where a conversion writes when nobody says it. */

import { basename, dirname, join } from "node:path"
import { STANDARD_STREAM } from "./input.ts"
import { readUrl } from "./url-input.ts"
import { isUrl, nameOf } from "./url-name.ts"

/** What checkpoints are called, and what stands before it in names such as `model.pth.tar`. */
const EXTENSION =
  /(?<=.)(?:\.(?:pt|pth|ckpt))?\.(?:pt|pth|pth2|pt2|bin|ckpt|chkpt|checkpoint|pkl|pickle|th|t7|tar|model|params|weights|jit|ptl|mar|zip|safetensors)$/i

/**
 * The input's name in the input's folder, ending in `.safetensors` instead of the extension of a checkpoint. Anything
 * else after a dot stays: `model-v1.5` becomes `model-v1.5.safetensors`. For a URL it is the last part of its path, made
 * safe, in the current folder. Undefined for what has no name: standard input, a URL whose path ends with a slash.
 */
export function defaultOutput(input: string): string | undefined {
  if (input === STANDARD_STREAM) return undefined
  const path = isUrl(input) ? nameOf(readUrl(input)) : input
  if (path === undefined) return undefined
  return join(dirname(path), `${basename(path).replace(EXTENSION, "")}.safetensors`)
}
