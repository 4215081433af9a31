/** The verbs, each as one promise of bytes, and what a call of one must not leave. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { expect } from "vitest"
import {
  type CheckpointInput,
  isCheckpointError,
  openCheckpoint,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/node/index.ts"

/** What a verb is called with. */
export interface Call {
  readonly input: CheckpointInput
  readonly signal?: AbortSignal | undefined
  /** A path that is free. */
  readonly output: string
}

type Verb = (call: Call) => Promise<Uint8Array>

/** The five that read weights. `tensor` reads each tensor of the file on its own. */
export const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    "toSafetensors",
    async ({ input, output, ...options }) => {
      await toSafetensors(input, output, options)
      return readFileSync(output)
    },
  ],
  ["toSafetensorsBytes", async ({ input, signal }) => (await toSafetensorsBytes(input, { signal })).bytes],
  [
    "toSafetensorsBlob",
    async ({ input, signal }) =>
      new Uint8Array(await (await toSafetensorsBlob(input, { signal })).blob.arrayBuffer()),
  ],
  [
    "toSafetensorsStream",
    async ({ input, signal }) => {
      const { stream } = await toSafetensorsStream(input, { signal })
      const parts: Uint8Array[] = []
      for await (const part of stream) parts.push(part)
      return Buffer.concat(parts)
    },
  ],
  [
    "openCheckpoint and readTensor",
    async ({ input, signal }) => {
      await using checkpoint = await openCheckpoint(input, { signal })
      const parts: Uint8Array[] = []
      for (const name of checkpoint.tensors.keys()) {
        parts.push(await checkpoint.readTensor(name, signal === undefined ? {} : { signal }))
      }
      return Buffer.concat(parts)
    },
  ],
])

/** How a call has ended: its bytes, or what it threw. */
export type Ending = { readonly bytes: Uint8Array } | { readonly error: unknown }

export async function endingOf(work: Promise<Uint8Array>): Promise<Ending> {
  return work.then(
    (bytes) => ({ bytes }),
    (error: unknown) => ({ error }),
  )
}

/** The code of a typed error; the test fails on any other. */
export function codeOf(ending: Ending): string {
  if (!("error" in ending)) return expect.unreachable("it was not refused")
  if (!isCheckpointError(ending.error)) throw ending.error
  return ending.error.code
}

/** What is open in this process, by what it leads to; empty where the system does not tell. */
export function openFiles(within: string): readonly string[] {
  if (!existsSync("/proc/self/fd")) return []
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(within) ? [target] : []
    } catch {
      return []
    }
  })
}
