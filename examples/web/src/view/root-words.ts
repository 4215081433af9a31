/** What the page says of the root that was taken, and of what lies outside it. */

import type { CheckpointPart, NameMatch, PartKind, RootReason } from "tosafetensors"
import { sayBytes, sayCounted } from "../model/quantities.ts"
import { sayPath } from "./save-options.ts"

const REASONS: Readonly<Record<RootReason, string>> = {
  "lone-tensor": "the file is one tensor",
  given: "as chosen",
  all: "everything, as chosen",
  "holds-tensors": "the tensors lie in it",
  "only-part": "no other part can be a model",
  "state-dict": "a state dict beside loose tensors",
  "well-known-key": "a well-known key of state dicts",
}

const KINDS: Readonly<Record<PartKind, string>> = {
  optimizer: "the state of an optimizer",
  "random-state": "the state of random generators",
  "state-dict": "a state dict",
  tensors: "other tensors",
  tensor: "a loose tensor",
}

const BUT: Readonly<Record<NameMatch, string>> = {
  same: "",
  "with-module": ", with “module.” before each",
  "without-module": ", without “module.”",
}

/** Why the root was taken. */
export function sayReason(reason: RootReason): string {
  return REASONS[reason]
}

/** A part outside the root. */
export function sayPart({ path, kind, tensorCount, byteLength }: CheckpointPart): string {
  const amount = kind === "tensor" ? "" : `${sayCounted(tensorCount, "tensor")}, `
  return `${sayPath(path)}: ${KINDS[kind]}, ${amount}${sayBytes(byteLength)}`
}

/** That a state dict is there once more. */
export function saySameNames(path: readonly string[], match: NameMatch): string {
  return `${sayPath(path)} holds the same names${BUT[match]}.`
}
