/** What there is to know of a checkpoint without reading its weights. */

import type {
  AnyCheckpointError,
  Checkpoint,
  ConversionReport,
  ConvertOptions,
  PlannedTensor,
  TensorInfo,
} from "../../node/index.ts"
import { isCheckpointError } from "../../node/index.ts"

/** Why a tensor would not be written. */
export type LeftOut = "outside-root" | "filtered" | "unsupported"

/** A tensor of the checkpoint. */
export interface InspectedTensor {
  /** From the top of the checkpoint. */
  readonly name: string
  /** All that is known of it. Where the names from the top are no use, only what will be written of it. */
  readonly info: TensorInfo | PlannedTensor
  /** Undefined when it would be written, and when no root is known. */
  readonly leftOut: LeftOut | undefined
  /** The name that is written for it. */
  readonly aliasOf: string | undefined
}

/** The findings. */
export interface Inspection {
  readonly tensors: readonly InspectedTensor[]
  /** Names of tensors that share memory, group by group. */
  readonly sharedMemory: readonly (readonly string[])[]
  /** What a conversion would do, without the tensors that it would refuse; undefined when it cannot be said. */
  readonly report: ConversionReport | undefined
  /** Why a conversion would be refused. */
  readonly problem: AnyCheckpointError | undefined
  /** Why only the tensors under the root are listed, named from there. */
  readonly namingProblem: AnyCheckpointError | undefined
}

type Outlook = Pick<Inspection, "report" | "problem">

/** Mistakes of the command line rather than properties of the file. */
const CALLERS_MISTAKES: ReadonlySet<string> = new Set(["root-not-found", "invalid-argument"])

/**
 * Inspects an open checkpoint.
 *
 * @throws `root-not-found`; why it would be refused, where its tensors cannot be named from the top either.
 */
export function inspectCheckpoint(checkpoint: Checkpoint, options: ConvertOptions): Inspection {
  const { report, problem } = planAround(checkpoint, options)
  let all: ReadonlyMap<string, TensorInfo>
  try {
    all = checkpoint.tensors
  } catch (error) {
    // An optimizer's tensors, say, lie under keys that make no names. That is no reason to hide the model's.
    if (!isCheckpointError(error) || !error.code.startsWith("name-")) throw error
    // Without a root there is nothing to list, and the candidates for one say more than the name.
    if (report === undefined) throw problem ?? error
    const written = report.tensors.map((info) => ({
      name: info.name,
      info,
      leftOut: undefined,
      aliasOf: undefined,
    }))
    return { tensors: written, sharedMemory: [], report, problem, namingProblem: error }
  }
  const outcome = new Outcome(report, problem)
  const tensors = Array.from(all, ([name, info]) => ({ name, info, ...outcome.of(name, info) }))
  const { sharedMemory } = checkpoint
  return { tensors, sharedMemory, report, problem, namingProblem: undefined }
}

/** The report on a conversion, and what would keep it from being made. */
function planAround(checkpoint: Checkpoint, options: ConvertOptions): Outlook {
  const first = attempt(checkpoint, options)
  if (first.problem?.code !== "tensor-unsupported") return first
  const { report } = attempt(checkpoint, { ...options, unsupported: "skip" })
  return { report, problem: first.problem }
}

function attempt(checkpoint: Checkpoint, options: ConvertOptions): Outlook {
  try {
    return { report: checkpoint.plan(options).report, problem: undefined }
  } catch (error) {
    if (!isCheckpointError(error) || CALLERS_MISTAKES.has(error.code)) throw error
    return { report: undefined, problem: error }
  }
}

/** What a conversion would make of each tensor. */
class Outcome {
  readonly #written: ReadonlySet<string>
  readonly #aliases: ReadonlyMap<string, string>
  readonly #refused: ReadonlySet<string>
  readonly #filtered: ReadonlySet<string>
  readonly #root: string | undefined

  constructor(report: ConversionReport | undefined, problem: AnyCheckpointError | undefined) {
    this.#written = new Set(report?.tensors.map(({ name }) => name))
    this.#aliases = new Map(report?.aliases.map(({ dropped, kept }) => [dropped, kept]))
    const unsupported = problem?.code === "tensor-unsupported" ? problem.detail.tensors : []
    this.#refused = new Set(unsupported.map(({ name }) => name))
    this.#filtered = new Set(report?.leftOut.filtered)
    this.#root = report?.root.join(".")
  }

  of(name: string, info: TensorInfo): Pick<InspectedTensor, "leftOut" | "aliasOf"> {
    const root = this.#root
    const isRoot = name === root
    const inRoot = root === undefined || root === "" || isRoot || name.startsWith(`${root}.`)
    if (!inRoot) return { leftOut: "outside-root", aliasOf: undefined }
    if (root === undefined || isRoot) return { leftOut: undefined, aliasOf: undefined }
    const nameInRoot = root === "" ? name : name.slice(root.length + 1)
    const aliasOf = this.#aliases.get(nameInRoot)
    if (aliasOf !== undefined || this.#written.has(nameInRoot)) return { leftOut: undefined, aliasOf }
    if (this.#refused.has(nameInRoot)) return { leftOut: "unsupported", aliasOf }
    // An optimizer within the root is neither written nor filtered.
    if (!this.#filtered.has(nameInRoot)) return { leftOut: "outside-root", aliasOf }
    return { leftOut: info.kind === "tensor" ? "filtered" : "unsupported", aliasOf }
  }
}
