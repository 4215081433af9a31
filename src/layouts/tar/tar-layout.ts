/** Tar archives: of torch 0.1, which are not read any more, and of any other files. */

import type { CheckpointContents, ReadingOptions } from "../../torch/checkpoint-contents.ts"
import type { Layout, LayoutFile, ListPickles } from "../layout.ts"
import { refusalBy } from "../other/other-layout.ts"
import { tarUnder } from "../two-formats.ts"
import { isTarHeader } from "./tar-headers.ts"

/** What Python's tarfile opens is a tar archive, whatever else it is. */
export const TAR_LAYOUT: Layout = {
  format: "tar",
  what: "a tar archive",
  recognise: isTarHeader,
  open: refuseTar,
}

/** What calls itself one and has a wrong checksum. */
export const BROKEN_TAR_LAYOUT: Layout = {
  format: "tar",
  what: "a tar archive",
  recognise: (head) => String.fromCharCode(...head.subarray(257, 262)) === "ustar",
  open: refuseTar,
}

async function refuseTar(file: LayoutFile, options: ReadingOptions): Promise<CheckpointContents> {
  const { format, what } = file.under
  if (format !== "tar" && format !== "unknown") throw tarUnder(what)
  throw await refusalBy("describeTar", file, options)
}

export const listTar: ListPickles = async (file, options, audit) =>
  (await import("../other/other-contents.ts")).auditTar(file, options, audit, refuseTar)
