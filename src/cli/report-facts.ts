/** What people are told about a report: the root, what lies outside it, bytes of no written tensor, warnings. */

import type {
  CheckpointPart,
  ConversionReport,
  HidingStorage,
  PartKind,
  PlanWarning,
  RootReason,
  SameNames,
  UnmatchedGlob,
  UnreferencedBytes,
} from "../node/index.ts"
import { sayKeyPath } from "../node/texts-for-command-line.ts"
import { argumentWord } from "./advice/shell-words.ts"
import { type Fact, quoted, sayBytes, sayCounted, sayRoot } from "./terminal/words.ts"

/** What a summary lists before it counts the rest. */
const LISTED_PARTS = 6
const LISTED = 3

const REASONS: Readonly<Record<RootReason, string>> = {
  "lone-tensor": "which is one tensor",
  given: "as asked",
  all: "everything, as asked",
  "holds-tensors": "found by rule: the tensors lie in it",
  "only-part": "found by rule: no other part can be a model",
  "state-dict": "found by rule: a state dict beside loose tensors",
  "well-known-key": "found by rule: a well-known key of state dicts",
}

const KINDS: Readonly<Record<PartKind, string>> = {
  optimizer: "the state of an optimizer",
  "random-state": "the state of random generators",
  "state-dict": "a state dict",
  tensors: "other tensors",
  tensor: "a loose tensor",
}

/** Which root was taken, and why. */
export function rootFact({ root, rootReason }: ConversionReport): Fact {
  return ["root", `${sayRoot(root)}, ${REASONS[rootReason]}`]
}

/** What lies outside the root: how much, which parts, and where the same names are once more. */
export function outsideFacts({ leftOut }: ConversionReport): readonly Fact[] {
  const { outsideRoot, parts, partCount, sameNames } = leftOut
  if (outsideRoot === 0) return []
  const rows = parts.slice(0, LISTED_PARTS).map((part) => `  ${sayPart(part)}`)
  const twins = sameNames.slice(0, LISTED).map(saySameNames)
  if (sameNames.length > LISTED) twins.push(`and ${sameNames.length - LISTED} more`)
  return [
    ["left out", `${sayCounted(outsideRoot, "tensor")} outside the root (--all includes them):`],
    ...withRest(rows, partCount, "part").map((row): Fact => ["left out", row]),
    ...twins.map((twin): Fact => ["same names", twin]),
  ]
}

function sayPart({ path, kind, tensorCount, byteLength }: CheckpointPart): string {
  const amount = kind === "tensor" ? "" : `${sayCounted(tensorCount, "tensor")}, `
  return `${sayRoot(path)}, ${KINDS[kind]}: ${amount}${sayBytes(byteLength)}`
}

const PREFIXES = {
  same: "",
  "with-module": ', with "module." before each',
  "without-module": ', without "module."',
}

function saySameNames({ path, tensorCount, match }: SameNames): string {
  const typed = argumentWord(sayKeyPath(path))
  const holds = `${sayRoot(path)} holds the same names${PREFIXES[match]} (${sayCounted(tensorCount, "tensor")})`
  if (typed === undefined) return holds
  return `${holds}: --root ${typed}${match === "with-module" ? " --rename module.=" : ""} takes it`
}

/** A part of the bytes that belong to no written tensor: where they are, and lines that say more. */
type Part = readonly [byteLength: number, where: string, details?: readonly string[]]

/** Nothing when there are no such bytes. One part is told in one line, several below their sum. */
export function unreferencedFacts(unreferenced: UnreferencedBytes): readonly Fact[] {
  const { byteLength, exact } = unreferenced
  if (byteLength === 0) return []
  const sum = `${exact ? "" : "up to "}${sayBytes(byteLength)} of the file belong to no written tensor`
  const parts = partsOf(unreferenced).filter(([bytes]) => bytes > 0)
  const [only] = parts
  const lines =
    only !== undefined && parts.length === 1
      ? [`${sum}: ${only[1]}`, ...(only[2] ?? [])]
      : [sum, ...parts.flatMap(([bytes, where, more = []]) => [`${sayBytes(bytes)} ${where}`, ...more])]
  return lines.map((line) => ["not included", line])
}

function partsOf(unreferenced: UnreferencedBytes): readonly Part[] {
  const { leftOut, behindViews, unusedStorages, extraMembers } = unreferenced
  const { hiding, hidingCount, members, memberCount, unusedStorageCount } = unreferenced
  const storages = hiding.slice(0, LISTED).map(sayHiding)
  const rows = members
    .slice(0, LISTED)
    .map((member) => `  ${quoted(member.name)} (${sayBytes(member.byteLength)})`)
  return [
    [leftOut, "in tensors that are left out"],
    [behindViews, "behind views", withRest(storages, hidingCount, "such storage")],
    [unusedStorages, `in ${sayCounted(unusedStorageCount, "storage")} that no tensor uses`],
    [
      extraMembers,
      `in ${sayCounted(memberCount, "extra member")} of the archive`,
      withRest(rows, memberCount, "such member"),
    ],
  ]
}

/** `  4.00 MB behind "a", "b" and 3 more`: the amount first, because names are long. */
function sayHiding({ key, hiddenBytes, tensors, tensorCount }: HidingStorage): string {
  const amount = `  ${sayBytes(hiddenBytes)} behind`
  if (tensors.length === 0) {
    return `${amount} ${sayCounted(tensorCount, "tensor")} outside the root (storage ${quoted(key)})`
  }
  const more = tensorCount > tensors.length ? ` and ${tensorCount - tensors.length} more` : ""
  return `${amount} ${tensors.map(quoted).join(", ")}${more}`
}

function withRest(lines: readonly string[], count: number, noun: string): readonly string[] {
  const rest = count - lines.length
  return rest === 0 ? lines : [...lines, `  and ${sayCounted(rest, `more ${noun}`)}`]
}

/** A warning of the library in the command line's words. */
export function sayWarning(warning: PlanWarning): string {
  return warning.code === "glob-unmatched" ? sayUnmatched(warning) : warning.message
}

/** A glob that no name matches, and what was likely meant. */
export function sayUnmatched({ option, glob, candidates }: UnmatchedGlob): string {
  const near = candidates.length === 0 ? "" : `; the nearest: ${candidates.map(quoted).join(", ")}`
  return `--${option} ${quoted(glob)} matches no tensor${near}`
}
