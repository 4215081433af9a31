/** Files that two programs take for two things. */

import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join as joinPath } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { checkSafetensors, scan, toSafetensorsBytes } from "../../src/index.ts"
import { isTarHeader } from "../../src/layouts/tar/tar-headers.ts"
import { buildZip } from "../archive/zip-builder.ts"
import { assemble, hex, join, latin1, littleEndian, pickle2, repeat } from "../pickle/assemble.ts"
import { keyList, legacyFile, storage, text, vector } from "../torch/legacy-file.ts"

const ZIP = buildZip({ members: [{ name: "m/data.pkl", data: latin1("cos\nsystem\n.") }] })
const EVIL = latin1("cos\nsystem\n(S'true'\ntR.")

/** The checksum of a tar header, in the field of `block`, written by `show`. */
function withChecksum(
  block: Uint8Array,
  show = (sum: number) => `${sum.toString(8).padStart(6, "0")}\0 `,
): Uint8Array {
  const bytes = block.slice()
  bytes.set(latin1("        "), 148)
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  bytes.set(latin1(show(sum).padEnd(8, "\0")), 148)
  return bytes
}

function tarHeader(magic: string): Uint8Array {
  const block = new Uint8Array(512)
  const put = (at: number, value: string): void => block.set(latin1(value), at)
  put(0, "storages")
  put(100, "0000644\0")
  put(124, "00000000001\0")
  put(136, "00000000000\0")
  put(156, "0")
  put(257, magic)
  return withChecksum(block)
}

/** A legacy file whose first 512 bytes are a tar header: the system info holds a text over the field. */
function legacyTar(): Uint8Array {
  const info = pickle2(
    "EMPTY_DICT",
    ["BINUNICODE", "little_endian"],
    "NEWTRUE",
    "SETITEM",
    ["BINUNICODE", "x"],
    ["BINUNICODE", " ".repeat(600)],
    "SETITEM",
  )
  return withChecksum(legacyFile({ info }))
}

function safetensors(header: Uint8Array, data: Uint8Array): Uint8Array {
  return join([littleEndian(header.length, 8), header, data])
}

/** A header of `length` bytes for a tensor of `size` bytes, which ends in `end`. */
function header(size: number, length: number, end = "}"): Uint8Array {
  const json = `{"w":{"dtype":"U8","shape":[${size}],"data_offsets":[0,${size}]}`
  return latin1(json.padEnd(length - end.length, " ") + end)
}

/** The same with a text of metadata over the field of tar's checksum. */
function textHeader(size: number): Uint8Array {
  return latin1(
    `{"__metadata__":{"x":"${" ".repeat(600)}"},${String.fromCharCode(...header(size, 100)).slice(1)}`,
  )
}

/** A legacy file with these bytes as its one storage. */
function legacyOver(bytes: Uint8Array): Uint8Array {
  const count = bytes.length / 4
  const object = pickle2("EMPTY_DICT", text("w"), vector(storage("0", count), count), "SETITEM")
  return legacyFile({ object, keys: keyList("0"), storages: [[count, bytes]] })
}

async function refusedBy(bytes: Uint8Array): Promise<readonly string[]> {
  const report = await scan(bytes)
  expect(report.verdict).toBe("refused")
  const error: unknown = await toSafetensorsBytes(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeDefined()
  return [
    ...report.findings.filter(({ severity }) => severity === "error").map(({ code }) => code),
    String((error as { code: string }).code),
  ]
}

describe("tar", () => {
  it.each(["ustar\x0000", "ustar  \0", "", "xyzzy"])(
    "is told by its checksum, with %j for magic",
    async (magic) => {
      const bytes = join([tarHeader(magic), new Uint8Array(1536)])
      expect(isTarHeader(bytes)).toBe(true)
      expect((await scan(bytes)).format).toBe("tar")
      expect(await refusedBy(bytes)).toEqual(["unsupported-layout", "unsupported-layout"])
    },
  )

  it("under a legacy checkpoint, a zip archive, a pickle or safetensors is refused as tar", async () => {
    const under = [
      legacyTar(),
      withChecksum(join([latin1("PK\x03\x04"), new Uint8Array(600).fill(0x41)])),
      withChecksum(pickle2(["BINUNICODE", "x".repeat(600)])),
      withChecksum(safetensors(textHeader(8), new Uint8Array(8)), (sum) => sum.toString(8).padStart(8, "0")),
    ]
    for (const bytes of under)
      expect(await refusedBy(bytes)).toEqual(["unsupported-layout", "unsupported-layout"])
    await expect(toSafetensorsBytes(legacyTar())).rejects.toThrow(
      /legacy checkpoint that is a tar archive as well/,
    )
    const { valid, findings } = await checkSafetensors(under[3] as Uint8Array)
    expect({ valid, findings }).toMatchObject({
      valid: true,
      findings: [{ rule: "two-formats", severity: "warning" }],
    })
  })

  it.each<[what: string, show: (sum: number) => string]>([
    ["blanks before", (sum) => `  ${sum.toString(8)}\0`],
    ["blanks behind", (sum) => `${sum.toString(8)}    `],
    ["a sign", (sum) => `+${sum.toString(8)}\0`],
    ["a prefix", (sum) => `0o${sum.toString(8)}\0`],
    ["an underscore", (sum) => `${sum.toString(8).replace(/(.)$/, "_$1")}\0`],
    ["base 256", (sum) => `\x80\0\0\0\0${String.fromCharCode(sum >> 16, (sum >> 8) & 255, sum & 255)}`],
    ["no end", (sum) => sum.toString(8).padStart(8, "0")],
    ["anything behind a zero byte", (sum) => `${sum.toString(8)}\0x`],
  ])("has a checksum with %s", (_, show) => {
    expect(isTarHeader(withChecksum(tarHeader(""), show))).toBe(true)
  })

  it("is what Python's tarfile takes for it", () => {
    const fields = [
      "",
      "0",
      "7",
      "12345",
      " 17 ",
      "0o17",
      "-1",
      "1_7",
      "8",
      "x",
      "\0",
      "\x80\0\0\0\0\0\x01\x02",
      "\xff\xff\xff\xff\xff\xff\xff\x00",
      "\x1c20\x1f",
    ]
    const blocks = fc
      .sample(
        fc.tuple(
          fc.constantFrom(...fields),
          fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
          fc.nat(3),
        ),
        { numRuns: 400, seed: 9 },
      )
      .map(([field, some, kind]) => {
        const block = new Uint8Array(512)
        block.set(some)
        if (kind === 0) return withChecksum(block)
        if (kind === 1)
          return withChecksum(
            block,
            (sum) => `${(sum - 256 * some.filter((byte) => byte > 127).length).toString(8)}\0`,
          )
        block.set(latin1(field.padEnd(8, "\0")), 148)
        return block
      })
    const folder = mkdtempSync(joinPath(tmpdir(), "tosafetensors-tar-"))
    const script =
      "import sys,tarfile\nfor l in open(sys.argv[1]):\n b=bytes.fromhex(l)\n try: tarfile.TarInfo.frombuf(b,'utf-8','surrogateescape'); print(1)\n except tarfile.HeaderError as e: print(0)\n except Exception: print(0)"
    try {
      const file = joinPath(folder, "blocks")
      writeFileSync(file, blocks.map((block) => Buffer.from(block).toString("hex")).join("\n"))
      const said = execFileSync("python3", ["-c", script, file], { encoding: "utf8" }).trim().split("\n")
      expect(blocks.map((block) => (isTarHeader(block) ? "1" : "0"))).toEqual(said)
      expect(new Set(said).size).toBe(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("a pickle under safetensors", () => {
  it.each<[what: string, bytes: Uint8Array]>([
    ["V, a line of the header, the payload in the data", safetensors(header(EVIL.length, 0x56, "\n}"), EVIL)],
    ["the line ends in the data", safetensors(header(EVIL.length + 1, 0x56), join([latin1("\n"), EVIL]))],
    ["a mark and V", safetensors(header(EVIL.length, 0x5628, "\n}"), EVIL)],
    ["X and a length", safetensors(header(EVIL.length, 0x5658), join([EVIL]))],
    ["BININT1 and V", safetensors(header(EVIL.length, 0x56014b, "\n}"), EVIL)],
    [
      "I, which the unpickler in C reads to a zero byte",
      safetensors(header(EVIL.length, 0x3149, "\n}"), EVIL),
    ],
  ])("%s", async (what, bytes) => {
    // X steps over the beginning of the header: what it comes to there is no opcode.
    const isPickle = !what.startsWith("X")
    const report = await scan(bytes)
    expect(report).toMatchObject({ format: "safetensors", verdict: isPickle ? "refused" : "clean" })
    const { valid, findings } = await checkSafetensors(bytes)
    expect(valid).toBe(true)
    expect(findings.map(({ rule }) => rule)).toEqual(isPickle ? ["two-formats"] : [])
    if (isPickle) expect(report.findings).toMatchObject([{ severity: "error", code: "two-formats" }])
  })

  it("is not seen where headers have the lengths that writers give them", async () => {
    for (let length = 64; length < 2400; length += 8) {
      const bytes = safetensors(header(24, length), new Uint8Array(24).fill(length & 255))
      expect(await scan(bytes), `${length}`).toMatchObject({ verdict: "clean", findings: [] })
    }
  })
})

describe("a zip archive at the end", () => {
  const wide = join([ZIP.slice(0, -22), latin1("PK\x06\x07"), new Uint8Array(16), ZIP.slice(-22)])
  const comment = join([ZIP.slice(0, -2), littleEndian(300, 2), new Uint8Array(300)])

  it.each<[what: string, zip: Uint8Array]>([
    ["as it is", ZIP],
    ["with a comment", comment],
    ["with ZIP64 records", wide],
    ["with anything behind it", join([ZIP, new Uint8Array(1000)])],
    ["of another file: an empty one", ZIP.slice(-22).map((byte, i) => (i >= 4 ? 0 : byte))],
  ])("of a legacy checkpoint, a safetensors file, a pickle: %s", async (_, zip) => {
    const size = Math.ceil(zip.length / 4) * 4
    const padded = join([new Uint8Array(size - zip.length), zip])
    const legacy = legacyOver(padded)
    expect(await refusedBy(legacy)).toEqual(["two-formats", "two-formats"])
    expect(await refusedBy(safetensors(header(padded.length, 80), padded))).toEqual([
      "two-formats",
      "not-a-checkpoint",
    ])
    expect(await refusedBy(pickle2(["BINBYTES", zip]).subarray(0, -1))).toContain("two-formats")
    expect((await refusedBy(join([pickle2("NONE"), zip]))).slice(-2)).toEqual(["two-formats", "two-formats"])
  })

  it("is not seen in weights that hold its signature", async () => {
    const weights = join([latin1("PK\x05\x06"), repeat(19, "NONE"), hex("00")])
    expect(await scan(safetensors(header(24, 80), weights))).toMatchObject({ verdict: "clean" })
    expect(assemble("STOP")).toHaveLength(1)
  })
})
