/** The options that only this build has. */

import type { BlobOptions, ConvertOptions, OpenOptions } from "../api/options.ts"

/** What can be asked of an input before anything of it is parsed. */
interface DigestOption {
  /**
   * The SHA-256 that the input must have: 64 hexadecimal digits. Another one is refused with `digest-mismatch` before
   * anything is parsed. It takes one more pass over the input, and what is parsed then is what was hashed: the same
   * open file, held against changes at the end.
   */
  readonly sha256?: string | undefined
}

/** How to open a checkpoint. */
export interface NodeOpenOptions extends OpenOptions, DigestOption {}

/** How to convert a checkpoint. */
export interface NodeConvertOptions extends ConvertOptions, DigestOption {}

/** How to convert a checkpoint to a Blob. */
export interface NodeBlobOptions extends BlobOptions, DigestOption {}
