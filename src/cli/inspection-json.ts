/** What `inspect --json` prints. */

import type { Checkpoint } from "../node/index.ts"
import type { Inspection } from "./inspection.ts"

/** Which file it is. */
interface InspectedFile {
  readonly file: string
  /** Undefined when nobody asked. */
  readonly sha256: string | undefined
}

/** Everything that is known of the checkpoint: an object for `jsonText`. */
export function inspectionObject(
  { file, sha256 }: InspectedFile,
  checkpoint: Checkpoint,
  inspection: Inspection,
): object {
  const { tensors, report, problem } = inspection
  return {
    file,
    layout: checkpoint.format,
    byteLength: checkpoint.byteLength,
    sha256: sha256 ?? null,
    globals: checkpoint.globals,
    tensorCount: tensors.length,
    /** Where a conversion would find the state dict; null when that is not decided. */
    root: report?.root ?? null,
    /** Why it was taken. */
    rootReason: report?.rootReason ?? null,
    /** What lies outside it; null when no root is decided. */
    leftOut: report?.leftOut ?? null,
    rootCandidates: problem?.code === "root-ambiguous" ? problem.detail.candidates : [],
    tensors: tensors.map(({ name, info, leftOut, aliasOf }) => ({
      name,
      ...info,
      leftOut: leftOut ?? null,
      aliasOf: aliasOf ?? null,
    })),
    sharedMemory: inspection.sharedMemory,
    metadata: report?.metadata ?? null,
    /** Bytes of the checkpoint that belong to no tensor that would be written; null when no root is decided. */
    unreferenced: report?.unreferenced ?? null,
    checksums: report?.checksums ?? null,
    warnings: report?.warnings ?? [],
    problem: problem?.toJSON() ?? null,
    namingProblem: inspection.namingProblem?.toJSON() ?? null,
    values: checkpoint.values,
  }
}
