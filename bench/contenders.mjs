/** Who converts a shape, and what else is timed as a whole process. Each is a command, run in turn with the others. */

import { join } from "node:path"
import { folder, pathOf, python, root } from "./inputs.mjs"

export const output = join(folder, "output")
const cli = join(root, "dist/cli.js")
const inProcess = join(root, "bench/in-process.mjs")

/** The command line under test. */
export const ours = (...args) => [process.execPath, cli, ...args]

/** A process that measures itself and prints what it found as JSON. */
export const inside = (...args) => [process.execPath, "--expose-gc", inProcess, ...args]

/** @type {(shape: { file: string, unchecked?: boolean }) => Record<string, string[]>} */
export function contendersFor({ file, unchecked = false }) {
  const input = pathOf(file)
  const convert = ours(input, "-o", output, "--force", "--quiet")
  return {
    ours: convert,
    cp: ["cp", input, output],
    python: [python, join(root, "bench/convert_with_torch.py"), input, output],
    inside: inside("phases", input, output),
    ...(unchecked ? { unchecked: [...convert, "--verify", "none"] } : {}),
  }
}

/** What should take no longer than Node itself, and little longer for reading a directory and a pickle. */
export function commandsOn(file) {
  const input = pathOf(file)
  return {
    "node -e 0": [process.execPath, "-e", "0"],
    "tosafetensors --version": ours("--version"),
    "tosafetensors inspect": ours("inspect", input),
    "tosafetensors scan": ours("scan", input),
  }
}
