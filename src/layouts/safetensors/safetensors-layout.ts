/** Safetensors files: there is nothing to convert in one. An audit holds it against the rules of the format. */

import { quoteText } from "../../text/quote-text.ts"
import type { Layout, ListPickles } from "../layout.ts"
import { refusing } from "../other/other-layout.ts"
import { formatsUnderSafetensors } from "../two-formats.ts"

export const SAFETENSORS_LAYOUT: Layout = {
  format: "safetensors",
  what: "a safetensors file",
  /** A length of 64 bits that fits the file, then an object. */
  recognise: (head, byteLength) => {
    if (head.byteLength < 10 || head[8] !== 0x7b) return false
    const headerLength = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true)
    return headerLength >= 2n && headerLength <= BigInt(byteLength - 8)
  },
  open: refusing("describeSafetensors"),
}

/** A header holds none, but what the file is to other programs may. */
export const listSafetensors: ListPickles = async ({ source }, { limits, signal }, audit) => {
  // Whoever scans means checkpoints, mostly.
  const { checkSafetensors } = await import("../../safetensors/read-header.ts")
  const { findings } = await checkSafetensors(source, { limits, ...(signal === undefined ? {} : { signal }) })
  for (const { rule, severity, tensor, at, problem } of findings) {
    const where = { ...(tensor === undefined ? {} : { within: tensor }), ...(at === undefined ? {} : { at }) }
    const name = tensor === undefined ? "" : `${quoteText(tensor)}: `
    const message = name + problem + (at === undefined ? "" : ` (byte ${at})`)
    audit.add({ severity, code: rule, message, ...where })
  }
  for (const message of await formatsUnderSafetensors(source, { limits, signal }))
    audit.add({ severity: "error", code: "two-formats", message })
  return undefined
}
