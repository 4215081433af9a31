import { describe, expect, it } from "vitest"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { HEAD_BYTES } from "../../src/layouts/layout.ts"
import { looksLike } from "../../src/layouts/other/signatures.ts"
import { layoutOf, readCheckpoint } from "../../src/layouts/table.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { assemble, hex, join, latin1, littleEndian, pickle2 } from "../pickle/assemble.ts"
import { refusedAsync } from "../torch/support.ts"

const MAGIC = 0x1950a86a20f9469cfc6cn

function sniff(bytes: Uint8Array): string {
  const head = bytes.subarray(0, HEAD_BYTES)
  const { format, what } = layoutOf(head, bytes.length)
  if (["zip", "legacy", "tar"].includes(format)) return format
  return format === "unknown" ? looksLike(head, bytes.length).looksLike : what
}

/** A safetensors file with a header of that many bytes. */
function safetensors(headerBytes: number): Uint8Array {
  return join([littleEndian(headerBytes, 8), latin1("{}".padEnd(headerBytes, " "))])
}

describe("checkpoints", () => {
  it("are zip archives", () => {
    expect(sniff(hex("50 4b 03 04 00 00"))).toBe("zip")
  })

  it("or begin with the magic number of torch.save", () => {
    for (const protocol of [2, 3]) {
      expect(sniff(assemble(["PROTO", protocol], ["LONG1", MAGIC], "STOP"))).toBe("legacy")
    }
    for (const protocol of [4, 5]) {
      expect(sniff(assemble(["PROTO", protocol], ["FRAME", 13], ["LONG1", MAGIC], "STOP"))).toBe("legacy")
    }
  })

  it("or are tar archives of torch 0.1", () => {
    const tar = new Uint8Array(1024)
    tar.set(latin1("sys_info"))
    tar.set(latin1("ustar"), 257)
    expect(sniff(tar)).toBe("tar")
  })

  it.each<[what: string, bytes: Uint8Array]>([
    ["one more", pickle2(["LONG1", MAGIC + 1n])],
    [
      "computed",
      pickle2(["GLOBAL", "builtins", "eval"], ["BINUNICODE", "119547037146038801333356"], "TUPLE1", "REDUCE"),
    ],
    ["a float", pickle2(["BINFLOAT", Number(MAGIC)])],
    ["in LONG4", pickle2(["LONG4", MAGIC])],
    ["in eleven bytes", pickle2(["LONG1", join([littleEndian(MAGIC, 10), hex("00")])])],
    ["with its memo", pickle2(["LONG1", MAGIC], ["BINPUT", 0])],
  ])("but not by any other way of writing the number: %s", (_, bytes) => {
    expect(sniff(bytes)).toBe("a pickle")
  })
})

describe("other files", () => {
  it.each<[name: string, bytes: Uint8Array]>([
    ["an empty file", hex("")],
    ["a file of zeros", new Uint8Array(70_000)],
    ["a file of zeros", hex("00")],
    ["gzip", hex("1f 8b 08 00")],
    ["bzip2", latin1("BZh91AY&SY")],
    ["xz", hex("fd 37 7a 58 5a 00")],
    ["Zstandard", hex("28 b5 2f fd")],
    ["7z", hex("37 7a bc af 27 1c")],
    ["RAR", latin1("Rar!\x1a\x07\x00")],
    ["NumPy", latin1("\x93NUMPY\x01\x00")],
    ["HDF5", hex("89 48 44 46 0d 0a 1a 0a")],
    ["GGUF", latin1("GGUF\x03\x00\x00\x00")],
    ["GGML", latin1("ggml")],
    ["Git LFS pointer", latin1("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")],
    ["web page", latin1("<!DOCTYPE html><html>")],
    ["web page", latin1("<!doctype html>")],
    ["web page", latin1("<html lang=en>")],
    ["empty zip", hex("50 4b 05 06")],
    ["PDF", latin1("%PDF-1.7")],
    ["JSON", latin1('{"weight_map": {}}')],
    ["PyTorch 1.0", latin1("PYTORCH1")],
    ["safetensors", safetensors(64)],
    ["safetensors", safetensors(2)],
    ["safetensors", safetensors(0x7b)],
    ["a pickle", pickle2("NONE")],
    ["a pickle", hex("80 05")],
    ["text file", latin1("epoch 1\tloss 0.5\r\n")],
    ["no format that is known here", hex("80 06 4e 2e")],
    ["no format that is known here", hex("50 4b 30 30 50 4b 03 04")],
    ["no format that is known here", hex("ff")],
  ])("%s", (name, bytes) => {
    expect(sniff(bytes)).toContain(name)
  })

  it("are no safetensors when the length does not fit", () => {
    for (const length of [0n, 1n, 58n, 2n ** 53n, 2n ** 63n]) {
      const bytes = join([littleEndian(length, 8), latin1("{}".padEnd(57, " "))])
      expect(sniff(bytes)).toBe("no format that is known here")
    }
  })
})

describe("readCheckpoint", () => {
  const read = (bytes: Uint8Array) =>
    readCheckpoint(storeOfOne(memorySource(bytes)), {
      limits: DEFAULT_LIMITS,
      crc32: () => 0,
      signal: undefined,
      byteOrder: undefined,
    })

  it("refuses what it has no reader for, by name", async () => {
    const tar = new Uint8Array(1024)
    tar.set(latin1("ustar"), 257)
    expect(await refusedAsync(read(tar))).toMatchObject({ code: "unsupported-layout" })
    expect(await refusedAsync(read(latin1("GGUF")))).toMatchObject({
      code: "not-a-checkpoint",
      detail: { looksLike: "a GGUF file (llama.cpp)" },
    })
    expect(await refusedAsync(read(hex("")))).toMatchObject({ code: "not-a-checkpoint" })
  })

  it("stops when it is told to", async () => {
    const controller = new AbortController()
    const reason = new Error("no longer wanted")
    controller.abort(reason)
    const options = {
      limits: DEFAULT_LIMITS,
      crc32: () => 0,
      signal: controller.signal,
      byteOrder: undefined,
    }
    await expect(readCheckpoint(storeOfOne(memorySource(latin1("GGUF"))), options)).rejects.toBe(reason)
  })
})
