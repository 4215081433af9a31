/** What the operating system's errors mean, in words. */

import { READ_FAILED, WRITE_FAILED } from "../bytes/errors.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { foreignReason } from "../errors/error-row.ts"

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EBUSY", "it is in use"],
  ["EDQUOT", "the disk quota is used up"],
  ["EEXIST", "it exists already"],
  ["EFBIG", "the file would be larger than is allowed"],
  ["EIO", "the disk reported an error"],
  ["EISDIR", "it is a folder"],
  ["ELOOP", "too many symbolic links"],
  ["EMFILE", "too many open files"],
  ["ENAMETOOLONG", "the name is too long"],
  ["ENOENT", "there is no such file or folder"],
  ["ENOSPC", "the disk is full"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EPIPE", "whoever reads the output has stopped reading"],
  ["EPERM", "the operation is not permitted"],
  ["EROFS", "the file system is read-only"],
])

/** The `code` of a system error, such as `ENOENT`; undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" ? code : undefined
}

/** A few words for a message, with the code that can be searched for. */
export function reasonOf(error: unknown): string {
  const code = systemCode(error)
  const words = code === undefined ? undefined : REASONS.get(code)
  if (words !== undefined) return `${words} (${code})`
  return foreignReason(error)
}

/** The system failed to read the input, which is at `path` if it is a file. */
export function readFailed(path: string | undefined, cause: unknown): CheckpointError<"read-failed"> {
  return new CheckpointError(READ_FAILED, failureOf(path, cause), { cause })
}

/** The system failed to write the output. */
export function writeFailed(path: string | undefined, cause: unknown): CheckpointError<"write-failed"> {
  return new CheckpointError(WRITE_FAILED, failureOf(path, cause), { cause })
}

function failureOf(path: string | undefined, cause: unknown): { path?: string; reason: string } {
  return { ...(path === undefined ? {} : { path }), reason: reasonOf(cause) }
}

/** A system that takes no bytes and reports no error would be asked for ever. */
export const NOTHING_TAKEN = "the system took no bytes and gave no reason"
