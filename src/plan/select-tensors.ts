/** Which tensors are written, under which names, dtypes and shapes. */

import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { HeaderTensor } from "../safetensors/write-header.ts"
import {
  type FoundTensor,
  isTensor,
  type NamedTensor,
  targetOf,
  tensorByteLength,
} from "../tensors/tensor.ts"
import { nearestNames } from "../text/nearest-names.ts"
import { NO_TENSORS, TENSOR_UNSUPPORTED, type UnmatchedGlob } from "./errors.ts"
import type { SkippedTensor } from "./plan.ts"
import { type CompiledFilter, compileFilter, type TensorOptions } from "./plan-options.ts"

/** A tensor of the checkpoint together with what the header will say of it. */
export interface WrittenTensor extends NamedTensor, HeaderTensor {}

/** Tensors whose names are compared with globs in a step. */
const FILTERED_AT_ONCE = 64

/** What `include` and `exclude` come to. */
export interface Selected {
  readonly kept: readonly FoundTensor[]
  /** Names of the others. */
  readonly filtered: readonly string[]
  /** Globs that match none of the names: most likely mistyped. */
  readonly unmatched: readonly UnmatchedGlob[]
}

/** The tensors that `include` and `exclude` let through. */
export function* selectTensors(
  found: readonly FoundTensor[],
  { include, exclude }: TensorOptions,
): Steps<Selected> {
  if (include === undefined && exclude === undefined) return { kept: found, filtered: [], unmatched: [] }
  const included = compileFilter(include ?? "*")
  const excluded = compileFilter(exclude ?? [])
  const kept: FoundTensor[] = []
  const filtered: string[] = []
  let index = -1
  for (const tensor of found) {
    index++
    // A glob may go over a name of a megabyte many times.
    if (index % FILTERED_AT_ONCE === 0) yield
    const [isIncluded, isExcluded] = [included.matches(tensor), excluded.matches(tensor)]
    if (isIncluded && !isExcluded) kept.push(tensor)
    else filtered.push(tensor.name)
  }
  const unmatched = [
    ...withCandidates("include", included, found),
    ...withCandidates("exclude", excluded, found),
  ]
  if (kept.length > 0) return { kept, filtered, unmatched }
  const problem = `none of the ${found.length} tensors passes \`include\` and \`exclude\``
  throw new CheckpointError(NO_TENSORS, { problem, unmatched })
}

function withCandidates(
  option: UnmatchedGlob["option"],
  { unmatched }: CompiledFilter,
  found: readonly FoundTensor[],
): readonly UnmatchedGlob[] {
  return Array.from(unmatched, (glob) => {
    const names = found.map(({ name }) => name)
    return { option, glob, candidates: nearestNames(glob, names) }
  })
}

/** Tensors as they will be written, and those that cannot be. */
export interface Supported {
  readonly written: readonly WrittenTensor[]
  /** The same tensors, one by one, as they were found. */
  readonly kept: readonly FoundTensor[]
  readonly unsupported: readonly SkippedTensor[]
}

/**
 * The tensors as they will be written.
 *
 * @throws `tensor-unsupported` naming all that safetensors cannot hold, unless they are to be skipped and others are left;
 *   `invalid-argument` for a bad `rename`.
 */
export function* requireSupported(
  found: readonly FoundTensor[],
  { rename, unsupported: onUnsupported }: TensorOptions,
): Steps<Supported> {
  const unsupported: SkippedTensor[] = []
  const written: WrittenTensor[] = []
  const kept: FoundTensor[] = []
  let index = -1
  for (const each of found) {
    index++
    if (index % STEP_ITEMS === 0) yield
    const { name, tensor } = each
    if (!isTensor(tensor)) {
      unsupported.push({ name, reason: `it is ${tensor.reason}` })
      continue
    }
    const target = each.target ?? targetOf(tensor)
    if ("reason" in target) {
      unsupported.push({ name, reason: target.reason })
      continue
    }
    const { dtype, shape } = target
    const newName = rename === undefined ? name : renamed(name, rename)
    written.push({ name: newName, tensor, dtype, shape, byteLength: tensorByteLength(tensor) })
    kept.push(each)
  }
  const isRefused = unsupported.length > 0 && (onUnsupported !== "skip" || written.length === 0)
  if (isRefused) throw new CheckpointError(TENSOR_UNSUPPORTED, { tensors: unsupported })
  return { written, kept, unsupported }
}

function renamed(name: string, rename: (name: string) => string): string {
  const newName: unknown = rename(name)
  if (typeof newName === "string") return newName
  throw new CheckpointError(INVALID_ARGUMENT, {
    argument: "rename",
    problem: `it returned a ${typeof newName}, not a string`,
  })
}
