/** Node, Deno and Bun: paths as inputs and outputs, streams through a temporary file, zlib's checksum. */

import { fileURLToPath } from "node:url"
import type { CheckpointInput, OpenedInput } from "../api/inputs.ts"
import { openUniversalInput, requireUnlocked } from "../api/inputs.ts"
import type { SafetensorsOutput } from "../api/outputs.ts"
import { openUniversalOutput } from "../api/outputs.ts"
import type { OutputRequest, Platform } from "../api/platform.ts"
import type { ByteSink } from "../bytes/byte-sink.ts"
import { CheckpointError } from "../errors.ts"
import { prepareFileSink } from "./file-sink.ts"
import { openFileSource } from "./file-source.ts"
import { nodeCrc32 } from "./node-crc32.ts"
import { spoolStream } from "./spool.ts"

/** Everything that the universal build takes, and paths: strings and `file:` URLs. */
export type NodeCheckpointInput = CheckpointInput | string | URL

/** Everything that the universal build writes to, and paths: strings and `file:` URLs. */
export type NodeSafetensorsOutput = SafetensorsOutput | string | URL

export const NODE_PLATFORM: Platform<NodeCheckpointInput, NodeSafetensorsOutput> = {
  openInput: openNodeInput,
  openOutput: openNodeOutput,
  crc32: nodeCrc32,
}

async function openNodeInput(
  input: NodeCheckpointInput,
  signal: AbortSignal | undefined,
): Promise<OpenedInput> {
  const path = pathOf(input, "input")
  if (path !== undefined) {
    const source = await openFileSource(path)
    return { source, close: () => source.close() }
  }
  if (input instanceof ReadableStream) {
    requireUnlocked(input)
    return spoolStream(input, signal)
  }
  return openUniversalInput(input)
}

async function openNodeOutput(output: NodeSafetensorsOutput, request: OutputRequest): Promise<ByteSink> {
  const path = pathOf(output, "output")
  if (path === undefined) return openUniversalOutput(output)
  const inputPath = pathOf(request.input, "input")
  return prepareFileSink(path, { overwrite: request.overwrite, inputPath })
}

function pathOf(value: unknown, argument: string): string | undefined {
  if (typeof value === "string") {
    if (value !== "" && !value.includes("\0")) return value
    throw new CheckpointError("invalid-argument", { argument, problem: "the path is empty or holds a NUL" })
  }
  if (!(value instanceof URL)) return undefined
  if (value.protocol === "file:") return fileURLToPath(value)
  const problem = `only file: URLs are opened, not ${value.protocol} ones: fetch it and pass the response's body`
  throw new CheckpointError("invalid-argument", { argument, problem })
}
