/** What each error says, and what its reader can do next. One row a code, in the order of error-details.ts. */

import type {
  CheckpointPart,
  ErrorCode,
  ErrorDetails,
  Fault,
  OtherFile,
  PartKind,
  RefusedGlobal,
  RootCandidate,
} from "./error-details.ts"
import { type ErrorText, list, place, sayFault, sayPath } from "./error-wording.ts"
import { sayKeyPath } from "./key-path.ts"
import { plainText, quoteText } from "./quote-text.ts"
import {
  DAMAGED,
  INFLATE,
  INPUT_CHANGED,
  INVALID_ARGUMENT,
  READ_FAILED,
  SAFETENSORS_INVALID,
  TRUNCATED,
} from "./reading-errors.ts"

/** Names that a row shows. */
const NAMES_IN_A_ROW = 6

function names(group: readonly string[]): string {
  const shown = group.slice(0, NAMES_IN_A_ROW).map((name) => quoteText(name))
  return (
    shown.join(", ") + (group.length > NAMES_IN_A_ROW ? ` and ${group.length - NAMES_IN_A_ROW} more` : "")
  )
}

function rows(candidates: readonly RootCandidate[]): string {
  return list(
    candidates,
    ({ path, tensorCount, byteLength }) =>
      `${pathText(path)}  (${counted(tensorCount)}, ${byteLength} bytes)`,
  )
}

/** As it can be typed, when it is not too long to show. */
function pathText(path: readonly string[]): string {
  return path.length === 0 ? "the top of the checkpoint" : plainText(sayKeyPath(path))
}

const PART_KINDS: Readonly<Record<PartKind, string>> = {
  optimizer: "the state of an optimizer",
  "random-state": "the state of random generators",
  "state-dict": "a state dict",
  tensors: "other tensors",
  tensor: "a loose tensor",
}

function sayParts(parts: readonly CheckpointPart[]): string {
  return list(
    parts,
    ({ path, kind, tensorCount, byteLength }) =>
      `${pathText(path)}  ${PART_KINDS[kind]} (${counted(tensorCount)}, ${byteLength} bytes)`,
  )
}

function counted(tensorCount: number): string {
  return tensorCount === 0 ? "no tensor" : tensorCount === 1 ? "1 tensor" : `${tensorCount} tensors`
}

const sayName = (d: { name: string; problem: string }): string => `tensor ${quoteText(d.name)}: ${d.problem}`

/** What is known for sure, and is no mistake so much as a step that is missing. */
const PLAIN_KINDS: readonly OtherFile[] = ["lfs-pointer", "pickled-storages", "safetensors", "shard-index"]

const CRAFTED =
  "No PyTorch release writes this. Treat the file as hostile unless you know who made it and how."

/** What to do about a file that names a dangerous global: wherever that is told, in these words. */
export const NEXT_AT_DANGER: string =
  "Do not load the file with Python: torch.load without weights_only, or pickle, may run what it names. Ask its " +
  "author for a safetensors file, or replace it."

/** What to do about tensors that were saved by parts which are not rebuilt. */
export const NEXT_AT_PARTS: string =
  "Only tensors and plain data are rebuilt. Where the model was made, move these tensors to the CPU or make plain ones " +
  "of them, and save them again."

/** What to do about globals of which nothing bad is known. */
export const NEXT_AT_UNKNOWN: string =
  "Only tensors and plain data are rebuilt. Ask whoever made the file for its state_dict() alone, as safetensors or " +
  "saved with torch.save."

function sayRefused(globals: readonly RefusedGlobal[]): string {
  const { length } = globals
  const dangerous = globals.filter(({ verdict }) => verdict === "dangerous").length
  const what =
    dangerous === 0
      ? `${length === 1 ? "a global that is" : `${length} globals that are`} not known to be harmless`
      : dangerous === length
        ? `${length === 1 ? "a dangerous global" : `${length} dangerous globals`}`
        : `${length} globals that are not allowed, ${dangerous} of them dangerous`
  return `the pickle names ${what}; nothing was executed:${list(globals, sayRefusedGlobal)}`
}

/** `dangerous  os.system: runs programs (its source); called at data.pkl@2, found under "callbacks"`. */
function sayRefusedGlobal(refused: RefusedGlobal): string {
  const { verdict, global, danger, about, use, pickle, at, referredToBy, tensorCount, partOf } = refused
  const known = danger === undefined ? about?.what : `${danger.reason} (${danger.source})`
  const tensors = `${counted(tensorCount)} in it`
  const found =
    referredToBy === undefined
      ? ""
      : `, found under ${quoteText(referredToBy)}${partOf === undefined ? `, ${tensors}` : ""}`
  // Words of ours: what they quote of the file is escaped and cut already.
  const part = partOf === undefined ? "" : `, a part of ${partOf}`
  return (
    `${verdict}  ${plainText(global)}${known === undefined ? "" : `: ${known}`}; ` +
    `${use} at ${plainText(pickle)}@${at}${found}${part}`
  )
}

/* @__NO_SIDE_EFFECTS__ */
function fault(next: string): ErrorText<Fault> {
  return { say: sayFault, next }
}

/** The table. */
export const ERROR_TEXTS: { readonly [C in ErrorCode]: ErrorText<ErrorDetails[C]> } = {
  "invalid-argument": INVALID_ARGUMENT,
  "read-failed": READ_FAILED,
  "write-failed": {
    say: (d) => `could not write${sayPath(d.path)}: ${d.reason}`,
    next: "No incomplete file was left under the output's name. Check the folder, its permissions and the free space.",
  },
  "output-exists": {
    say: (d) => `the output ${quoteText(d.path)} exists already`,
    next: "Name another output, or allow overwriting (--force, `overwrite: true`).",
  },
  "output-is-input": {
    say: (d) => `the output ${quoteText(d.path)} is the input itself`,
    next: "Name another output.",
  },
  "blob-memory": {
    say: (d) =>
      `${d.wanted} bytes of the Blob must be created, more than \`maxMemoryBytes\` (${d.allowed}), and they cannot be ` +
      `written to a file: ${d.reason}`,
    next: "Convert to a file or stream (`toSafetensors`), free storage, or raise `maxMemoryBytes`.",
  },
  "output-incomplete": {
    say: (d) => `${d.written} bytes were written where the plan has ${d.expected}`,
    next: "This is a defect of tosafetensors: please report it with the file's structure.",
  },
  "input-changed": INPUT_CHANGED,
  "digest-mismatch": {
    say: (d) => `the input${sayPath(d.path)} is not the file that was asked for: its SHA-256 is
  ${d.actual}, not
  ${d.expected}`,
    next: "The input was not parsed. Fetch it again, or ask whoever published the digest which file it belongs to.",
  },
  truncated: TRUNCATED,
  "not-a-checkpoint": {
    say: (d) =>
      `this is ${PLAIN_KINDS.includes(d.kind) ? "" : "not a PyTorch checkpoint: it looks like "}${d.looksLike}`,
    next: "Check that the right file was named and that it was downloaded in full.",
  },
  "two-formats": fault(CRAFTED),
  "holds-checkpoints": {
    say: (d) =>
      `this is not a checkpoint: it is ${d.what} that holds ${d.count === 1 ? "a checkpoint" : `${d.count} checkpoints`}:` +
      list(d.files, ({ name, byteLength }) => `${plainText(name)}  (${byteLength} bytes)`),
    next: "Unpack it, and convert the files in it one by one.",
  },
  "unsupported-layout": {
    say: (d) => `${d.layout}: ${d.problem}`,
    next: "Where the model was made, save its state_dict() with torch.save, and convert that file.",
  },
  "limit-exceeded": {
    say: (d) => `${place(d)}${d.wanted} exceeds the limit ${d.limit} of ${d.allowed}`,
    next: "If you trust where the file comes from, raise that limit with `limits` (--limit NAME=VALUE).",
  },

  "zip-end-record": fault(DAMAGED),
  "zip-ambiguous": fault(CRAFTED),
  zip64: fault(CRAFTED),
  "zip-entry": fault(DAMAGED),
  "zip-mismatch": fault(CRAFTED),
  "zip-gap": fault(CRAFTED),
  "zip-overlap": fault(CRAFTED),
  "zip-duplicate": fault(CRAFTED),
  "zip-flags": fault(CRAFTED),
  "zip-method": fault("Repack the archive with the methods stored or deflate."),
  "zip-name": fault(CRAFTED),
  "zip-layout": fault(
    "A checkpoint is an archive with one folder that holds data.pkl: check that this is one.",
  ),
  "zip-signature": fault("Put these bytes back in a copy of the file, and convert the copy."),
  inflate: INFLATE,
  checksum: {
    say: (d) =>
      `${plainText(d.within)}: the bytes do not match their checksum ` +
      `(CRC-32 ${hex(d.actual)}, the archive says ${hex(d.expected)})`,
    next: /* @__PURE__ */ DAMAGED.concat(
      ' To convert it all the same, turn verification off (--verify none, `verify: "none"`).',
    ),
  },

  "pickle-protocol": fault(
    "torch.save writes protocol 2 unless it is told otherwise. If you know who made the file, have it saved again.",
  ),
  "pickle-opcode": fault(
    "torch.save does not write this opcode. Ask whoever made the file for one that torch.save wrote.",
  ),
  "pickle-truncated": fault(DAMAGED),
  "pickle-text": fault(CRAFTED),
  "pickle-stack": fault(CRAFTED),
  "pickle-type": fault(CRAFTED),
  "pickle-memo": fault(CRAFTED),
  "pickle-trailing": fault(CRAFTED),
  "pickle-cycle": fault(CRAFTED),
  "global-not-allowed": {
    say: (d) => sayRefused(d.globals),
    next: NEXT_AT_UNKNOWN,
  },

  "byte-order": fault("State the byte order that the file was written with (--byteorder, `byteOrder`)."),
  "legacy-layout": fault(DAMAGED),
  "legacy-trailing": fault(CRAFTED),
  "storage-reference": fault(CRAFTED),
  "storage-key": fault(DAMAGED),
  "storage-dtype": fault(CRAFTED),
  "storage-size": fault(DAMAGED),
  "storage-conflict": fault(CRAFTED),
  "tensor-argument": fault(CRAFTED),
  "tensor-bounds": fault(CRAFTED),
  "tensor-overflow": fault(CRAFTED),
  "tensor-metadata": fault("The tensor carries state that this version does not know."),
  "tensor-unsupported": {
    say: (d) =>
      `safetensors cannot hold ${d.tensors.length === 1 ? "a tensor" : `${d.tensors.length} tensors`} of this ` +
      `checkpoint:${list(d.tensors, (t) => `${quoteText(t.name)}: ${t.reason}`)}`,
    next: "Leave them out (--exclude NAME, `exclude`), or convert them with torch first.",
  },

  "name-type": { say: sayName, next: "Choose another root, or save a state dict whose keys are text." },
  "name-encoding": {
    say: sayName,
    next: "Give it another name (--rename FROM=TO, `rename`) or leave it out.",
  },
  "name-reserved": {
    say: sayName,
    next: "Give it another name (--rename FROM=TO, `rename`) or leave it out.",
  },
  "name-duplicate": {
    say: sayName,
    next: "Choose a narrower root (--root), rename or leave one of them out.",
  },
  "no-tensors": {
    say: (d) => d.problem,
    next: "There is nothing to convert. `inspect` shows what the file holds.",
  },
  "no-model": {
    say: (d) => `the checkpoint holds no model, only the state of training:${sayParts(d.parts)}`,
    next:
      "Convert the file that the model was saved to. To take these tensors all the same, ask for everything " +
      '(--all, `root: "all"`).',
  },
  "root-not-found": {
    say: (d) =>
      `there are no tensors under ${quoteText(sayKeyPath(d.root))}` +
      // A lone tensor has no parts to name.
      (d.candidates.length === 0 ? "" : `; these parts hold tensors:${rows(d.candidates)}`),
    next: 'Name a part that holds tensors (--root, `root`), take everything (--all, `root: "all"`), or give no root.',
  },
  "root-ambiguous": {
    say: (d) => `more than one part of the checkpoint holds tensors:${rows(d.candidates)}`,
    next: 'Name the one to convert (--root, `root`), or take everything (--all, `root: "all"`).',
  },
  "tensors-shared": {
    say: (d) => `tensors share memory:${list(d.groups, names)}`,
    next: "Allow it (`shared`): --shared alias writes a tensor with several names once, --shared copy under each name.",
  },

  "safetensors-invalid": SAFETENSORS_INVALID,
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`
}
