/** What differs from platform to platform. The verbs are made once for each. */

import type { ByteSink, OpenSpill } from "../bytes/byte-sink.ts"
import { type Crc32, crc32 } from "../bytes/crc32.ts"
import { invalidArgument } from "../bytes/failures.ts"
import type { InflateExtent } from "../bytes/read-extent.ts"
import type { SourceStore } from "../bytes/source-store.ts"
import { isHttp, urlOf } from "../http/http-options.ts"
import { type CheckpointInput, type InputAccess, type OpenedInput, openUniversalInput } from "./inputs.ts"
import { openUniversalOutput, type SafetensorsOutput } from "./outputs.ts"

/** How to open inputs and outputs, and the fastest checksum there is. */
export interface Platform<Input, Output> {
  readonly openInput: (input: Input, request: InputRequest) => Promise<OpenedInput>
  /** Nothing is created before the sink is opened. */
  readonly openOutput: (output: Output, request: OutputRequest) => Promise<ByteSink>
  /** The place as a store of the files there. @throws `invalid-argument` for what is no place. */
  readonly openStore: (place: string | URL, access: InputAccess) => Promise<SourceStore>
  readonly crc32: Crc32
  /** Default: the portable one. */
  readonly inflate?: InflateExtent
  /** Where what a Blob cannot hold in memory goes. Default: there is no such place. */
  readonly openSpill?: OpenSpill
}

/** The part of a platform that reading needs. */
export type InputPlatform<Input> = Pick<Platform<Input, never>, "openInput">

/** What opening an input depends on. */
export interface InputRequest extends InputAccess {
  /** The SHA-256 that the input must have. Only platforms that can take it in passing know this. */
  readonly sha256?: string | undefined
}

/** What opening an output depends on. */
export interface OutputRequest {
  /** Whether an output that exists may be replaced. */
  readonly overwrite: boolean
  /** The inputs as the caller gave them: none may be the output. A file gets the permissions of the first. */
  readonly inputs: readonly unknown[]
  readonly signal?: AbortSignal | undefined
}

async function openInput(
  input: CheckpointInput,
  { signal, http, sha256 }: InputRequest,
): Promise<OpenedInput> {
  // Web Crypto digests only what is in memory as a whole. An option that protects must not be passed over.
  if (sha256 !== undefined) {
    const problem =
      "this build cannot take a digest of a stream of bytes: compare it before you pass the input"
    throw invalidArgument("sha256", problem)
  }
  return openUniversalInput(input, { signal, http })
}

/** What reading a header needs of the universal platform: a page that does no more fetches no more. */
export const UNIVERSAL_INPUTS: InputPlatform<CheckpointInput> = { openInput }

/** The place of a URL. */
export async function openUrlStore(place: string | URL, { http }: InputAccess): Promise<SourceStore> {
  const url = place instanceof URL ? place : urlOf(place)
  if (url === undefined || !isHttp(url)) {
    throw invalidArgument("sources", "no files can be opened there: pass inputs by name, or a URL (https:)")
  }
  const { urlStore } = await import("../http/url-store.ts")
  return urlStore(url, http ?? {})
}

/** Browsers, workers and every other runtime with web standards. */
export const UNIVERSAL_PLATFORM: Platform<CheckpointInput, SafetensorsOutput> = {
  openInput,
  openOutput: async (output, request) => openUniversalOutput(output, request),
  openStore: openUrlStore,
  crc32,
  // Where browsers have files of their own. Loaded when it is needed: most checkpoints are made of slices.
  openSpill: async (request) => (await import("../opfs/spill-file.ts")).openSpillFile(request),
}
