/** The fastest CRC-32 that the runtime has. */

import * as zlib from "node:zlib"
import type { Crc32 } from "../bytes/crc32.ts"
import { crc32 as portableCrc32 } from "../bytes/crc32.ts"

/** zlib's is five times as fast as the portable one; it answers 0 for no bytes, whatever came before. */
export const nodeCrc32: Crc32 =
  typeof zlib.crc32 === "function"
    ? (bytes, previous) => (bytes.byteLength === 0 ? previous : zlib.crc32(bytes, previous))
    : portableCrc32
