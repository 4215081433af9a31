/** What can be done with a checkpoint, on any platform. The entry files give these their final types. */

import { MemorySink } from "../bytes/memory-sink.ts"
import type { OpenSpill } from "../bytes/spill.ts"
import type { ConversionPlan, ConversionReport } from "../plan/conversion-plan.ts"
import { planToBlob } from "../transfer/plan-to-blob.ts"
import type { RunOptions } from "../transfer/run-plan.ts"
import { abortSink, runPlan } from "../transfer/run-plan.ts"
import { requireOptions } from "./check-options.ts"
import { Checkpoint } from "./checkpoint.ts"
import { ConvertedBlob } from "./converted-blob.ts"
import type { OpenedContents } from "./opened-contents.ts"
import { openContents, planContentsInTurns } from "./opened-contents.ts"
import type { BlobOptions, ConvertOptions, OpenOptions } from "./options.ts"
import type { InputRequest, Platform } from "./platform.ts"
import { StreamOutput } from "./stream-output.ts"

/** What a Blob may hold in memory by default, where there is another place: a phone gives a tab some hundred MiB. */
const BLOB_MEMORY_BYTES = 64 * 1024 * 1024

/** Opens a checkpoint; the caller closes it. */
export async function open<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: OpenOptions & InputRequest,
): Promise<Checkpoint> {
  return new Checkpoint(await openContents(platform, input, options), platform)
}

async function withContents<Input, Result>(
  platform: Platform<Input, never>,
  input: Input,
  options: OpenOptions & InputRequest,
  use: (opened: OpenedContents) => Promise<Result>,
): Promise<Result> {
  const opened = await openContents(platform, input, options)
  let result: Result
  try {
    result = await use(opened)
  } catch (error) {
    await opened.input.close().catch(() => {})
    throw error
  }
  await opened.input.close()
  return result
}

/** Converts to an output of the platform. The output is looked at before the input is opened. */
export async function convert<Input, Output>(
  platform: Platform<Input, Output>,
  input: Input,
  output: Output,
  options: ConvertOptions & InputRequest,
): Promise<ConversionReport> {
  requireOptions(options)
  const { overwrite = false, signal } = options
  const sink = await platform.openOutput(output, { overwrite, input, signal })
  let started = false
  try {
    return await withContents(platform, input, options, async (opened) => {
      const plan = await planContentsInTurns(opened, options)
      started = true
      await runPlan(plan, sink, runOptions(platform, options))
      return plan.report
    })
  } catch (error) {
    // A stream that was given as output must not be left waiting.
    if (!started) await abortSink(sink, error)
    throw error
  }
}

/** Converts into memory. */
export async function convertToBytes<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: ConvertOptions & InputRequest,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; report: ConversionReport }> {
  return withContents(platform, input, options, async (opened) => {
    const plan = await planContentsInTurns(opened, options)
    const sink = new MemorySink()
    await runPlan(plan, sink, runOptions(platform, options))
    return { bytes: sink.bytes, report: plan.report }
  })
}

/** Converts to a Blob, out of slices of the input where that is a Blob. Without a place to spill to, memory has no bound. */
export async function convertToBlob<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: BlobOptions & InputRequest,
  openSpill?: OpenSpill,
): Promise<ConvertedBlob> {
  return withContents(platform, input, options, async (opened) => {
    const plan = await planContentsInTurns(opened, options)
    const { maxMemoryBytes = openSpill && BLOB_MEMORY_BYTES } = options
    const output = await planToBlob(plan, { ...runOptions(platform, options), maxMemoryBytes, openSpill })
    return new ConvertedBlob(output, plan.report)
  })
}

/** Converts to a stream. Opening and planning are done when it resolves; bytes move as they are asked for. */
export async function convertToStream<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: ConvertOptions & InputRequest,
): Promise<{ stream: ReadableStream<Uint8Array>; report: ConversionReport }> {
  const opened = await openContents(platform, input, options)
  let plan: ConversionPlan
  try {
    plan = await planContentsInTurns(opened, options)
  } catch (error) {
    await opened.input.close().catch(() => {})
    throw error
  }
  const output = new StreamOutput({ signal: options.signal, release: () => opened.input.close() })
  const run = { ...runOptions(platform, options), signal: output.signal }
  // A failure reaches whoever reads the stream: the sink is aborted with it.
  runPlan(plan, output, run).catch(() => {})
  return { stream: output.stream, report: plan.report }
}

function runOptions(platform: Platform<never, never>, { signal, onProgress }: ConvertOptions): RunOptions {
  return { crc32: platform.crc32, inflate: platform.inflate, signal, onProgress }
}
