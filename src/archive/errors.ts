/** Errors of zip archives: what is broken, and what two programs would read in two ways. */

import { CRAFTED, DAMAGED, type FaultRow } from "../errors/error-row.ts"

/** The records at the end are missing, or do not say where the directory is. */
export const ZIP_END_RECORD: FaultRow<"zip-end-record"> = { code: "zip-end-record", next: DAMAGED }
/** There is more than one way to read the archive. */
export const ZIP_AMBIGUOUS: FaultRow<"zip-ambiguous"> = { code: "zip-ambiguous", next: CRAFTED }
/** A ZIP64 record or field is missing, stray, or contradicts the narrow one. */
export const ZIP64: FaultRow<"zip64"> = { code: "zip64", next: CRAFTED }
/** An entry of the directory cannot be read, or is of something that no checkpoint holds. */
export const ZIP_ENTRY: FaultRow<"zip-entry"> = { code: "zip-entry", next: DAMAGED }
/** A local header or descriptor contradicts the directory. */
export const ZIP_MISMATCH: FaultRow<"zip-mismatch"> = { code: "zip-mismatch", next: CRAFTED }
/** Bytes belong to no member, where something can be hidden. */
export const ZIP_GAP: FaultRow<"zip-gap"> = { code: "zip-gap", next: CRAFTED }
/** Two members share bytes. */
export const ZIP_OVERLAP: FaultRow<"zip-overlap"> = { code: "zip-overlap", next: CRAFTED }
/** Two members have one name, or names that other tools take for one. */
export const ZIP_DUPLICATE: FaultRow<"zip-duplicate"> = { code: "zip-duplicate", next: CRAFTED }
/** A member is encrypted, or has another flag that changes how it is read. */
export const ZIP_FLAGS: FaultRow<"zip-flags"> = { code: "zip-flags", next: CRAFTED }

/** A member is neither stored nor deflated. */
export const ZIP_METHOD: FaultRow<"zip-method"> = {
  code: "zip-method",
  next: "Repack the archive with the methods stored or deflate.",
}

/** A member's name is none that every tool reads alike and unpacks in place. */
export const ZIP_NAME: FaultRow<"zip-name"> = { code: "zip-name", next: CRAFTED }
