/** Where a conversion writes when nobody says it. */

import { basename, dirname, join } from "node:path"

/** What checkpoints are called, and what stands before it in names such as `model.pth.tar`. */
const EXTENSION =
  /(?<=.)(?:\.(?:pt|pth|ckpt))?\.(?:pt|pth|pth2|pt2|bin|ckpt|chkpt|checkpoint|pkl|pickle|th|t7|tar|model|params|weights|jit|ptl|mar|zip|safetensors)$/i

/**
 * The input's name in the input's folder, ending in `.safetensors` instead of the extension of a checkpoint. Anything
 * else after a dot stays: `model-v1.5` becomes `model-v1.5.safetensors`.
 */
export function defaultOutput(input: string): string {
  return join(dirname(input), `${basename(input).replace(EXTENSION, "")}.safetensors`)
}
