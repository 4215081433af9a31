/** Errors of choosing the root of a checkpoint. */

import { countedTensors, type ErrorRow, list } from "../errors/error-row.ts"
import { plainText, quoteText, sayKeyPath } from "../text/quote-text.ts"

/** What a part of a checkpoint looks like. A `tensor` is one that lies there itself. */
export type PartKind = "optimizer" | "random-state" | "state-dict" | "tensors" | "tensor"

const PART_KINDS: Readonly<Record<PartKind, string>> = {
  optimizer: "the state of an optimizer",
  "random-state": "the state of random generators",
  "state-dict": "a state dict",
  tensors: "other tensors",
  tensor: "a loose tensor",
}

/** A part of a checkpoint that holds tensors, or is one. */
export interface CheckpointPart {
  /** Keys from the top. The last is `?` where no path can name it. */
  readonly path: readonly string[]
  readonly kind: PartKind
  readonly tensorCount: number
  /** Bytes of its tensors, each counted as often as it is named. */
  readonly byteLength: number
}

/** There are tensors, and all of them are the state of training. At most 20 parts are listed. */
export const NO_MODEL: ErrorRow<"no-model", { parts: readonly CheckpointPart[] }> = {
  code: "no-model",
  say: (d) =>
    "the checkpoint holds no model, only the state of training:" +
    list(d.parts, (part) => sayPart(part, PART_KINDS[part.kind])),
  next:
    "Convert the file that the model was saved to. To take these tensors all the same, ask for everything " +
    '(`root: "all"`).',
}

/** One possible root of a state dict. */
export interface RootCandidate {
  readonly path: readonly string[]
  readonly tensorCount: number
  /** Bytes of its tensors, each counted as often as it is named. */
  readonly byteLength: number
}

/** The root that was asked for holds no tensors, or is not there. */
export const ROOT_NOT_FOUND: ErrorRow<
  "root-not-found",
  { root: readonly string[]; candidates: readonly RootCandidate[] }
> = {
  code: "root-not-found",
  say: (d) =>
    `there are no tensors under ${quoteText(sayKeyPath(d.root))}` +
    // A lone tensor has no parts to name.
    (d.candidates.length === 0 ? "" : `; these parts hold tensors:${list(d.candidates, sayCandidate)}`),
  next: 'Name a part that holds tensors (`root`), take everything (`root: "all"`), or give no root.',
}

/** No rule tells which part of the checkpoint is the model. */
export const ROOT_AMBIGUOUS: ErrorRow<"root-ambiguous", { candidates: readonly RootCandidate[] }> = {
  code: "root-ambiguous",
  say: (d) => `more than one part of the checkpoint holds tensors:${list(d.candidates, sayCandidate)}`,
  next: 'Name the one to convert (`root`), or take everything (`root: "all"`).',
}

const sayCandidate = (candidate: RootCandidate): string => sayPart(candidate)

/** `model.ema  (2 tensors, 24 bytes)`; the path as it can be typed, when it is not too long to show. */
function sayPart({ path, tensorCount, byteLength }: RootCandidate, kind?: string): string {
  const where = path.length === 0 ? "the top of the checkpoint" : plainText(sayKeyPath(path))
  return `${where}  ${kind === undefined ? "" : `${kind} `}(${countedTensors(tensorCount)}, ${byteLength} bytes)`
}
