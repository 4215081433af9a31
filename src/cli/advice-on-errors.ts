/** What to do about an error, in the words of the command line: its own options, and commands that can be copied. */

import type { AnyCheckpointError, CheckpointError, UnmatchedGlob } from "../node/index.ts"
import { nearestNames } from "../text/nearest-names.ts"
import type { Advice, Subject } from "./advice.ts"
import { nextStepOf } from "./advice-by-code.ts"
import { adviseOnContainer } from "./advice-on-containers.ts"
import { adviseOnOtherFile } from "./advice-on-files.ts"
import { adviseOnReading } from "./advice-on-reading.ts"
import type { CommandLine } from "./arguments.ts"
import { STANDARD_STREAM } from "./input.ts"
import { shellWord } from "./shell-words.ts"
import { sayUnmatched } from "./unmatched-text.ts"
import { isUrl } from "./url-name.ts"

/** What to do about `error`; `mayLook` says whether this process may look at the disk. */
export async function adviceOn(
  error: AnyCheckpointError,
  line: CommandLine | undefined,
  mayLook: boolean,
): Promise<Advice> {
  const subject = line === undefined ? undefined : subjectOf(error, line, mayLook)
  const advice = subject === undefined ? undefined : await adviseOn(error, subject)
  return advice ?? { next: nextStepOf(error.code, error.nextStep) }
}

async function adviseOn(error: AnyCheckpointError, subject: Subject): Promise<Advice | undefined> {
  switch (error.code) {
    case "read-failed":
      return adviseOnReading(error, subject)
    case "not-a-checkpoint":
      return adviseOnOtherFile(error, subject)
    case "holds-checkpoints":
    case "zip-layout":
    case "zip-signature":
      return adviseOnContainer(error, subject)
    case "no-tensors":
      return adviseOnGlobs(error.detail.unmatched ?? [])
    case "root-not-found":
      return adviseOnRoot(error)
    default:
      return undefined
  }
}

/** Names one of the candidates, as it is typed. */
function adviseOnRoot({ detail }: CheckpointError<"root-not-found">): Advice | undefined {
  if (detail.candidates.length === 0) return { next: "Leave --root out: the checkpoint has no parts." }
  const paths = new Map(detail.candidates.map(({ path }) => [path.join("."), path]))
  const [near] = nearestNames(detail.root.join("."), paths.keys())
  const path = near === undefined ? undefined : paths.get(near)
  if (near === undefined || path === undefined || path.length === 0) return undefined
  const isPlain = !near.startsWith("[") && near.split(".").length === path.length
  const word = shellWord(isPlain ? near : JSON.stringify(path))
  if (word === undefined) return undefined
  return { next: `Did you mean --root ${word}? Or name another of these, or take everything with --all.` }
}

function adviseOnGlobs(unmatched: readonly UnmatchedGlob[]): Advice | undefined {
  if (unmatched.length === 0) return undefined
  const notes = unmatched.map(sayUnmatched)
  return {
    notes,
    next: "Correct --include or --exclude. They are compared with the names that `inspect` lists, which begin below the root.",
  }
}

/** Of two files that `verify` is given, the error names its own or is about the checkpoint. */
function subjectOf(error: AnyCheckpointError, line: CommandLine, mayLook: boolean): Subject | undefined {
  const { files } = line
  const { path } = error.detail as { readonly path?: string }
  const named = path === undefined ? undefined : files.find((file) => file === path)
  const file = named ?? (line.command === "verify" ? files[1] : undefined) ?? files[0]
  if (file === undefined) return undefined
  return { line, file, path: isUrl(file) || file === STANDARD_STREAM || !mayLook ? undefined : file }
}
