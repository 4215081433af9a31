/** Tells archives that hold other files from those that hold a checkpoint and cannot be read as one. */

import type { MemberTable } from "../../archive/read-zip.ts"
import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import { meaningOf } from "./model-names.ts"

/** Bytes that are searched at once. */
const WINDOW_BYTES = 1024 * 1024

/** What every archive of torch has a member called, as far as it is torch's: names are never compressed. */
const TORCH_NAMES = ["data.pkl", "constants.pkl"]
const LONGEST_NAME = 16

const BLOCK_BYTES = 512
/** Members of a tar archive whose headers are looked at. */
const MOST_TAR_MEMBERS = 10_000

/** What torch 0.1 put into a tar archive, and opens of it still (`_legacy_load`, torch/serialization.py). */
const TAR_MEMBERS: ReadonlySet<string> = new Set(["pickle", "storages", "tensors"])

/** Headers whose data is the name of the next member, or may be: of GNU and of POSIX. */
const NAMING_TYPES = "LKxg"

/** Whether none of the members is meant as a model. */
export function isOrdinaryZip(entries: MemberTable): boolean {
  return !Array.from(entries.values()).some(({ name }) => isModelMember(name))
}

function isModelMember(path: string): boolean {
  return meaningOf(path.slice(path.lastIndexOf("/") + 1)) === "model"
}

/**
 * Whether a zip archive that cannot be read in one way has no name in it that torch would look for. `most` bytes are
 * searched: of a longer file nothing is known.
 */
export async function hasNoTorchName(
  source: ByteSource,
  most: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (source.byteLength > most) return false
  for (let offset = 0; offset < source.byteLength; offset += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES + LONGEST_NAME, source.byteLength - offset)
    const text = new TextDecoder("latin1")
      .decode(await readExactly(source, { offset, length }, signal))
      .toLowerCase()
    if (TORCH_NAMES.some((name) => text.includes(name))) return false
  }
  return true
}

/** Whether a tar archive has no member of torch's, and none that is meant as a model. */
export async function isOrdinaryTar(source: ByteSource, signal: AbortSignal | undefined): Promise<boolean> {
  let offset = 0
  for (let count = 0; offset + BLOCK_BYTES <= source.byteLength; count++) {
    if (count === MOST_TAR_MEMBERS) return false
    const header = await readExactly(source, { offset, length: BLOCK_BYTES }, signal)
    if (header.every((byte) => byte === 0)) return true
    const name = textAt(header, 0, 100)
    const size = Number.parseInt(textAt(header, 124, 12).trim() || "0", 8)
    // A size in base 256 is of a file above 8 GiB. What comes behind it is not looked for.
    if (!Number.isSafeInteger(size) || size < 0) return false
    if (TAR_MEMBERS.has(name.replace(/^(?:.*\/)/, "")) || isModelMember(name)) return false
    if (
      NAMING_TYPES.includes(textAt(header, 156, 1) || "0") &&
      !(await isOrdinaryName(source, { offset, size }, signal))
    )
      return false
    offset += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
  }
  return true
}

/** The name of the next member, in a header of its own. */
async function isOrdinaryName(
  source: ByteSource,
  { offset, size }: { readonly offset: number; readonly size: number },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const length = Math.min(size, source.byteLength - offset - BLOCK_BYTES)
  if (length > WINDOW_BYTES) return false
  const text = textAt(await readExactly(source, { offset: offset + BLOCK_BYTES, length }, signal), 0, length)
  return text
    .split(/[\n\0=]/)
    .every((name) => !TAR_MEMBERS.has(name.replace(/^(?:.*\/)/, "")) && !isModelMember(name))
}

/** Up to the first NUL, or to the end of the field. */
function textAt(bytes: Uint8Array, start: number, length: number): string {
  return new TextDecoder("latin1").decode(bytes.subarray(start, start + length)).replace(/\0[\s\S]*$/, "")
}
