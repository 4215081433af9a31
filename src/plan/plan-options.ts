/** What a caller can say about a plan. */

import type { NameFilter } from "./name-filter.ts"
import type { SharingPolicy } from "./resolve-sharing.ts"

/** How to plan. All fields may be left out. */
export interface TensorOptions {
  /** Only tensors that match are written. Default: all. */
  readonly include?: NameFilter | undefined
  /** Tensors that match are left out, also when `include` names them. Default: none. */
  readonly exclude?: NameFilter | undefined
  /** The name to write a tensor with. Default: its own. */
  readonly rename?: ((name: string) => string) | undefined
  /** What to do with names of one tensor. Default `"alias"`. */
  readonly shared?: SharingPolicy | undefined
  /** Where several names stand for one tensor, those that match are kept; before `rename`. Default: the first of each. */
  readonly keep?: NameFilter | undefined
  /** What to do with tensors that safetensors cannot hold: refuse them, or leave them out. Default `"error"`. */
  readonly unsupported?: "error" | "skip" | undefined
  /** Text to keep in the header. Default `{ format: "pt" }`, which loaders of transformers ask for. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Whether bytes are checked against the container's checksums. Default `"crc"`. */
  readonly verify?: "crc" | "none" | undefined
}

// Keys of the metadata that say something about the file and not about its tensors. Other names of a tensor stand
// beside them, and come from the checkpoint: no such name may be one of these, whether this file has the key or not.

/** What loaders of transformers ask for. */
export const FORMAT = "format"

/** What `--provenance` records. Nothing there depends on when or where the conversion was made. */
export const SOURCE_SHA256 = "source_sha256"
export const SOURCE_BYTES = "source_bytes"
export const CONVERTED_BY = "converted_by"

/** All of them. */
export const OWN_METADATA_KEYS: readonly string[] = [FORMAT, SOURCE_SHA256, SOURCE_BYTES, CONVERTED_BY]
