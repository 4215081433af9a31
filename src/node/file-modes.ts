/** Who may read and write what is written: nobody who could not read what it was made from. */

import { stat } from "node:fs/promises"

/** Of a file that is not finished: its user's alone. */
export const PRIVATE_MODE = 0o600

/** Reading and writing. An output is nothing to execute. */
const READ_WRITE = 0o666

/** What the mode of an output follows from. */
interface ModeFacts {
  /** Whether a file under its name may be replaced. */
  readonly overwrite: boolean
  /** The file that is read, when it is one. */
  readonly inputPath: string | undefined
}

/**
 * The mode for the output `path`: what the process's mask leaves, what a file that it takes the place of has, and not
 * more than the input has. Undefined on Windows, where a file takes its rights from its folder.
 */
export async function outputMode(
  path: string,
  { overwrite, inputPath }: ModeFacts,
): Promise<number | undefined> {
  if (process.platform === "win32") return undefined
  const [replaced, input] = await Promise.all([
    overwrite ? modeOf(path) : undefined,
    // One that is gone by now can no longer tell.
    inputPath === undefined ? READ_WRITE : modeOf(inputPath).then((mode) => mode ?? PRIVATE_MODE),
  ])
  return (replaced ?? READ_WRITE & ~processMask()) & input & READ_WRITE
}

/** Deno tells it to those alone who pass `--allow-sys=umask`: without that the file is its user's. */
function processMask(): number {
  try {
    return process.umask()
  } catch {
    return ~PRIVATE_MODE
  }
}

/** Undefined when it is not there. */
async function modeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mode }) => mode,
    () => undefined,
  )
}
