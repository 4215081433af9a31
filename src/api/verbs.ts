/** What can be done with files of tensors, on any platform. The entry files give these their final types. */

import { scanFile } from "../audit/scan-file.ts"
import type { ScanReport } from "../audit/scan-report.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { closedAfter, closedOnFailure } from "../bytes/failures.ts"
import { explained, readExactly, requireUnchanged } from "../bytes/read-exactly.ts"
import { MemorySink } from "../bytes/sinks.ts"
import { storeOfOne } from "../bytes/source-store.ts"
import { turned } from "../bytes/turns.ts"
import type { ConversionReport, PlannedConversion } from "../checkpoint/plan-checkpoint.ts"
import { HEAD_BYTES } from "../layouts/layout.ts"
import { layoutOf } from "../layouts/table.ts"
import { formatsUnderSafetensors } from "../layouts/two-formats.ts"
import { withLimits } from "../limits/limits.ts"
import type { NamedSource } from "../plan/plan-tensors.ts"
import type { SafetensorsHeader } from "../safetensors/parse-header.ts"
import { checkSafetensors, readSafetensorsHeader, type SafetensorsCheck } from "../safetensors/read-header.ts"
import { type RunOptions, runPlan } from "../transfer/run-plan.ts"
import { type TransferPlan, transferPlan } from "../transfer/transfer-plan.ts"
import { Checkpoint } from "./checkpoint.ts"
import { type ConvertedBlob, convertedBlob } from "./converted-blob.ts"
import {
  nameOf,
  type OpenedContents,
  type OpenedSources,
  openContents,
  openSources,
  planContentsInTurns,
  readContents,
} from "./opened-contents.ts"
import {
  type BlobOptions,
  type ConvertOptions,
  type OpenOptions,
  type ReadHeaderOptions,
  requireAccessOptions,
  requireOptions,
  type ScanOptions,
} from "./options.ts"
import { StreamOutput } from "./outputs.ts"
import type { InputPlatform, InputRequest, Platform } from "./platform.ts"
import { SafetensorsFile } from "./safetensors-file.ts"
import { writeTo } from "./write-plan.ts"

/** What says what a file should be whose bytes say nothing. */
const SAFETENSORS_NAME = /\.safetensors$/i

/** Opens a checkpoint or a safetensors file, whichever it is; the caller closes it. */
export function open<Input, Output>(
  platform: Platform<Input, Output>,
  input: Input,
  options: OpenOptions & InputRequest,
): Promise<Checkpoint<Output> | SafetensorsFile<Output>> {
  return openSources(platform, input, options, async (opened) => {
    const [{ name, source }] = opened.sources as [NamedSource]
    const length = Math.min(HEAD_BYTES, source.byteLength)
    const head = await readExactly(source, { offset: 0, length }, options.signal)
    const { format } = layoutOf(head, source.byteLength)
    const isSafetensors = format === "safetensors" || (format === "unknown" && SAFETENSORS_NAME.test(name))
    return isSafetensors
      ? readSafetensors(opened, options)
      : new Checkpoint(await readContents(opened, options))
  })
}

/** Opens a checkpoint; the caller closes it. */
export async function openCheckpoint<Input, Output>(
  platform: Platform<Input, Output>,
  input: Input,
  options: OpenOptions & InputRequest,
): Promise<Checkpoint<Output>> {
  return new Checkpoint(await openContents(platform, input, options))
}

/** Opens a safetensors file; the caller closes it. */
export function openSafetensors<Input, Output>(
  platform: Platform<Input, Output>,
  input: Input,
  options: OpenOptions & InputRequest,
): Promise<SafetensorsFile<Output>> {
  return openSources(platform, input, options, (opened) => readSafetensors(opened, options))
}

async function readSafetensors<Output>(
  opened: OpenedSources<Output>,
  { signal }: OpenOptions,
): Promise<SafetensorsFile<Output>> {
  const [{ source }] = opened.sources as [NamedSource]
  const { limits } = opened.bounds
  const options = { limits, ...(signal === undefined ? {} : { signal }) }
  return new SafetensorsFile(opened, await turned(signal, () => readSafetensorsHeader(source, options)))
}

async function withPlan<Input, Result>(
  platform: Platform<Input, never>,
  input: Input,
  options: ConvertOptions & InputRequest,
  use: (planned: PlannedConversion, plan: TransferPlan) => Promise<Result>,
): Promise<Result> {
  const opened = await openContents(platform, input, options)
  return closedAfter(opened.close, async () => {
    const planned = await planContentsInTurns(opened, options)
    return use(planned, transferPlan(planned.plan, planned.extents))
  })
}

/** Converts to an output of the platform. The output is looked at before the input is opened. */
export async function convert<Input, Output>(
  platform: Platform<Input, Output>,
  input: Input,
  output: Output,
  options: ConvertOptions & InputRequest,
): Promise<ConversionReport> {
  let opened: OpenedContents | undefined
  const open = async (): Promise<TransferPlan & { readonly report: ConversionReport }> => {
    opened = await openContents<Input, never>(platform, input, options)
    const { plan, extents } = await planContentsInTurns(opened, options)
    return { ...transferPlan(plan, extents), report: plan.report }
  }
  const write = () => writeTo(platform, output, [input], options, open)
  return (await closedAfter(() => opened?.close(), write)).report
}

/** Converts into memory. */
export async function convertToBytes<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: ConvertOptions & InputRequest,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; report: ConversionReport }> {
  return withPlan(platform, input, options, async ({ plan: { report } }, plan) => {
    const sink = new MemorySink()
    await runPlan(plan, sink, runOptions(platform, options))
    return { bytes: sink.bytes, report }
  })
}

/** Converts to a Blob, out of slices of the input where that is a Blob. */
export async function convertToBlob<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: BlobOptions & InputRequest,
): Promise<ConvertedBlob> {
  return withPlan(platform, input, options, ({ plan: { report } }, plan) =>
    convertedBlob(platform, plan, report, options),
  )
}

/** Converts to a stream. Opening and planning are done when it resolves; bytes move as they are asked for. */
export async function convertToStream<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: ConvertOptions & InputRequest,
): Promise<{ stream: ReadableStream<Uint8Array>; report: ConversionReport }> {
  const opened = await openContents(platform, input, options)
  const { plan, extents } = await closedOnFailure(opened.close, () => planContentsInTurns(opened, options))
  const output = new StreamOutput({ signal: options.signal, release: opened.close })
  const run = { ...runOptions(platform, options), signal: output.signal }
  // A failure reaches whoever reads the stream: the sink is aborted with it.
  runPlan(transferPlan(plan, extents), output, run).catch(() => {})
  return { stream: output.stream, report: plan.report }
}

function runOptions(platform: Platform<never, never>, { signal, onProgress }: ConvertOptions): RunOptions {
  return { crc32: platform.crc32, inflate: platform.inflate, signal, onProgress }
}

/** Scans `input`. */
export async function scanInput<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: ScanOptions,
): Promise<ScanReport> {
  requireOptions(options)
  const { signal, byteOrder, name = nameOf(input) } = options
  const { crc32, inflate } = platform
  const reading = { limits: withLimits(options.limits), crc32, inflate, signal, byteOrder }
  return readOnce(platform, input, options, (source) => scanFile(storeOfOne(source, name), reading))
}

/** Reads and checks the header of `input`. */
export async function readHeader<Input>(
  platform: InputPlatform<Input>,
  input: Input,
  options: ReadHeaderOptions,
): Promise<SafetensorsHeader> {
  requireAccessOptions(options)
  return readOnce(platform, input, options, (source) => readSafetensorsHeader(source, options))
}

/** Lists what is wrong with `input`, and warns of what other programs would take it for. */
export async function checkFile<Input>(
  platform: InputPlatform<Input>,
  input: Input,
  options: ReadHeaderOptions,
): Promise<SafetensorsCheck> {
  requireAccessOptions(options)
  return readOnce(platform, input, options, (source) => checkAll(source, options))
}

async function checkAll(source: ByteSource, options: ReadHeaderOptions): Promise<SafetensorsCheck> {
  const check = await checkSafetensors(source, options)
  if (check.header === undefined) return check
  const { signal } = options
  const found = await formatsUnderSafetensors(source, { limits: withLimits(options.limits), signal })
  const warnings = found.map((problem) => ({
    rule: "two-formats",
    severity: "warning" as const,
    at: 0,
    problem,
  }))
  return { ...check, findings: [...check.findings, ...warnings] }
}

/** What `read` takes of `input`, or what is wrong with it, unless the source is another one by now. */
async function readOnce<Input, Value>(
  platform: InputPlatform<Input>,
  input: Input,
  options: InputRequest,
  read: (source: ByteSource) => Promise<Value>,
): Promise<Value> {
  const { signal } = options
  signal?.throwIfAborted()
  const { source, close } = await platform.openInput(input, options)
  try {
    const value = await turned(signal, () => read(source)).catch(async (error: unknown) => {
      throw await explained(error, source, signal)
    })
    await requireUnchanged(source, signal)
    return value
  } finally {
    await close()
  }
}
