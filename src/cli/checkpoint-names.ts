/** What checkpoints are called, and the commands that convert several. */

import { commandsOf, HAS_POSIX_TOOLS, shellCommand, shellWord } from "./shell-words.ts"

const NAME = /\.(?:pt|pth|bin|ckpt|th|pth\.tar)$/i

/** Files that a command line names one by one. */
const MOST_NAMED = 8

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
  if (!HAS_POSIX_TOOLS) return paths.length > MOST_NAMED ? [] : words.map((word) => `tosafetensors ${word}`)
  return [
    `for f in ${paths.length > MOST_NAMED ? (globOf(paths) ?? words.join(" ")) : words.join(" ")}; do tosafetensors "$f"; done`,
  ]
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
