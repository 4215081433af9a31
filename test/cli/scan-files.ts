/** Files to scan, hostile ones among them. None of them does anything: they are lists of opcodes. */

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { buildZip, type MemberSpec, torchArchive } from "../archive/zip-builder.ts"
import { assemble, type Part, pickle2, pickle5 } from "../pickle/assemble.ts"
import { storage, vector } from "../torch/legacy-file.ts"
import { ORACLE } from "./run.ts"

export const fixture = (name: string): string => join(ORACLE, name)

const command: readonly Part[] = [["BINUNICODE", "echo scanned"], "TUPLE1", "REDUCE"]

/** `os.system("echo scanned")`. */
export const SYSTEM: Uint8Array = pickle2(["GLOBAL", "posix", "system"], ...command)

/** The same by STACK_GLOBAL, its names from the memo. */
export const STACKED: Uint8Array = pickle5(
  ["SHORT_BINUNICODE", "builtins"],
  "MEMOIZE",
  ["SHORT_BINUNICODE", "eval"],
  "MEMOIZE",
  "POP",
  "POP",
  ["BINGET", 0],
  ["BINGET", 1],
  "STACK_GLOBAL",
  ...command,
)

/** Protocol 0, which has no signature: `(S'echo scanned'\nios\nsystem\n.` */
export const INSTANCE: Uint8Array = assemble(
  "MARK",
  ["STRING", "'echo scanned'"],
  ["INST", "os", "system"],
  "STOP",
)

/** Names of a global that a terminal would obey. */
export const ESCAPES: Uint8Array = pickle2([
  "GLOBAL",
  "\u001b[31mred\u009b1A\r",
  "\u0007bell\u001b]0;title\u0007",
])

/** A checkpoint with one tensor. */
export const OBJECT: Uint8Array = pickle2(
  ...["EMPTY_DICT", "MARK", ["BINUNICODE", "w"] as const, vector(storage("0", 2, []), 2), "SETITEMS"],
)

/** An archive as torch writes it, with more or other members. */
export function archive(members: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  return torchArchive({
    "archive/data.pkl": OBJECT,
    "archive/data/0": new Uint8Array(8),
    "archive/version": Buffer.from("3\n"),
    ...members,
  })
}

/** An archive of two members with one name: readers disagree on which counts. */
export function twofold(): Uint8Array {
  const members: readonly MemberSpec[] = [
    { name: "archive/data.pkl", data: OBJECT },
    { name: "archive/data.pkl", data: SYSTEM },
  ]
  return buildZip({ members })
}

/** A payload in a stream that breaks off after it: whoever stops at the first error has run it. */
export function sandwich(payload: Uint8Array): Uint8Array {
  return Buffer.concat([payload.subarray(0, -1), Uint8Array.of(0xff, 0xff)])
}

/** Writes the files and gives a way to their paths. */
export function scanFolder(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
): (name: string) => string {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  return (name) => `${folder}/${name}`
}
