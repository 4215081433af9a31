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
import { type AnyCheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import type {
  Audit,
  FoundPickles,
  LayoutFile,
  PickleBytes,
  ScanFinding,
  ScannedFormat,
  SeenOther,
} from "../layouts/layout.ts"
import { auditCheckpoint } from "../layouts/table.ts"
import { listGlobalsSteps, type PickleListing } from "../pickle/list-globals.ts"
import { listPicklesSteps, type RowPickle } from "../pickle/list-pickles.ts"
import type { ListingBudget } from "../pickle/listing.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { isBarePickle, requireTold, runBarePickles } from "./bare-pickles.ts"
import { GlobalTable, MOST_GLOBALS, withKnowledge } from "./global-table.ts"
import type { ScannedPickle, ScanReport } from "./scan-report.ts"

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

/** Failures of the medium or of the caller: no property of the file, so no finding. */
const NOT_THE_FILE: ReadonlySet<string> = new Set(["read-failed", "invalid-argument", "input-changed"])

/** Pickles that are listed at most. A legacy file has five, a TorchScript archive one for each of its source files. */
const MOST_PICKLES = 10_000

/** Collects what a scan finds, until it becomes the report. */
class AuditTrail implements Audit {
  format: ScannedFormat = "unknown"
  readonly #reading: Pick<ReadingOptions, "limits" | "signal">
  readonly #table = new GlobalTable()
  readonly #pickles: ScannedPickle[] = []
  #pickleCount = 0
  readonly #findings: ScanFinding[] = []
  #other: { readonly finding: ScanFinding; readonly otherwise: unknown } | undefined
  /** The errors that some of them were made from. */
  readonly #errors = new Map<ScanFinding, AnyCheckpointError>()

  constructor(reading: Pick<ReadingOptions, "limits" | "signal">) {
    this.#reading = reading
  }

  add(finding: ScanFinding): void {
    this.#findings.push(finding)
  }

  /**
   * Notes why a conversion refuses the file.
   *
   * @throws `error` itself when it says nothing of the file.
   */
  addError(error: unknown, severity: "error" | "note" = "error"): void {
    if (!isCheckpointError(error) || NOT_THE_FILE.has(error.code)) throw error
    const finding = findingOf(error, severity)
    const { code, within, at } = finding
    // Listing a pickle and reading the file may stumble over the same.
    if (this.#findings.some((other) => other.code === code && other.within === within && other.at === at))
      return
    this.#findings.push(finding)
    this.#errors.set(finding, error)
  }

  /**
   * Notes that the file is none of those that a scan is about: *not a model*, if nothing else is found. When a pickle turns
   * up in it all the same, `otherwise` refuses it.
   */
  addOther(other: SeenOther | AnyCheckpointError, otherwise?: unknown): void {
    const finding: ScanFinding = isCheckpointError(other)
      ? findingOf(other, "note")
      : {
          severity: other.severity,
          code: "not-a-checkpoint",
          message: `this is not a PyTorch checkpoint: it looks like ${other.what}`,
        }
    this.#other = { finding, otherwise }
  }

  /** Lists the globals of one pickle. */
  async list(
    { name, bytes, start, fileOffset }: PickleBytes,
    budget?: ListingBudget,
  ): Promise<PickleListing> {
    const onMention = this.#table.collect(name, fileOffset)
    const steps = listGlobalsSteps(bytes, {
      ...{ within: name, limits: this.#reading.limits, start, onMention },
      ...(budget === undefined ? {} : { budget }),
    })
    const listing = await inTurns(steps, this.#reading.signal)
    this.#addPickle(name, fileOffset, { ...listing, start })
    return listing
  }

  /** Lists the globals of pickles that stand in a row. */
  async listRow({ name, bytes, fileOffset }: FoundPickles): Promise<void> {
    const onMention = this.#table.collect(name, fileOffset)
    const steps = listPicklesSteps(bytes, { within: name, limits: this.#reading.limits, onMention })
    const { pickles } = await inTurns(steps, this.#reading.signal)
    for (const pickle of pickles) this.#addPickle(name, fileOffset, pickle)
  }

  #addPickle(name: string, fileOffset: number | undefined, pickle: RowPickle): void {
    this.#pickleCount += 1
    if (this.#pickles.length === MOST_PICKLES) return
    const { start, protocol, opcodeCount, end, complete } = pickle
    const offset = fileOffset === undefined ? undefined : fileOffset + start
    this.#pickles.push({ name, offset, byteLength: end - start, protocol, opcodeCount, complete })
  }

  isPickle(source: ByteSource, isStrict: boolean): Promise<boolean> {
    return isBarePickle(source, this.#reading, isStrict)
  }

  async runPickles(source: ByteSource): Promise<undefined> {
    await runBarePickles(source, this.#reading, this)
  }

  requireTold(file: LayoutFile): void {
    requireTold(file, this.#reading.limits)
  }

  async report(byteLength: number): Promise<ScanReport> {
    const other = this.#other
    const isOther = other !== undefined && (other.otherwise === undefined || this.#pickles.length === 0)
    if (isOther) this.add(other.finding)
    else if (other !== undefined) this.addError(other.otherwise)
    const globals = await this.#table.globals()
    const findings = await Promise.all(this.#findings.map((finding) => this.#completed(finding)))
    if (this.#table.overflows) {
      const message = `the pickles name more than ${MOST_GLOBALS} globals that are refused; the rest is not listed`
      findings.push({ severity: "error", code: "too-many-globals", message })
    }
    if (this.#table.leavesOut || this.#pickleCount > MOST_PICKLES) {
      const message = `of ${this.#pickleCount} pickles and the globals that they name and may name, the first ${MOST_PICKLES} are listed`
      findings.push({ severity: "note", code: "not-all-listed", message })
    }
    const refused =
      findings.some(({ severity }) => severity === "error") ||
      globals.some(({ verdict }) => verdict !== "allowed")
    const verdict = refused ? "refused" : isOther ? "not-a-model" : "clean"
    return { verdict, format: this.format, byteLength, pickles: this.#pickles, globals, findings }
  }

  /** With what is known of refused globals in its text. */
  async #completed(finding: ScanFinding): Promise<ScanFinding> {
    const error = await withKnowledge(this.#errors.get(finding))
    return isCheckpointError(error) ? findingOf(error, finding.severity) : finding
  }
}

function findingOf(error: AnyCheckpointError, severity: ScanFinding["severity"]): ScanFinding {
  const { code, message, nextStep } = error
  const { within, at } = { within: undefined, at: undefined, ...error.detail }
  return {
    severity,
    code,
    message,
    ...(typeof within === "string" ? { within } : {}),
    ...(typeof at === "number" ? { at } : {}),
    nextStep,
  }
}
