/** The frame of a safetensors file: a length, that many bytes of JSON, and tensor data up to the end of the file. */

/** The header's length comes first, as an unsigned 64-bit little-endian integer. */
export const LENGTH_PREFIX_BYTES = 8

/** The one key of a header that names no tensor. */
export const METADATA_KEY = "__metadata__"
