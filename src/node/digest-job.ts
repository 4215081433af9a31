/** What passes between a digest and its thread. */

/** The file to hash: its descriptor, and how many bytes of it. */
export interface DigestJob {
  readonly descriptor: number
  readonly byteLength: number
}

/** The digest in lower-case hex; or how many bytes there were, when fewer than wanted; or why it failed. */
export type DigestAnswer =
  | { readonly sha256: string }
  | { readonly got: number }
  | { readonly failed: { readonly code: string | undefined; readonly message: string } }
