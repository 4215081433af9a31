/** What to do about an error, in the words of the command line: its own options, and commands that can be copied. */

import { nearestNames } from "../nearest-names.ts"
import type { AnyCheckpointError, CheckpointError, UnmatchedGlob } from "../node/index.ts"
import type { Advice, Subject } from "./advice.ts"
import { adviseOnContainer } from "./advice-on-containers.ts"
import { adviseOnOtherFile } from "./advice-on-files.ts"
import { adviseOnReading } from "./advice-on-reading.ts"
import type { CommandLine } from "./arguments.ts"
import { STANDARD_STREAM } from "./input.ts"
import { shellWord } from "./shell-words.ts"
import { sayUnmatched } from "./unmatched-text.ts"
import { isUrl } from "./url-name.ts"

/** Options that overcome a refusal, by its code. The library's own words name its options. */
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ["output-exists", "Name another output with -o, or allow overwriting with --force."],
  ["output-is-input", "Name another output with -o."],
])

/** What to do about `error`; `mayLook` says whether this process may look at the disk. */
export async function adviceOn(
  error: AnyCheckpointError,
  line: CommandLine | undefined,
  mayLook: boolean,
): Promise<Advice> {
  const own = OPTIONS.get(error.code)
  if (own !== undefined) return { next: own }
  const subject = line === undefined ? undefined : subjectOf(error, line, mayLook)
  if (subject === undefined) return { next: error.nextStep }
  return (await adviseOn(error, subject)) ?? { next: error.nextStep }
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
