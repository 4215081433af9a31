/** Takes a stream in whole, into a temporary file: a checkpoint's directory stands at its end. */

import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { OpenedInput } from "../api/inputs.ts"
import { CheckpointError, isCheckpointError } from "../errors.ts"
import { FileSource } from "./file-source.ts"
import { reasonOf } from "./system-errors.ts"

/**
 * A source over what `stream` yields. The file lies in a folder of its own that only this user can enter, and is gone
 * when the input is closed.
 *
 * @throws `read-failed` when the stream fails, `write-failed` when the temporary file does.
 */
export async function spoolStream(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<OpenedInput> {
  const folder = await mkdtemp(join(tmpdir(), "tosafetensors-")).catch((cause: unknown) => {
    throw new CheckpointError("write-failed", { path: tmpdir(), reason: reasonOf(cause) }, { cause })
  })
  const path = join(folder, "input")
  try {
    await writeAll(stream, path, signal)
    const handle = await open(path, "r")
    const { size, mtimeMs } = await handle.stat()
    const source = new FileSource(handle, path, size, mtimeMs)
    const close = async (): Promise<void> => {
      await source.close()
      await rm(folder, { recursive: true, force: true })
    }
    return { source, close }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function writeAll(
  stream: AsyncIterable<Uint8Array>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await open(path, "wx", 0o600)
  try {
    for await (const chunk of stream) {
      signal?.throwIfAborted()
      if (!(chunk instanceof Uint8Array)) throw new Error("the stream yields something that is not bytes")
      await handle.appendFile(chunk).catch((cause: unknown) => {
        throw new CheckpointError("write-failed", { path, reason: reasonOf(cause) }, { cause })
      })
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw isCheckpointError(cause)
      ? cause
      : new CheckpointError("read-failed", { reason: reasonOf(cause) }, { cause })
  } finally {
    await handle.close()
  }
}
