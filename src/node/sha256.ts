/** The SHA-256 of a source: the digest that a file is published with. */

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Worker } from "node:worker_threads"
import type { ByteSource } from "../bytes/byte-source.ts"
import { READ_FAILED, TRUNCATED } from "../bytes/errors.ts"
import { readExactlyInto } from "../bytes/read-exactly.ts"
import { turnIfDue } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { DIGEST_MISMATCH } from "./errors.ts"
import { FileSource } from "./file-source.ts"
import { reasonOf } from "./system-errors.ts"

/** From this size on a file is hashed on a thread, which takes 40 ms to start. */
const THREAD_FROM_BYTES = 64 * 1024 * 1024

/** Read at once where there is no thread. */
const READ_BYTES = 1024 * 1024

/**
 * 64 lower-case hexadecimal digits, in one pass over the source. node:crypto is loaded here and not before: that takes
 * 10 ms.
 *
 * @throws `truncated`, `read-failed`; the signal's reason when aborted.
 */
export async function sha256Of(source: ByteSource, signal: AbortSignal | undefined): Promise<string> {
  signal?.throwIfAborted()
  if (source instanceof FileSource) {
    if (source.sha256 !== undefined) return source.sha256
    const digest = source.byteLength < THREAD_FROM_BYTES ? undefined : await onThread(source, signal)
    if (digest !== undefined) return digest
  }
  const { createHash } = await import("node:crypto")
  const hash = createHash("sha256")
  const { byteLength } = source
  const buffer = new Uint8Array(Math.min(READ_BYTES, byteLength))
  for (let offset = 0; offset < byteLength; offset += buffer.byteLength) {
    const part = buffer.subarray(0, Math.min(buffer.byteLength, byteLength - offset))
    await readExactlyInto(source, offset, part, signal)
    hash.update(part)
    await turnIfDue(signal)
  }
  return hash.digest("hex")
}

/** From now on a file counts as changed by any change of its status as well. */
export function watchStatusOf(source: ByteSource): void {
  if (source instanceof FileSource) source.watchStatus()
}

/**
 * Hashes the source and holds it against `expected`, 64 hexadecimal digits in any case. From then on a file counts as
 * changed by any change of its status as well.
 *
 * @throws `digest-mismatch`, `input-changed`; and as `sha256Of`.
 */
export async function requireSha256(
  source: ByteSource,
  expected: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  watchStatusOf(source)
  const wanted = expected.toLowerCase()
  const actual = await sha256Of(source, signal)
  // Whoever writes to the file meanwhile is the better explanation of a wrong digest.
  await source.assertUnchanged?.()
  if (actual === wanted) return
  const path = source instanceof FileSource ? { path: source.path } : {}
  throw new CheckpointError(DIGEST_MISMATCH, { ...path, expected: wanted, actual })
}

async function onThread(
  { descriptor, byteLength, path }: FileSource,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const answer = await digestOnThread({ descriptor, byteLength }, signal)
  if (answer === undefined || "sha256" in answer) return answer?.sha256
  if ("got" in answer) {
    throw new CheckpointError(TRUNCATED, { within: path, at: 0, wanted: byteLength, got: answer.got })
  }
  const { code, message } = answer.failed
  const reason = reasonOf(Object.assign(new Error(message), { code }))
  throw new CheckpointError(READ_FAILED, { path, reason })
}

/**
 * Undefined where a thread cannot be had: under a permission model, or when bundled without the worker's file. It has
 * ended, and reads no more, when this settles.
 *
 * @throws the signal's reason when aborted; what ended the thread when it was lost.
 */
async function digestOnThread(
  job: DigestJob,
  signal: AbortSignal | undefined,
): Promise<DigestAnswer | undefined> {
  const threads = await import("node:worker_threads")
  signal?.throwIfAborted()
  const worker = startWorker(threads, job)
  if (worker === undefined) return undefined
  const stop = (): void => void worker.terminate()
  signal?.addEventListener("abort", stop)
  try {
    const answer = await answerOf(worker)
    signal?.throwIfAborted()
    if (answer === undefined) throw new Error("the thread that takes the digest ended")
    return answer
  } finally {
    signal?.removeEventListener("abort", stop)
  }
}

function startWorker({ Worker }: typeof import("node:worker_threads"), job: DigestJob): Worker | undefined {
  try {
    const file = new URL("./digest-worker.js", import.meta.url)
    return existsSync(fileURLToPath(file)) ? new Worker(file, { workerData: job }) : undefined
  } catch {
    return undefined
  }
}

function answerOf(worker: Worker): Promise<DigestAnswer | undefined> {
  return new Promise((resolve, reject) => {
    let answer: DigestAnswer | undefined
    worker.on("message", (message: DigestAnswer) => {
      answer = message
    })
    worker.on("error", reject)
    worker.on("exit", () => resolve(answer))
  })
}

/** The file to hash: its descriptor, and how many bytes of it. */
export interface DigestJob {
  readonly descriptor: number
  readonly byteLength: number
}

/** The digest in lower-case hex; or how many bytes there were, when fewer than wanted; or why it failed. */
export type DigestAnswer =
  | { readonly sha256: string }
  | { readonly got: number }
  | { readonly failed: { readonly code: string | undefined; readonly message: string } }
