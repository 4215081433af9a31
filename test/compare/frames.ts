/** The frames of protocols 4 and 5 around a pickle: right, or as only one of CPython's readers takes them. */

import { assemble, join } from "../pickle/assemble.ts"
import type { Making } from "./checkpoint.ts"
import type { Parts } from "./pickle-parts.ts"

/** The pickle of an object: its protocol, frames where there are any, STOP. */
export function closeFrames(making: Making, object: Parts): Uint8Array {
  const { protocol, random } = making
  const head = assemble(["PROTO", protocol])
  const after = making.odd("bytes after STOP", 0.01) ? assemble("NONE") : assemble()
  if (protocol < 4 || random.chance(0.1)) return join([head, assemble(...object, "STOP"), after])
  const body = assemble(...object, "STOP")
  if (making.odd("frame: one byte longer than what there is", 0.03)) {
    return join([head, assemble(["FRAME", body.length + 1]), body])
  }
  if (making.odd("frame: one byte shorter", 0.03)) {
    return join([head, assemble(["FRAME", body.length - 1]), body, after])
  }
  if (making.odd("frame: ends anywhere", 0.3)) {
    return join([head, assemble(["FRAME", random.below(body.length)]), body, after])
  }
  if (making.odd("frame: within a frame", 0.05)) {
    return join([head, assemble(["FRAME", body.length + 9], ["FRAME", body.length]), body, after])
  }
  // Two frames, cut between two opcodes.
  const cut = random.below(object.length)
  const first = assemble(...object.slice(0, cut))
  const second = assemble(...object.slice(cut), "STOP")
  const frames = [assemble(["FRAME", first.length]), first, assemble(["FRAME", second.length]), second]
  return join([head, ...frames, after])
}
