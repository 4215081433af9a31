import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { toSafetensorsBytes } from "../../src/node/index.ts"
import { largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { ORACLE, run } from "./run.ts"

const newFolder = temporaryFolders()
const fixture = (name: string): string => join(ORACLE, name)

/** A file with these bytes. */
function written(bytes: Uint8Array, name = "model.safetensors"): string {
  const path = join(newFolder(), name)
  writeFileSync(path, bytes)
  return path
}

/** A safetensors file with this header and as many zeros as it needs. */
function withHeader(header: object, dataBytes: number): Uint8Array {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)])
}

describe("a safetensors file alone", () => {
  it("is valid", async () => {
    const { code, stdout } = await run(["verify", fixture("dtypes-zip-f32.safetensors")])
    expect(code).toBe(0)
    expect(stdout.replaceAll(ORACLE, "ORACLE")).toMatchSnapshot()
  })

  it("is refused with every finding", async () => {
    const path = written(
      withHeader(
        {
          a: { dtype: "F32", shape: [2], data_offsets: [0, 4] },
          "b\u001b": { dtype: "F99", shape: [1], data_offsets: [8, 4] },
        },
        20,
      ),
    )
    const { code, stdout, stderr } = await run(["verify", path])
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" })
    expect(stdout.replace(path, "FILE")).toMatchSnapshot()
    const json = JSON.parse((await run(["verify", path, "--json"])).stdout)
    expect(json).toMatchObject({ file: path, valid: false, comparison: null })
    expect(json.findings.length).toBeGreaterThan(2)
    expect(await run(["verify", path, "--quiet"])).toMatchObject({ code: 1, stdout: "", stderr: "" })
  })

  it("may come from standard input", async () => {
    const stdin = readFileSync(fixture("dtypes-zip-f32.safetensors"))
    expect((await run(["verify", "-"], { stdin })).code).toBe(0)
    expect((await run(["verify", "-", "-"], { stdin })).code).toBe(2)
  })

  it("that is missing is an I/O failure", async () => {
    expect((await run(["verify", "missing.safetensors"])).code).toBe(3)
    expect((await run(["verify", "a", "b", "c"])).code).toBe(2)
  })
})

describe("a safetensors file and its checkpoint", () => {
  const checkpoint = fixture("options-include.pt")
  const plain = readFileSync(fixture("options-include.pt"))

  it("are the same to the last byte", async () => {
    const { bytes } = await toSafetensorsBytes(plain)
    const { code, stdout } = await run(["verify", written(bytes), checkpoint])
    expect(code).toBe(0)
    expect(stdout).toContain(`same: every byte is what a conversion of ${checkpoint} writes\n`)
  })

  it("are the same where only the metadata differs, which is told", async () => {
    const { bytes } = await toSafetensorsBytes(plain, { metadata: { format: "np", step: "1" } })
    const path = written(bytes)
    const { code, stdout } = await run(["verify", path, checkpoint, "--metadata", "run=7"])
    expect(code).toBe(0)
    expect(stdout.replace(path, "FILE").replaceAll(ORACLE, "ORACLE")).toMatchSnapshot()
    const json = JSON.parse((await run(["verify", path, checkpoint, "--json"])).stdout)
    expect(json.comparison).toMatchObject({ differences: [], identical: false })
    expect(json.comparison.metadata).toEqual([
      { key: "format", found: "np", expected: "pt" },
      { key: "step", found: "1" },
    ])
  })

  it("differ in single bytes, each tensor at its first", async () => {
    const { bytes, report } = await toSafetensorsBytes(plain)
    const [first, second] = report.tensors
    if (first === undefined || second === undefined) throw new Error("the fixture has lost its tensors")
    for (const at of [first.start + 2, first.start + 3, second.start + second.byteLength - 1]) {
      bytes[at] = (bytes[at] ?? 0) ^ 0xff
    }
    const json = JSON.parse((await run(["verify", written(bytes), checkpoint, "--json"])).stdout)
    expect(json.comparison.differences).toMatchObject([
      { kind: "bytes", name: first.name, at: 2, atInFile: first.start + 2 },
      { kind: "bytes", name: second.name, at: second.byteLength - 1 },
    ])
    const { code, stdout } = await run(["verify", written(bytes), checkpoint])
    expect(code).toBe(1)
    expect(stdout).toContain(`"${first.name}" differs first at byte 2 (${first.start + 2} in the file): 0x`)
  })

  it("differ in names, dtypes and shapes", async () => {
    const path = written(
      withHeader(
        {
          extra: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
          x: { dtype: "F16", shape: [24], data_offsets: [1, 49] },
          a: { dtype: "F16", shape: [2, 8], data_offsets: [49, 81] },
          b: { dtype: "F16", shape: [4, 4], data_offsets: [81, 113] },
        },
        113,
      ),
    )
    const { code, stdout } = await run(["verify", path, fixture("sharing-tied-thrice.pt")])
    expect(code).toBe(1)
    expect(stdout.replace(path, "FILE").replaceAll(ORACLE, "ORACLE")).toMatchSnapshot()
  })

  it("are the same in another order of tensors", async () => {
    const { bytes, report } = await toSafetensorsBytes(plain)
    const reversed = [...report.tensors].reverse()
    let offset = 0
    const entries = reversed.map(({ name, dtype, shape, byteLength }) => {
      const start = offset
      offset += byteLength
      return [name, { dtype, shape, data_offsets: [start, offset] }]
    })
    const header = withHeader({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) }, 0)
    const data = reversed.map(({ start, byteLength }) => bytes.subarray(start, start + byteLength))
    const path = written(Buffer.concat([header, ...data]))
    const { code, stdout } = await run(["verify", path, checkpoint])
    expect(code).toBe(0)
    expect(stdout).toContain("only the header differs")
  })

  it("are compared with the options that the file was made with", async () => {
    const { bytes } = await toSafetensorsBytes(plain, {
      include: "*.weight",
      rename: (name) => `model.${name}`,
    })
    const path = written(bytes)
    expect((await run(["verify", path, checkpoint])).code).toBe(1)
    const options = ["--include", "*.weight", "--rename", "*=model.*"]
    expect((await run(["verify", path, checkpoint, ...options])).code).toBe(0)
  })

  it("are compared to the end of large tensors", async () => {
    const input = largeCheckpoint(5)
    const { bytes } = await toSafetensorsBytes(input)
    bytes[bytes.length - 1] = 0x55
    const options = ["verify", written(bytes), written(input, "model.pt")]
    const json = JSON.parse((await run([...options, "--json"])).stdout)
    expect(json.comparison.differences).toMatchObject([
      { name: "weight", at: 5 * 1024 * 1024 - 1, found: 0x55 },
    ])
  })

  describe("with names of tied tensors", () => {
    const tied = fixture("sharing-tied-thrice.pt")
    const convert = async (): Promise<{ bytes: Uint8Array; aliases: Record<string, string> }> => {
      const { bytes, report } = await toSafetensorsBytes(readFileSync(tied))
      expect(report.aliases.length).toBeGreaterThan(0)
      return {
        bytes,
        aliases: Object.fromEntries(report.aliases.map(({ dropped, kept }) => [dropped, kept])),
      }
    }
    /** The file with other metadata. */
    const withMetadata = (bytes: Uint8Array, metadata: object): string => {
      const length = Number(Buffer.from(bytes).readBigUInt64LE(0))
      const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString())
      const changed = withHeader({ ...header, __metadata__: metadata }, 0)
      return written(Buffer.concat([changed, bytes.subarray(8 + length)]))
    }

    it.each<
      readonly [
        string,
        (aliases: Record<string, string>) => Record<string, string>,
        (aliases: Record<string, string>) => readonly object[],
      ]
    >([
      [
        "all removed",
        () => ({}),
        (aliases) => Object.entries(aliases).map(([name, expected]) => ({ kind: "alias", name, expected })),
      ],
      [
        "one re-pointed",
        (aliases) => ({ ...aliases, [Object.keys(aliases)[0] ?? ""]: "nowhere" }),
        (aliases) => {
          const [name, expected] = Object.entries(aliases)[0] ?? []
          return [{ kind: "alias", name, found: "nowhere", expected }]
        },
      ],
      [
        "one re-pointed to another name of the same",
        (aliases) => ({ ...aliases, [Object.keys(aliases)[0] ?? ""]: Object.keys(aliases)[0] ?? "" }),
        (aliases) => [{ kind: "alias", name: Object.keys(aliases)[0] }],
      ],
      [
        "one added for a tensor of the file",
        (aliases) => ({ ...aliases, backdoor: Object.values(aliases)[0] ?? "" }),
        (aliases) => [{ kind: "alias", name: "backdoor", found: Object.values(aliases)[0] }],
      ],
      [
        "one added under the name of a tensor",
        (aliases) => ({ ...aliases, [Object.values(aliases)[0] ?? ""]: "nowhere" }),
        (aliases) => [{ kind: "alias", name: Object.values(aliases)[0], found: "nowhere" }],
      ],
      [
        "one added for another name",
        (aliases) => ({ ...aliases, more: Object.keys(aliases)[0] ?? "" }),
        (aliases) => [{ kind: "alias", name: "more", found: Object.keys(aliases)[0] }],
      ],
    ])("differ when they were changed: %s", async (_, change, differences) => {
      const { bytes, aliases } = await convert()
      const path = withMetadata(bytes, { format: "pt", ...change(aliases) })
      const { code, stdout } = await run(["verify", path, tied])
      expect(code).toBe(1)
      expect(stdout).toMatch(/^differs from a conversion of .* in \d names? of tied tensors$/m)
      const json = JSON.parse((await run(["verify", path, tied, "--json"])).stdout)
      expect(json.comparison.differences).toMatchObject(differences(aliases))
      expect(json.comparison.differences).toHaveLength(differences(aliases).length)
      for (const { name } of json.comparison.differences) expect(stdout).toContain(`"${name}" is `)
      expect(json.comparison.metadata).toEqual([])
    })

    it("are the same where other entries differ", async () => {
      const { bytes, aliases } = await convert()
      const path = withMetadata(bytes, { ...aliases, author: "somebody", format: "np", source_sha256: "0" })
      const { code, stdout } = await run(["verify", path, tied])
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("only the header") })
    })

    it("differ once where a name became a tensor", async () => {
      const { bytes } = await toSafetensorsBytes(readFileSync(tied), { shared: "copy" })
      const json = JSON.parse((await run(["verify", written(bytes), tied, "--json"])).stdout)
      const kinds = json.comparison.differences.map(({ kind }: { readonly kind: string }) => kind)
      expect(new Set(kinds)).toEqual(new Set(["extra"]))
    })
  })

  it("are not compared when the file is invalid or the checkpoint refused", async () => {
    const { code, stdout } = await run(["verify", written(new Uint8Array(3)), checkpoint])
    expect(code).toBe(1)
    expect(stdout).not.toContain("conversion")
    const refused = await run(["verify", fixture("dtypes-zip-f32.safetensors"), fixture("globals-path.pt")])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("code  global-not-allowed")
  })
})
