/** Files of other formats, and inputs that change while they are read. */

import type { ErrorCode } from "../../src/index.ts"
import { join } from "../archive/zip-builder.ts"
import { hex, latin1, littleEndian, pickle2 } from "../pickle/assemble.ts"
import { legacyFile } from "../torch/legacy-file.ts"
import type { HostileCase, MadeSource } from "./case.ts"
import { beside, checkpoint, PICKLE } from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

const file = (section: SectionId, name: string, code: ErrorCode, bytes: () => Uint8Array): HostileCase => ({
  name: `${section}: ${name}`,
  section,
  bytes,
  expect: { code },
})

const padded = (start: Uint8Array, length = 2048): Uint8Array => {
  const bytes = new Uint8Array(length).fill(0x20)
  bytes.set(start)
  return bytes
}

/** One header block of a tar file. */
function tar(name: string, magic: string): Uint8Array {
  const block = new Uint8Array(1536)
  block.set(latin1(name))
  block.set(latin1("0000644\0"), 100)
  block.set(latin1("00000000001\0"), 124)
  block.set(latin1(magic), 257)
  return block
}

const TARS: readonly HostileCase[] = [
  file("tar", "POSIX, as torch 0.1 wrote it", "unsupported-layout", () => tar("sys_info", "ustar\x0000")),
  file("tar", "GNU", "unsupported-layout", () => tar("storages", "ustar  \0")),
  file("tar", "with a pickle's magic as the name of its first member", "unsupported-layout", () =>
    tar("\x80\x02N.", "ustar\x0000"),
  ),
]

const other = (name: string, bytes: () => Uint8Array): HostileCase =>
  file("other-format", name, "not-a-checkpoint", bytes)

/** A format, and how its files begin. */
const SIGNATURES: readonly (readonly [name: string, start: string])[] = [
  ["gzip", "\x1f\x8b\x08"],
  ["bzip2", "BZh91AY"],
  ["xz", "\xfd7zXZ\0"],
  ["Zstandard", "\x28\xb5\x2f\xfd"],
  ["7z, which a scanner unpacks to disk", "7z\xbc\xaf\x27\x1c\0\x04"],
  ["RAR", "Rar!\x1a\x07"],
  ["NumPy", "\x93NUMPY\x01\0"],
  ["HDF5", "\x89HDF\r\n\x1a\n"],
  ["GGUF", "GGUF\x03\0\0\0"],
  ["GGML", "ggml\x01\0\0\0"],
  ["ONNX", "\x08\x07\x12\x07pytorch"],
  ["a web page", "<!DOCTYPE html><html><head>"],
  ["a web page in small letters", "<!doctype html>\n<html>"],
  ["a page that says access denied", "<html><body>403</body></html>"],
  ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:"],
  ["PDF", "%PDF-1.7"],
  ["JSON", '{"error": "Repository not found"}'],
  ["the preview format of PyTorch 1.0", "PYTORCH1"],
  ["text", "Entry not found"],
  ["ELF", "\x7fELF\x02\x01"],
  ["a Python file", "#!/usr/bin/env python\nimport torch\n"],
]

const OTHERS: readonly HostileCase[] = [
  ...SIGNATURES.map(([name, start]) => other(name, () => padded(latin1(start)))),
  other("nothing", () => hex("")),
  other("one byte", () => hex("80")),
  other("64 KiB of zeros", () => new Uint8Array(65_536)),
  other("64 KiB of ones", () => new Uint8Array(65_536).fill(0xff)),
  other("a plain pickle of protocol 2", () => pickle2("NONE")),
  other("a plain pickle of protocol 4 that runs code", () =>
    hex("8004 8c026f73 8c0673797374656d 93 8c026964 85 52 2e"),
  ),
  other("a plain pickle of protocol 0 that runs code", () => latin1("cos\nsystem\n(S'id'\ntR.")),
  other("a safetensors file", () => join(littleEndian(8, 8), latin1('{"a":1} '))),
  other("an empty zip archive", () => join(latin1("PK\x05\x06"), new Uint8Array(18))),
  other("a legacy file without its first byte", () => legacyFile().subarray(1)),
  file("other-format", "a checkpoint whose first bytes are exchanged", "zip-signature", () => {
    const bytes = checkpoint(beside(["NONE"]))
    bytes.set(latin1("KP"))
    return bytes
  }),
]

/** A source over a good checkpoint that does something else than read it. */
function changing(
  name: string,
  code: ErrorCode,
  change: Partial<MadeSource> & { from?: number },
  within?: string,
): HostileCase {
  const { from = Number.POSITIVE_INFINITY, ...members } = change
  return {
    name: `input-changes: ${name}`,
    section: "input-changes",
    bytes: () => {
      const bytes = checkpoint(beside(["NONE"]))
      const source: MadeSource = {
        byteLength: bytes.length,
        fingerprint: name,
        // From `from` on, the file has been cut.
        read: async (offset, length) => bytes.subarray(offset, Math.min(offset + length, from)),
      }
      return { ...source, ...members }
    },
    expect: { code, within },
    whileMoving: true,
  }
}

const WHOLE = checkpoint(beside(["NONE"]))
const PICKLE_AT = 64
const STORAGE_AT = WHOLE.findIndex(
  (byte, i) => byte === 0 && WHOLE[i + 2] === 0x80 && WHOLE[i + 3] === 0x3f && i % 64 === 0,
)

const CHANGES: readonly HostileCase[] = [
  changing("cut to nothing", "truncated", { from: 0 }),
  changing("cut in its pickle", "truncated", { from: PICKLE_AT + 40 }),
  changing("longer than it says", "zip-end-record", { byteLength: WHOLE.length - 1 }),
  changing("shorter than it says", "truncated", { byteLength: WHOLE.length + 1000 }),
  changing("reads that fail", "read-failed", {
    read: async () => {
      throw new Error("the disk is gone")
    },
  }),
  changing("reads that give a byte too many", "read-failed", {
    read: async (offset, length) => WHOLE.subarray(offset, offset + length + 1),
  }),
  changing("reads into memory that give nothing", "truncated", { readInto: async () => 0 }),
  changing("a change that the source itself notices", "input-changed", {
    assertUnchanged: async () => {
      const { CheckpointError } = await import("../../src/index.ts")
      // As a source of the caller's may say it.
      const changed = { code: "input-changed", next: "Convert it again." } as const
      throw new CheckpointError(changed, { problem: "it was written to" })
    },
  }),
  changing(
    "another storage, once it has been opened",
    "checksum",
    {
      read: async (offset, length) => {
        const part = WHOLE.slice(offset, offset + length)
        if (offset === STORAGE_AT) part[0] = 0xff
        return part
      },
    },
    "archive/data/0",
  ),
  changing(
    "another pickle than its checksum says",
    "checksum",
    {
      read: async (offset, length) => {
        const part = WHOLE.slice(offset, offset + length)
        if (offset === PICKLE_AT) part[5] = 0xff
        return part
      },
    },
    PICKLE,
  ),
]

/** Every case of this file. */
export const CONTAINERS: readonly HostileCase[] = [...TARS, ...OTHERS, ...CHANGES]
