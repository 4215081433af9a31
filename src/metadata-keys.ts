/**
 * Keys of the metadata that say something about the file and not about its tensors. Other names of a tensor stand
 * beside them, and come from the checkpoint: no such name may be one of these, whether this file has the key or not.
 */

/** What loaders of transformers ask for. */
export const FORMAT = "format"

/** What `--provenance` records. Nothing there depends on when or where the conversion was made. */
export const SOURCE_SHA256 = "source_sha256"
export const SOURCE_BYTES = "source_bytes"
export const CONVERTED_BY = "converted_by"

/** All of them. */
export const OWN_METADATA_KEYS: readonly string[] = [FORMAT, SOURCE_SHA256, SOURCE_BYTES, CONVERTED_BY]
