/** Compressed streams, as joblib writes them. */

import { deflateSync, gzipSync } from "node:zlib"

export const gzipped = (bytes: Uint8Array): Uint8Array => gzipSync(bytes)
export const zlibbed = (bytes: Uint8Array): Uint8Array => deflateSync(bytes)
