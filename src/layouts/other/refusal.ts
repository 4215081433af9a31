/** What is found out about a file that is no checkpoint, and what finding it out takes. */

import type { ByteSource } from "../../bytes/byte-source.ts"
import type { HeldFile } from "../../torch/errors.ts"

/** An opcode after the other, as `PickleDecoder` reads them. */
export interface OpcodeReader {
  readonly operand: unknown
  next(): { readonly name: string }
}

/** The parts of the library that are loaded already, which this file would bring copies of. */
export interface LoadedParts {
  /** Reads the opcodes of bytes from their beginning. */
  readonly readOpcodes: (bytes: Uint8Array) => OpcodeReader
  /** Opens a zip archive; throws when it is none that has one reading. */
  readonly listZip: (source: ByteSource) => Promise<readonly HeldFile[]>
  readonly signal: AbortSignal | undefined
}
