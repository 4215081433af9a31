/**
 * Converts every checkpoint of a folder beside itself, and says why one is refused.
 *
 *   node examples/node/convert-folder.mjs models/
 *
 * In a clone, build first: `npm ci`.
 */

import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { isCheckpointError, toSafetensors } from "tosafetensors"

const CHECKPOINT = /\.(?:pt|pth|bin|ckpt)$/

const [folder = "."] = process.argv.slice(2)
for (const name of (await readdir(folder)).sort()) {
  if (!CHECKPOINT.test(name)) continue
  const output = join(folder, name.replace(CHECKPOINT, ".safetensors"))
  try {
    const { tensorCount, byteLength } = await toSafetensors(join(folder, name), output, { overwrite: true })
    console.log(`${name}: ${tensorCount} tensors, ${byteLength} bytes`)
  } catch (error) {
    // What is wrong with a file is one of our errors. Everything else is a fault of this script.
    if (!isCheckpointError(error)) throw error
    console.log(`${name}: ${error.message} (${error.code})`)
    process.exitCode = 1
  }
}
