/** Names for what commands in messages make: such that nothing that is there is written over. */

import { existsSync } from "node:fs"
import { dirname, extname, join } from "node:path"
import { defaultOutput } from "./default-output.ts"

/** Names that are tried. */
const MOST_NAMES = 100

/** `path`, or with a number before its extension the first one that does not exist. */
export function freeName(path: string): string {
  const extension = extname(path)
  const stem = path.slice(0, path.length - extension.length)
  for (let number = 2, name = path; number < MOST_NAMES; number++) {
    if (!existsSync(name)) return name
    name = `${stem}-${number}${extension}`
  }
  return path
}

/** `dir/model` of `dir/model.pth.tar`: the default output's name without its extension. */
export function withoutExtension(path: string): string {
  const output = defaultOutput(path) ?? path
  const stem = output.replace(/\.safetensors$/, "")
  return stem === path ? `${path}-unpacked` : stem
}

/** `name` in the folder of `path`, written as short as the path was. */
export function beside(path: string, name: string): string {
  const folder = dirname(path)
  return folder === "." ? name : join(folder, name)
}
