/**
 * Zip archives whose first bytes were written over: some programs keep their version there (GPT-SoVITS writes `05` or
 * `06` in place of `PK`), and others undo it before they load the file.
 */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { CheckpointError, isCheckpointError } from "../../errors/checkpoint-error.ts"
import { ZIP_SIGNATURE } from "../../torch/errors.ts"
import type { LoadedParts } from "./refusal.ts"

/** The signature of a local header. */
const SIGNATURE = [0x50, 0x4b, 0x03, 0x04]

/** Of these, `PK` is text. */
const TEXT_BYTES = 2

/** Failures that say nothing of the bytes. */
const NOT_THE_BYTES: ReadonlySet<string> = new Set(["read-failed", "input-changed"])

/** The refusal, when `source` is a checkpoint's archive but for its first bytes; these are in `head`. */
export async function findReplacedSignature(
  source: ByteSource,
  head: Uint8Array,
  { listZip, signal }: LoadedParts,
): Promise<CheckpointError | undefined> {
  const changed = SIGNATURE.findLastIndex((byte, i) => byte !== head[i]) + 1
  if (changed === 0 || head.length < SIGNATURE.length) return undefined
  let names: readonly string[]
  try {
    names = (await listZip(withSignature(source))).map(({ name }) => name)
  } catch (error) {
    signal?.throwIfAborted()
    if (!isCheckpointError(error) || NOT_THE_BYTES.has(error.code)) throw error
    return undefined
  }
  const what = names.some((name) => /^[^/]+\/data\.pkl$/.test(name))
    ? "a PyTorch checkpoint"
    : "a zip archive"
  const bytes = head.subarray(0, Math.max(changed, TEXT_BYTES))
  const found = hex(bytes)
  const expected = hex(SIGNATURE.slice(0, bytes.length))
  const isText = bytes.length === TEXT_BYTES && bytes.every((byte) => byte > 0x20 && byte < 0x7f)
  const shown = isText
    ? `"${String.fromCharCode(...bytes)}" in place of "PK"`
    : `${found} in place of ${expected}`
  const problem = `this is ${what} whose first ${bytes.length} bytes are ${shown}; all else is whole`
  return new CheckpointError(ZIP_SIGNATURE, { at: 0, problem, found, expected })
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")
}

/** The same bytes, the signature put back. */
function withSignature(source: ByteSource): ByteSource {
  const { byteLength, readCost = "low" } = source
  return {
    byteLength,
    readCost,
    read: async (offset, length, signal) => {
      const bytes = await source.read(offset, length, signal)
      if (offset >= SIGNATURE.length || !(bytes instanceof Uint8Array)) return bytes
      const changed = Uint8Array.from(bytes)
      changed.set(SIGNATURE.slice(offset, offset + changed.length))
      return changed
    },
  }
}
