/**
 * Scans a file: what it is, every global that its pickles name, what is wrong with it, and whether it is refused.
 *
 * The verdict is not an opinion of its own. A checkpoint is read by the code that converts it, and refused when that
 * refuses it; globals are looked up in the list that the machine uses.
 */

import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { inTurns } from "../bytes/turns.ts"
import { planConversionSteps } from "../checkpoint/plan-checkpoint.ts"
import type { UnreferencedBytes } from "../checkpoint/unreferenced-bytes.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { quoteText } from "../text/quote-text.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { formatsUnderSafetensors } from "../torch/other-formats.ts"
import { refuseArchiveAtEnd } from "../torch/read-checkpoint.ts"
import { SNIFFED_BYTES, sniffFormat } from "../torch/sniff-format.ts"
import { AuditTrail } from "./audit-trail.ts"
import { scanArchive } from "./scan-archive.ts"
import { scanOther } from "./scan-other.ts"
import { isBarePickle, scanBarePickles, scanLegacy } from "./scan-pickles.ts"
import type { ScannedFormat, ScanReport } from "./scan-report.ts"

/** Refusals that ask the caller for a choice, and say nothing against the file. */
const CHOICES: ReadonlySet<string> = new Set([
  "no-tensors",
  "no-model",
  "root-ambiguous",
  "tensor-unsupported",
  "name-type",
])

/**
 * Scans the file in `source`, which is called `name`. Weights are not read, so their checksums are not checked.
 *
 * @throws `read-failed`, `input-changed`, the signal's reason. Whatever the file holds is an answer, not an error.
 */
export async function scanFile(
  source: ByteSource,
  options: ReadingOptions,
  name: string = "",
): Promise<ScanReport> {
  const trail = new AuditTrail(options.limits, options.signal)
  const format = await scanByFormat(source, options, trail, name)
  return trail.report(format, source.byteLength)
}

async function scanByFormat(
  source: ByteSource,
  options: ReadingOptions,
  trail: AuditTrail,
  name: string,
): Promise<ScannedFormat> {
  const length = Math.min(SNIFFED_BYTES, source.byteLength)
  const head = await readExactly(source, { offset: 0, length }, options.signal)
  const sniffed = sniffFormat(head, source.byteLength)
  switch (sniffed) {
    case "zip": {
      const { format, contents } = await scanArchive(source, options, trail, name)
      await foresee(contents, source, options, trail)
      return format
    }
    case "legacy":
      await foresee(await scanLegacy(source, options, trail), source, options, trail)
      return "legacy"
    case "safetensors":
      await scanSafetensors(source, options, trail)
      return "safetensors"
    default: {
      // Loaded when it is needed: most files that are scanned are checkpoints.
      const { isMeantAsPickle } = await import("./other-contents.ts")
      if (sniffed !== "tar" && (await isBarePickle(source, options, isMeantAsPickle(head, name)))) {
        await scanBarePickles(source, options, trail)
        await refuseArchiveAtEnd(source, "pickle", options.signal).catch((error: unknown) =>
          trail.addError(error),
        )
        return "pickle"
      }
      return scanOther(source, { name, head, sniffed }, options, trail)
    }
  }
}

/** What a conversion would refuse that opens the file: cycles, expansions without end, names that collide. */
async function foresee(
  contents: CheckpointContents | undefined,
  source: ByteSource,
  { limits, signal }: ReadingOptions,
  trail: AuditTrail,
): Promise<void> {
  if (contents === undefined) return
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

async function scanSafetensors(
  source: ByteSource,
  { limits, signal }: ReadingOptions,
  trail: AuditTrail,
): Promise<void> {
  // Whoever scans means checkpoints, mostly.
  const { checkSafetensors } = await import("../safetensors/read-header.ts")
  try {
    const { findings } = await checkSafetensors(source, {
      limits,
      ...(signal === undefined ? {} : { signal }),
    })
    for (const { rule, severity, tensor, at, problem } of findings) {
      const subject = tensor === undefined ? {} : { within: tensor }
      const place = at === undefined ? {} : { at }
      const name = tensor === undefined ? "" : `${quoteText(tensor)}: `
      const message = name + problem + (at === undefined ? "" : ` (byte ${at})`)
      trail.add({ severity, code: rule, message, ...subject, ...place })
    }
    for (const message of await formatsUnderSafetensors(source, { limits, signal })) {
      trail.add({ severity: "error", code: "two-formats", message })
    }
  } catch (error) {
    trail.addError(error)
  }
}
