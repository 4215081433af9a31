/** What to do about an error, in options of the command line. The library's own words name options of its functions. */

import type { ErrorCode } from "../../node/index.ts"

const NEXT_STEPS: ReadonlyMap<string, string> = new Map<ErrorCode, string>([
  ["output-exists", "Name another output with -o, or allow overwriting with --force."],
  ["output-is-input", "Name another output with -o."],
  ["limit-exceeded", "If you trust where the file comes from, raise that limit with --limit NAME=NUMBER."],
  [
    "checksum",
    "The file is damaged or was not written by torch.save: fetch it again, or ask for a new copy. To convert it all " +
      "the same, turn verification off with --verify none.",
  ],
  ["byte-order", "State the byte order that the file was written with: --byteorder little, or big."],
  ["tensor-unsupported", "Leave them out with --exclude NAME, or convert them with torch first."],
  ["name-type", "Choose another root with --root, or save a state dict whose keys are text."],
  ["name-encoding", "Give it another name with --rename FROM=TO, or leave it out with --exclude NAME."],
  ["name-reserved", "Give it another name with --rename FROM=TO, or leave it out with --exclude NAME."],
  [
    "name-duplicate",
    "Choose a narrower root with --root, or rename or leave out one of them with --rename or --exclude.",
  ],
  ["no-tensors", "There is nothing to convert. `inspect` shows what the file holds."],
  [
    "no-model",
    "Convert the file that the model was saved to. To take these tensors all the same, ask for everything with --all.",
  ],
  [
    "root-not-found",
    "Name a part that holds tensors with --root, take everything with --all, or give no root.",
  ],
  ["root-ambiguous", "Name the one to convert with --root, or take everything with --all."],
  [
    "tensors-shared",
    "Allow it: --shared alias writes a tensor with several names once, --shared copy under each name.",
  ],
])

/** What to do about an error or a finding of this code, of which the library says `nextStep`. */
export function nextStepOf<Said extends string | undefined>(code: string, nextStep: Said): string | Said {
  return NEXT_STEPS.get(code) ?? nextStep
}
