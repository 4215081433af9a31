/**
 * Scans a file: what it is, every global that its pickles name, what is wrong with it, and whether it is refused.
 *
 * The verdict is not an opinion of its own. A checkpoint is read by the code that converts it, and refused when that
 * refuses it; globals are looked up in the list that the machine uses.
 */

import { locateExtents } from "../bytes/byte-extent.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { openAsked, type SourceStore } from "../bytes/source-store.ts"
import { inTurns } from "../bytes/turns.ts"
import { planConversionSteps } from "../checkpoint/plan-checkpoint.ts"
import type { UnreferencedBytes } from "../checkpoint/unreferenced-bytes.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { auditCheckpoint } from "../layouts/table.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { AuditTrail } from "./audit-trail.ts"
import type { ScanReport } from "./scan-report.ts"

/** Refusals that ask the caller for a choice, and say nothing against the file. */
const CHOICES: ReadonlySet<string> = new Set([
  "no-tensors",
  "no-model",
  "root-ambiguous",
  "tensor-unsupported",
  "name-type",
])

/**
 * Scans the file that `store` was asked for. Weights are not read, so their checksums are not checked.
 *
 * @throws `read-failed`, `input-changed`, the signal's reason. Whatever the file holds is an answer, not an error.
 */
export async function scanFile(store: SourceStore, options: ReadingOptions): Promise<ScanReport> {
  const trail = new AuditTrail(options)
  const source = await openAsked(store, options.signal)
  try {
    const contents = await auditCheckpoint(store, options, trail)
    if (contents !== undefined) await foresee(contents, source, options, trail)
  } catch (error) {
    trail.addError(error)
  }
  return trail.report(source.byteLength)
}

/** What a conversion would refuse that opens the file: cycles, expansions without end, names that collide. */
async function foresee(
  contents: CheckpointContents,
  source: ByteSource,
  { limits, signal }: ReadingOptions,
  trail: AuditTrail,
): Promise<void> {
  const extents = contents.storages.map(({ extent }) => extent)
  await locateExtents(extents, signal)
  if (contents.checksums === "left-out") {
    const message = "the archive was saved without checksums: damage to the weights would not be noticed"
    trail.add({ severity: "warning", code: "checksums-absent", message })
  }
  try {
    const bounds = { limits, inputByteLength: source.byteLength }
    const sources = [{ name: "checkpoint", source }]
    const { plan } = await inTurns(planConversionSteps(contents, sources, {}, bounds), signal)
    noteUnreferenced(plan.report.unreferenced, trail)
  } catch (error) {
    const isChoice = isCheckpointError(error) && CHOICES.has(error.code)
    trail.addError(error, isChoice ? "note" : "error")
  }
}

/** Where a payload or private data would hide: no conversion takes it along. */
function noteUnreferenced({ byteLength, leftOut, exact }: UnreferencedBytes, trail: AuditTrail): void {
  const hidden = byteLength - leftOut
  if (hidden === 0) return
  const message = `${exact ? "" : "up to "}${hidden} bytes of the file belong to no tensor; a conversion leaves them behind`
  trail.add({
    severity: "note",
    code: "unreferenced-bytes",
    message,
    nextStep: "The report of a conversion says where they are (`unreferenced`).",
  })
}
