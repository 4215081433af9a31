/** The header that says which bytes of which whole an answer holds. RFC 9110, 14.4. */

import { toSafeInteger } from "../bytes/checked-integers.ts"

/** Bytes `[offset, offset + length)` of `byteLength`; no offset and length where the range could not be satisfied. */
export interface ContentRange {
  readonly range: { readonly offset: number; readonly length: number } | undefined
  readonly byteLength: number
}

const SATISFIED = /^bytes ([0-9]{1,19})-([0-9]{1,19})\/([0-9]{1,19})$/i
const UNSATISFIED = /^bytes \*\/([0-9]{1,19})$/i

/** Undefined for what is no such header, or does not say how long the whole is, or says what cannot be. */
export function parseContentRange(text: string | null): ContentRange | undefined {
  const [, whole] = UNSATISFIED.exec(text ?? "") ?? []
  const unsatisfied = toNumber(whole)
  if (unsatisfied !== undefined) return { range: undefined, byteLength: unsatisfied }
  const [first, last, byteLength] = (SATISFIED.exec(text ?? "") ?? []).slice(1).map(toNumber)
  if (first === undefined || last === undefined || byteLength === undefined) return undefined
  if (first > last || last >= byteLength) return undefined
  return { range: { offset: first, length: last - first + 1 }, byteLength }
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : toSafeInteger(BigInt(digits))
}
