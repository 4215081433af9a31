/** What goes wrong where a browser reads and writes files, as the page shows it. The page and its worker both meet it. */

import type { Refusal } from "./protocol.ts"

/** What a browser throws where files are read and written, and what there is to do. */
const FILE_FAILURES: ReadonlyMap<string, Pick<Refusal, "code" | "message" | "nextStep">> = new Map([
  [
    "QuotaExceededError",
    {
      code: "write-failed",
      message: "there is not enough room where it should go",
      nextStep: "Make room on that disk, or save to another one.",
    },
  ],
  [
    "NotAllowedError",
    {
      code: "write-failed",
      message: "the browser does not let the page write there, or not any more",
      nextStep: "Save again and allow it, or choose another place.",
    },
  ],
  [
    "NoModificationAllowedError",
    {
      code: "write-failed",
      message: "something else is writing to that file",
      nextStep: "End that first, or choose another name.",
    },
  ],
  [
    "NotFoundError",
    {
      code: "write-failed",
      message: "the file or its folder is not there any more",
      nextStep: "Save again and choose another place.",
    },
  ],
  [
    "NotReadableError",
    {
      code: "read-failed",
      message: "the file cannot be read any more: it was changed, moved or taken away after it was opened",
      nextStep: "Close it and open it again.",
    },
  ],
])

/** Anything that was thrown and is none of the library's errors. */
export function failureOf(error: unknown): Refusal {
  const known = error instanceof DOMException ? FILE_FAILURES.get(error.name) : undefined
  if (known !== undefined) return { ...known, candidates: [] }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { code: "unexpected", message, nextStep: undefined, candidates: [] }
}
