/** Pickles without a container. What they would be rebuilt from lies elsewhere or nowhere, so that none is opened. */

import type { Layout, ListPickles } from "../layout.ts"
import { refusalBy } from "../other/other-layout.ts"
import { refuseArchiveAtEnd } from "../two-formats.ts"

/** How pickles of protocol 2 and higher begin. */
const PROTO = 0x80
const HIGHEST_PROTOCOL = 5

export const PICKLE_LAYOUT: Layout = {
  format: "pickle",
  what: "a pickle",
  recognise: ([first, protocol = 255]) => first === PROTO && protocol <= HIGHEST_PROTOCOL,
  open: async (file, options) => {
    const refusal = await refusalBy("describePickle", file, options)
    // Of an archive whose first bytes were changed the end is no news.
    if (refusal.code !== "zip-signature")
      await refuseArchiveAtEnd(file.source, PICKLE_LAYOUT.what, options.signal)
    throw refusal
  },
}

export const listBarePickles: ListPickles = async (file, options, audit) =>
  (await import("../other/other-contents.ts")).auditOther(file, options, audit, PICKLE_LAYOUT.open)
