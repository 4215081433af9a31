/** What checkpoints are called, and names for what commands in messages make, which write over nothing. */

import { existsSync } from "node:fs"
import { extname } from "node:path"
import { defaultOutput } from "../input.ts"
import { commandsOf, HAS_POSIX_TOOLS, shellCommand, shellWord } from "./shell-words.ts"

const NAME = /\.(?:pt|pth|bin|ckpt|th|pth\.tar)$/i

/** Files that a command line names one by one. */
const MAX_NAMED = 8

/** Whether a file is a checkpoint, by its name. */
export function isCheckpointName(name: string): boolean {
  return NAME.test(name) && !name.startsWith(".")
}

/** The command that converts `paths` one after the other. */
export function convertEach(paths: readonly string[]): readonly string[] {
  const [first, ...others] = paths
  if (first === undefined) return []
  if (others.length === 0) return commandsOf(shellCommand`tosafetensors ${first}`)
  const words = paths.map(shellWord)
  if (words.includes(undefined)) return []
  if (!HAS_POSIX_TOOLS) return paths.length > MAX_NAMED ? [] : words.map((word) => `tosafetensors ${word}`)
  const glob = paths.length > MAX_NAMED ? globOf(paths) : undefined
  return [`for f in ${glob ?? words.join(" ")}; do tosafetensors "$f"; done`]
}

/** A pattern of the shell for all of `paths`: what they begin and end with, where that is plain. */
function globOf([first = "", ...others]: readonly string[]): string | undefined {
  let start = 0
  while (start < first.length && others.every((path) => path[start] === first[start])) start++
  const extension = /\.[\w.]*$/.exec(first)?.[0] ?? ""
  const head = first.slice(0, start)
  const isPlain = /^[\w./-]+$/.test(head) && /^[\w.]+$/.test(extension)
  return isPlain && others.every((path) => path.endsWith(extension)) ? `${head}*${extension}` : undefined
}

/** Names that are tried. */
const MAX_NAMES = 100

/** `path`, or with a number before its extension the first one that does not exist. */
export function freeName(path: string): string {
  const extension = extname(path)
  const stem = path.slice(0, path.length - extension.length)
  for (let number = 2, name = path; number < MAX_NAMES; number++) {
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
