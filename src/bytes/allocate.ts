/** Memory whose size depends on a file. That there is not enough of it is no defect, and has a code. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import { READ_FAILED } from "./errors.ts"

/** `byteLength` zeros. @throws `read-failed` when the engine has no room for them. */
export function allocate(byteLength: number, within: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength)
  } catch (cause) {
    const reason = `there is no memory for ${byteLength} bytes of ${within}`
    throw new CheckpointError(READ_FAILED, { reason }, { cause })
  }
}
