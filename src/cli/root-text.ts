/** What people are told about the choice of the root, and about what lies outside it. */

import type { CheckpointPart, ConversionReport, PartKind, RootReason, SameNames } from "../node/index.ts"
import { sayKeyPath } from "../text/key-path.ts"
import type { Fact } from "./facts.ts"
import { sayBytes, sayCounted } from "./quantities.ts"
import { sayRoot, shellWord } from "./shown-text.ts"

/** Parts that a summary lists before it counts the rest. */
const LISTED = 6

/** State dicts with the same names that are listed. */
const LISTED_TWINS = 3

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
  const rows = parts.slice(0, LISTED).map((part) => `  ${sayPart(part)}`)
  if (partCount > rows.length) rows.push(`  and ${sayCounted(partCount - rows.length, "more part")}`)
  const lines = [`${sayCounted(outsideRoot, "tensor")} outside the root (--all includes them):`, ...rows]
  return [
    ...lines.map((line): Fact => ["left out", line]),
    ...sameNames.slice(0, LISTED_TWINS).map((other): Fact => ["same names", saySameNames(other)]),
    ...(sameNames.length > LISTED_TWINS
      ? [["same names", `and ${sameNames.length - LISTED_TWINS} more`] as const]
      : []),
  ]
}

function sayPart({ path, kind, tensorCount, byteLength }: CheckpointPart): string {
  const amount = kind === "tensor" ? "" : `${sayCounted(tensorCount, "tensor")}, `
  return `${sayRoot(path)}, ${KINDS[kind]}: ${amount}${sayBytes(byteLength)}`
}

function saySameNames({ path, tensorCount, match }: SameNames): string {
  const typed = shellWord(sayKeyPath(path))
  const but = {
    same: "",
    "with-module": ', with "module." before each',
    "without-module": ', without "module."',
  }
  const holds = `${sayRoot(path)} holds the same names${but[match]} (${sayCounted(tensorCount, "tensor")})`
  if (typed === undefined) return holds
  return `${holds}: --root ${typed}${match === "with-module" ? " --rename module.=" : ""} takes it`
}
