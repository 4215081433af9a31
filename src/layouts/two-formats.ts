/**
 * What a file is besides what its first bytes say. A file that two programs take for two things passes one of them as
 * harmless and runs in the other, so it is refused.
 */

import { endsInZip } from "../archive/end-records.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { Limits } from "../limits/limits.ts"
import { listWindows } from "../pickle/list-pickles.ts"
import { quoteText } from "../text/quote-text.ts"
import { TWO_FORMATS, UNSUPPORTED_LAYOUT } from "../torch/errors.ts"
import { HEAD_BYTES } from "./layout.ts"
import { isTarHeader } from "./tar/tar-headers.ts"

/**
 * Bytes of a safetensors file that are followed as a pickle. The lengths that writers give a header decode to a few
 * opcodes at most; what goes on for so long was made to.
 */
const MOST_FOLLOWED_BYTES = 1024 * 1024

interface LookingOptions {
  readonly limits: Limits
  readonly signal?: AbortSignal | undefined
}

/** @throws `two-formats` for a file that is `what` and ends in a zip archive as well. */
export async function refuseArchiveAtEnd(
  source: ByteSource,
  what: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!(await endsInZip(source, signal))) return
  throw new CheckpointError(TWO_FORMATS, { at: source.byteLength, problem: `${what} that ${ZIP_AT_END}` })
}

/** The refusal of a tar archive that begins as `what`. */
export function tarUnder(what: string): CheckpointError {
  return new CheckpointError(UNSUPPORTED_LAYOUT, { layout: `${what} that is ${TAR_TOO}`, problem: MADE_SO })
}

const TAR_TOO = "a tar archive as well"

const MADE_SO =
  "where a file is no zip archive torch.load tries tar first and unpickles members of it, and other programs may open it so"

const ZIP_AT_END =
  "ends in a zip archive, which is what Python's zipfile, unzip and others read of such a file"

/** What a safetensors file is to other programs; nothing when it is what it says. Reads its head and its last 64 KiB. */
export async function formatsUnderSafetensors(
  source: ByteSource,
  { limits, signal }: LookingOptions,
): Promise<readonly string[]> {
  const found: string[] = []
  const head = await readExactly(
    source,
    { offset: 0, length: Math.min(HEAD_BYTES, source.byteLength) },
    signal,
  )
  if (isTarHeader(head)) found.push(`the file is ${TAR_TOO}: ${MADE_SO}`)
  const pickle = await pickleUnder(source, { limits, signal })
  if (pickle !== undefined) found.push(pickle)
  if (await endsInZip(source, signal)) found.push(`the file ${ZIP_AT_END}`)
  return found
}

/** The length of the header is eight bytes that may be opcodes, and a line of text among them may reach over the header. */
async function pickleUnder(
  source: ByteSource,
  { limits, signal }: LookingOptions,
): Promise<string | undefined> {
  let first = ""
  const { row } = await listWindows({
    ...{ within: "file", limits, byteLength: source.byteLength, most: MOST_FOLLOWED_BYTES, signal },
    // Nobody who opens such a file as a pickle knows of persistent ids: pickle.load and torch.load's first do not.
    hasPersistentIds: false,
    read: (length) => {
      first = ""
      return readExactly(source, { offset: 0, length }, signal)
    },
    onMention: (mention) => {
      if (first === "" && mention.isReached) first = `${mention.module}.${mention.name}`
      return mention
    },
  })
  if (row.looksUp)
    return `the file is a pickle too: pickle.load and torch.load would look up ${quoteText(first)}`
  return row.isOpen || row.fault !== undefined
    ? "the file may be a pickle too: its first bytes are opcodes, and they go on where weights are"
    : undefined
}
