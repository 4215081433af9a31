/** The rules of a SARIF log: what each result is an instance of. */

import { ERROR_ROWS, NEXT_AT_DANGER, NEXT_AT_UNKNOWN } from "../../node/for-command-line.ts"
import { nextStepOf } from "../failure.ts"

export type SarifLevel = "error" | "warning" | "note"

/** Scores as GitHub reads them: critical above 9.0, high from 7.0, medium from 4.0, low below. */
type Row = readonly [id: string, level: SarifLevel, score: string, short: string, full: string, help: string]

const ROWS: readonly Row[] = [
  [
    "global-dangerous",
    "error",
    "9.8",
    "A pickle names a global that runs code or accesses the system.",
    "The pickle of this file imports a function or class that is known to run code, to access the system or to read other data when Python loads the pickle.",
    NEXT_AT_DANGER,
  ],
  [
    "global-unknown",
    "error",
    "7.5",
    "A pickle names a global that is not known to be harmless.",
    "The pickle of this file imports a function or class that is not on the list of those that only rebuild tensors and plain data.",
    NEXT_AT_UNKNOWN,
  ],
  [
    "too-many-globals",
    "error",
    "7.5",
    "The pickles name more globals than are listed.",
    "The pickles of this file name more globals than any model does, and the rest of them was not looked at.",
    "Treat the file as hostile unless you know who made it and how.",
  ],
  [
    "torchscript-code",
    "warning",
    "5.0",
    "The archive holds the source code of a TorchScript program.",
    "torch.jit.load compiles the program of this archive, and calling the model runs it.",
    "Ask for the state_dict() of the model: a program runs code when it is loaded and called.",
  ],
  [
    "checksums-absent",
    "warning",
    "",
    "The archive was saved without checksums.",
    "Damage to the weights of this file could not be noticed.",
    "Save the file again with checksums, or compare it with its publisher's SHA-256.",
  ],
  [
    "compressed-pickle",
    "error",
    "7.0",
    "A compressed stream holds a pickle.",
    "This file is a compressed stream with a pickle in it, of which only the beginning was looked at.",
    "Unpack it, and scan what comes out.",
  ],
  [
    "not-a-checkpoint",
    "error",
    "",
    "A file is no checkpoint.",
    "The file is called as a checkpoint and is none, or it was named and is some other file.",
    "Check that the right file was named and that it was downloaded in full.",
  ],
  [
    "other-pickle",
    "note",
    "",
    "The archive holds a pickle that torch.load does not read.",
    "A pickle beside the checkpoint's own does nothing when the file is loaded, but whoever unpacks the archive may load it.",
    "Find out what it is for.",
  ],
]

/** Errors of containers and pickles that make readers see different things: how payloads get past scanners. */
const TRICK = /^(?:zip|pickle|legacy)/

/** The rules that every log lists, by their ids. */
export const SCAN_RULES: ReadonlyMap<string, object> = new Map(
  ROWS.map(([id, ...row]) => [id, rule(id, ...row)]),
)

const NEXT_STEPS: ReadonlyMap<string, string> = new Map(
  Object.entries(ERROR_ROWS).map(([code, { next }]) => [code, nextStepOf(code, next)]),
)

/** Before rules of the safetensors header, some of which are called as errors are. */
const HEADER_PREFIX = "safetensors-rule-"

/** What a rule of the safetensors header is called in a log. */
export function headerRuleId(rule: string): string {
  return `${HEADER_PREFIX}${rule}`
}

/** The rule of a finding that is none of the scan's own: an error of a conversion, or a rule of the safetensors header. */
export function ruleOf(id: string, level: SarifLevel): object {
  const isOfHeader = id.startsWith(HEADER_PREFIX)
  const next = isOfHeader ? undefined : NEXT_STEPS.get(id)
  const short = isOfHeader
    ? `A safetensors file breaks the rule ${id.slice(HEADER_PREFIX.length)}.`
    : `A conversion refuses the file: ${id}.`
  const help = next ?? "Make the file again with a writer that follows the format."
  return rule(id, level, TRICK.test(id) ? "7.0" : "", short, `${short} ${help}`, help)
}

/** A `reportingDescriptor`. */
function rule(...[id, level, score, short, full, help]: Row): object {
  return {
    id,
    shortDescription: { text: short },
    fullDescription: { text: full },
    help: { text: help },
    defaultConfiguration: { level },
    properties: score === "" ? { tags: [] } : { tags: ["security"], "security-severity": score },
  }
}
