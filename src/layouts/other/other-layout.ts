/** Files of no layout that is known here. The row that takes what no other does. */

import type { Layout, ListPickles } from "../layout.ts"
import { refusing } from "./refuse.ts"

export const OTHER_LAYOUT: Layout = {
  format: "unknown",
  what: "something else",
  recognise: () => true,
  open: refusing("describeOther"),
}

/** Pickles of protocols 0 and 1 begin with any opcode. */
export const listOther: ListPickles = async (file, options, audit) =>
  (await import("./other-contents.ts")).auditOther(file, options, audit, OTHER_LAYOUT.open)
