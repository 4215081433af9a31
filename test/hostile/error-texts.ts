/** Text of a file that would move a cursor, colour a terminal, turn a line around or fill a screen. */

import type { ErrorCode } from "../../src/index.ts"
import type { Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  call,
  dict,
  global,
  HERE,
  refusePickle,
  stateDict,
  storage,
  tensor,
  text,
} from "./checkpoint-parts.ts"
import { treeOf } from "./names.ts"

/** Text of a file that would move a cursor, colour a terminal, turn a line around or fill a screen. */
const NASTY = "\u001b[2J\u001b]0;title\u0007\r\n\u202egnp.exe\u2066\u200b\u0085\u2028\ufeff"

const bad = (what: string, code: ErrorCode, pickle: readonly Part[]): HostileCase =>
  refusePickle("error-text", what, code, pickle)

const ERROR_ROWS: readonly HostileCase[] = [
  bad("in the name of a tensor", "name-encoding", stateDict([[text(`${NASTY}\0`)], tensor()])),
  bad(
    "in the names of two",
    "name-duplicate",
    treeOf([
      [text(`${NASTY}.a`), "tensor"],
      [text(NASTY), [[text("a"), "tensor"]]],
    ]),
  ),
  bad(
    "in the path to a tensor",
    "name-type",
    stateDict([[text("a")], tensor()], [[text(NASTY)], dict([[global("torch", "float32")], tensor()])]),
  ),
  bad(
    "in the key of a storage",
    "storage-key",
    stateDict([[text("a")], tensor({ storage: storage({ key: [text(NASTY)] }, HERE) })]),
  ),
  bad(
    "in the tag of a persistent id",
    "storage-reference",
    stateDict([[text("a")], tensor({ storage: storage({ tag: [text(NASTY)] }, HERE) })]),
  ),
  bad(
    "in the metadata of a tensor",
    "tensor-metadata",
    stateDict([[text("a")], tensor({ more: [dict([[text(NASTY)], ["NONE"]])] }, HERE)]),
  ),
  bad("in a global, by STACK_GLOBAL", "global-not-allowed", [
    ["PROTO", 4],
    text(NASTY),
    text(NASTY),
    HERE,
    "STACK_GLOBAL",
    "STOP",
  ]),
  bad(
    "in the path to a global",
    "global-not-allowed",
    stateDict([[text(NASTY)], dict([[text(NASTY)], [HERE, global("os", "system")]])]),
  ),
  bad("in the name of a tensor that safetensors cannot hold", "tensor-unsupported", [
    ...stateDict([[text(NASTY)], call(global("torch._utils", "_rebuild_sparse_tensor"), ["NONE"])]),
  ]),
  bad("in the candidates for a root", "root-ambiguous", [
    ...stateDict(
      [[text(NASTY)], dict([[text("a")], tensor()])],
      [[text("b")], dict([[text("a")], tensor()])],
    ),
  ]),
  bad("100,000 characters of it", "storage-key", [
    ...stateDict([[text("a")], tensor({ storage: storage({ key: [text(NASTY.repeat(4000))] }, HERE) })]),
  ]),
  refusePickle("error-text", "in the byte order", "byte-order", stateDict([[text("a")], tensor()]), {
    byteOrder: "\u001b[2J\u009b",
  }),
]

/** Every case of this file. */
export const ERROR_TEXT_CASES: readonly HostileCase[] = [...ERROR_ROWS]
