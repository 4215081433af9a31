/** The options that only this build has. */

import type { BlobOptions, ConvertOptions, OpenOptions, ScanOptions } from "../api/options.ts"

/** What can be asked of an input before anything of it is parsed. */
interface DigestOption {
  /**
   * The SHA-256 that the input must have: 64 hexadecimal digits. Another one is refused with `digest-mismatch` before
   * anything is parsed, and what is parsed then is what was hashed. A file takes one more pass: it stays open, and is
   * checked for changes at the end. Bytes in memory are copied; all else, which may answer otherwise the second time
   * (URLs, sources of your own, Blobs), is taken into a temporary file first, as streams are.
   */
  readonly sha256?: string | undefined
}

/** How to open a checkpoint. */
export interface NodeOpenOptions extends OpenOptions, DigestOption {}

/** How to scan a file. */
export interface NodeScanOptions extends ScanOptions, DigestOption {}

/** How to convert a checkpoint. */
export interface NodeConvertOptions extends ConvertOptions, DigestOption {}

/** How to convert a checkpoint to a Blob. */
export interface NodeBlobOptions extends BlobOptions, DigestOption {}
