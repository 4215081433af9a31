/** Files of no layout that is known here. The row that takes what no other does. */

import { readZip } from "../../archive/read-zip.ts"
import type { CheckpointError } from "../../errors/checkpoint-error.ts"
import { PickleDecoder } from "../../pickle/decode.ts"
import type { ReadingOptions } from "../../torch/checkpoint-contents.ts"
import type { Layout, LayoutFile, ListPickles, LoadedParts } from "../layout.ts"

export const OTHER_LAYOUT: Layout = {
  format: "unknown",
  what: "something else",
  recognise: () => true,
  open: refusing("describeOther"),
}

/** Pickles of protocols 0 and 1 begin with any opcode. */
export const listOther: ListPickles = async (file, options, audit) =>
  (await import("./other-contents.ts")).auditOther(file, options, audit, OTHER_LAYOUT.open)

/** What can be said, in a file that is loaded when it is needed: what is opened is a checkpoint, mostly. */
type Describe = "describeTar" | "describePickle" | "describeSafetensors" | "describeOther"

/** What to refuse `file` with. */
export async function refusalBy(
  describe: Describe,
  file: LayoutFile,
  { limits, signal }: ReadingOptions,
): Promise<CheckpointError> {
  const parts: LoadedParts = {
    signal,
    readOpcodes: (bytes) => new PickleDecoder(bytes, "pickle", limits),
    listZip: async (source) => (await readZip(source, limits, signal)).entries.values(),
  }
  return await (await import("./describe-file.ts"))[describe](file, parts)
}

/** `open` of a layout that is not opened. */
/* @__NO_SIDE_EFFECTS__ */
export function refusing(describe: Describe): Layout["open"] {
  return async (file, options) => {
    throw await refusalBy(describe, file, options)
  }
}
