/** The files of a checkpoint with one tensor, `w` = [1, 2], as they lie in its archive or unpacked in a folder. */

import { text, torchArchive } from "../archive/zip-builder.ts"
import { pickle2 } from "../pickle/assemble.ts"

/** Its pickle. */
export const DATA_PKL: Uint8Array = pickle2(
  "EMPTY_DICT",
  ["BINUNICODE", "w"],
  ["GLOBAL", "torch._utils", "_rebuild_tensor_v2"],
  "MARK",
  "MARK",
  ["BINUNICODE", "storage"],
  ["GLOBAL", "torch", "FloatStorage"],
  ["BINUNICODE", "0"],
  ["BINUNICODE", "cpu"],
  ["BININT1", 2],
  "TUPLE",
  "BINPERSID",
  ["BININT1", 0],
  ["BININT1", 2],
  "TUPLE1",
  ["BININT1", 1],
  "TUPLE1",
  "NEWFALSE",
  ["GLOBAL", "collections", "OrderedDict"],
  "EMPTY_TUPLE",
  "REDUCE",
  "TUPLE",
  "REDUCE",
  "SETITEM",
)

/** By their names within the folder. */
export const CHECKPOINT_FILES: Readonly<Record<string, Uint8Array>> = {
  "data.pkl": DATA_PKL,
  byteorder: text("little"),
  "data/0": new Uint8Array(Float32Array.of(1, 2).buffer),
  version: text("3\n"),
}

/** The same files below `folder`. */
export function filesIn(folder: string): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(CHECKPOINT_FILES).map(([name, bytes]) => [`${folder}${name}`, bytes]),
  )
}

/** The archive. */
export const SMALL_CHECKPOINT: Uint8Array = torchArchive(filesIn("model/"))
