/** Which file a conversion reads: compared with a digest that the user knows, and recorded in what is written. */

import { CONVERTED_BY, FORMAT, SOURCE_BYTES, SOURCE_SHA256 } from "../metadata-keys.ts"
import type { ByteSource, CheckpointInput, ConvertOptions } from "../node/index.ts"
import { openNodeInput } from "../node/platform.ts"
import { sha256Of, watchStatusOf } from "../node/sha256.ts"
import type { OptionValues } from "./arguments.ts"
import { quoted } from "./shown-text.ts"
import type { MetadataDifference } from "./tensor-comparison.ts"
import { UsageError } from "./usage-error.ts"
import { VERSION } from "./version.ts"

/** Whether what a file says of its source is not so, or is missing; the version that made it may be another. */
export function namesOtherSource(metadata: readonly MetadataDifference[]): boolean {
  return metadata.some(({ key }) => key === SOURCE_SHA256 || key === SOURCE_BYTES)
}

/** What was asked about the checkpoint. */
export interface Provenance {
  /** The SHA-256 that it must have, in lower-case hex. */
  readonly expected: string | undefined
  /** Whether the output is to say what it was made from. */
  readonly recorded: boolean
}

/** @throws UsageError */
export function readProvenance(values: OptionValues): Provenance {
  const expected = values.text("sha256")?.toLowerCase()
  if (expected !== undefined && !/^[\da-f]{64}$/.test(expected)) {
    throw new UsageError(`--sha256 takes 64 hexadecimal digits, not ${quoted(values.text("sha256") ?? "")}`)
  }
  const recorded = values.has("provenance")
  const key = values.texts("metadata").map((pair) => pair.slice(0, pair.indexOf("=")))
  const twice = [SOURCE_SHA256, SOURCE_BYTES, CONVERTED_BY].find((name) => recorded && key.includes(name))
  if (twice !== undefined) throw new UsageError(`--provenance and --metadata both set ${quoted(twice)}`)
  return { expected, recorded }
}

/** A checkpoint that is open, and what is known of it before anything is parsed. */
export interface TracedInput {
  readonly source: ByteSource
  readonly close: () => Promise<void>
  /** Undefined when nobody asked. */
  readonly sha256: string | undefined
  /** The options of the conversion, with what is to be recorded. */
  readonly options: ConvertOptions
}

/**
 * Opens `input`, hashes it as far as was asked, and holds it against what it should be. With `hashed` a stream knows its
 * digest when it has been taken in, whether that was asked or not.
 *
 * @throws `digest-mismatch`; as opening does.
 */
export async function openTraced(
  input: CheckpointInput,
  { expected, recorded }: Provenance,
  { options, signal, hashed }: TracedRequest,
): Promise<TracedInput> {
  const request = {
    signal,
    http: options.http,
    sha256: expected,
    hashed: hashed || recorded || expected !== undefined,
  }
  const { source, close } = await openNodeInput(input, request)
  try {
    if (!recorded) return { source, close, sha256: expected, options }
    watchStatusOf(source)
    const sha256 = expected ?? (await sha256Of(source, signal))
    const facts = {
      [SOURCE_SHA256]: sha256,
      [SOURCE_BYTES]: String(source.byteLength),
      [CONVERTED_BY]: `tosafetensors ${VERSION}`,
    }
    const metadata = { [FORMAT]: "pt", ...options.metadata, ...facts }
    return { source, close, sha256, options: { ...options, metadata } }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}

/** How `openTraced` goes about it. */
export interface TracedRequest {
  readonly options: ConvertOptions
  readonly signal: AbortSignal
  readonly hashed: boolean
}
