import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parseSafetensorsHeader } from "../../src/node/index.ts"
import { legacyCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { ORACLE, run } from "./run.ts"

const newFolder = temporaryFolders()
const fixture = (name: string): string => join(ORACLE, name)
const newOutput = (): string => join(newFolder(), "out.safetensors")

/** Names and metadata of what a conversion wrote. */
function headerOf(path: string): { names: string[]; metadata: Record<string, string> } {
  const { tensors, metadata } = parseSafetensorsHeader(readFileSync(path))
  return { names: [...tensors.keys()], metadata: Object.fromEntries(metadata ?? []) }
}

/** Converts with some options and gives what is in the output. */
async function converted(input: string, ...options: string[]): Promise<ReturnType<typeof headerOf>> {
  const output = newOutput()
  const { code, stderr } = await run([fixture(input), "-o", output, ...options])
  expect(stderr).toBe("")
  expect(code).toBe(0)
  return headerOf(output)
}

describe("the output", () => {
  it("is by default called like the input and lies beside it", async () => {
    const folder = newFolder()
    writeFileSync(join(folder, "model.ckpt"), readFileSync(fixture("roots-plain.pt")))
    const { stdout } = await run([join(folder, "model.ckpt")])
    expect(readdirSync(folder).sort()).toEqual(["model.ckpt", "model.safetensors"])
    expect(stdout).toContain(`wrote ${join(folder, "model.safetensors")}: `)
  })

  it("that exists is kept without --force", async () => {
    const output = newOutput()
    writeFileSync(output, "precious")
    const refused = await run([fixture("roots-plain.pt"), "-o", output])
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toContain("code  output-exists")
    expect(readFileSync(output, "utf8")).toBe("precious")
    expect((await run([fixture("roots-plain.pt"), "-o", output, "--force"])).code).toBe(0)
    expect(headerOf(output).names).not.toEqual([])
  })

  it("may not be the input, and a safetensors file is named as what it is", async () => {
    const path = join(newFolder(), "model.safetensors")
    writeFileSync(path, readFileSync(fixture("dtypes-zip-f32.safetensors")))
    const defaulted = await run([path])
    expect(defaulted.code).toBe(1)
    expect(defaulted.stderr).toContain("a safetensors file already")
    const named = await run([path, "-o", path.replace(/\/([^/]+)$/, "/./$1"), "--force"])
    expect(named.stderr).toContain("code  output-is-input")
  })

  it("goes to standard output with -o -, and the summary to standard error", async () => {
    const { code, bytes, stderr } = await run([fixture("dtypes-zip-f32.pt"), "-o", "-"])
    expect(code).toBe(0)
    expect(Buffer.compare(bytes, readFileSync(fixture("dtypes-zip-f32.safetensors")))).toBe(0)
    expect(stderr).toMatch(/^wrote standard output: \d+ tensors/)
  })

  it("is not poured over a terminal", async () => {
    const { code, stderr } = await run([fixture("dtypes-zip-f32.pt"), "-o", "-"], { columns: 80 })
    expect(code).toBe(2)
    expect(stderr).toContain("standard output is a terminal")
  })
})

describe("standard input", () => {
  const stdin = readFileSync(fixture("dtypes-zip-f32.pt"))

  it("is read for -", async () => {
    const output = newOutput()
    expect((await run(["-", "-o", output], { stdin })).code).toBe(0)
    expect(Buffer.compare(readFileSync(output), readFileSync(fixture("dtypes-zip-f32.safetensors")))).toBe(0)
  })

  it("goes through to standard output", async () => {
    const { bytes } = await run(["-", "-o", "-", "--quiet"], { stdin })
    expect(Buffer.compare(bytes, readFileSync(fixture("dtypes-zip-f32.safetensors")))).toBe(0)
  })

  it("needs an output, except for a dry run", async () => {
    expect((await run(["-"], { stdin })).code).toBe(2)
    const dry = await run(["-", "--dry-run"], { stdin })
    expect(dry.code).toBe(0)
    expect(dry.stdout).toContain("would write standard output")
  })

  it("is not waited for when it is a keyboard", async () => {
    const { code, stderr } = await run(["-", "-o", newOutput()])
    expect(code).toBe(2)
    expect(stderr).toContain("standard input is a terminal")
  })
})

describe("what is converted", () => {
  it("is chosen by --root, with dots or as JSON", async () => {
    const input = "roots-state-dict-and-optimizer.pt"
    const { names } = await converted(input, "--root", "optimizer.state.3")
    expect(await converted(input, "--root", '["optimizer","state","3"]')).toMatchObject({ names })
    expect(names).not.toEqual([])
  })

  it("is everything with --all", async () => {
    const few = await converted("roots-state-dict-and-optimizer.pt")
    const all = await converted("roots-state-dict-and-optimizer.pt", "--all")
    expect(all.names.length).toBeGreaterThan(few.names.length)
    expect(all.names.some((name) => name.startsWith("optimizer.state."))).toBe(true)
  })

  it("is narrowed by --include and --exclude, each as often as needed", async () => {
    const { names } = await converted("options-include.pt")
    const included = await converted("options-include.pt", "--include", "*.weight", "--include", "head.bias")
    expect(included.names.sort()).toEqual(
      names.filter((name) => name.endsWith(".weight") || name === "head.bias").sort(),
    )
    const excluded = await converted("options-include.pt", "--exclude", "*.weight", "--exclude=head.*")
    expect(excluded.names.sort()).toEqual(
      names.filter((name) => !name.endsWith(".weight") && !name.startsWith("head.")).sort(),
    )
  })

  it("gets other names by --rename", async () => {
    const { names } = await converted(
      "roots-data-parallel.pt",
      "--rename",
      "module.=",
      "--rename",
      "*.weight=*.w",
    )
    expect(names.some((name) => name.startsWith("module."))).toBe(false)
    expect(names.some((name) => name.endsWith(".w"))).toBe(true)
  })

  it("says so when a rule of --rename matches nothing", async () => {
    const { stdout } = await run([fixture("roots-plain.pt"), "-o", newOutput(), "--rename", "modle.="])
    expect(stdout).toContain('note  --rename "modle.=" matched no name')
    const { stderr } = await run([
      ...[fixture("roots-plain.pt"), "-o", newOutput(), "--dry-run", "--json", "--rename", "modle.="],
    ])
    expect(stderr).toBe('note: --rename "modle.=" matched no name\n')
  })

  it("keeps aliases, copies them or refuses them by --shared", async () => {
    expect((await converted("sharing-tied.pt")).metadata["embed.weight"]).toBe("lm_head.weight")
    const kept = await converted("sharing-tied.pt", "--keep", "embed.*")
    expect(kept.metadata["lm_head.weight"]).toBe("embed.weight")
    expect(kept.names).not.toContain("lm_head.weight")
    const misspelt = await run([fixture("sharing-tied.pt"), "-o", newOutput(), "--keep", "embde.*"])
    expect(misspelt.stdout).toContain('nothing to keep: "embde.*" matches no name of a tied tensor')
    expect((await converted("sharing-tied.pt", "--shared", "copy")).names).toContain("lm_head.weight")
    const refused = await run([fixture("sharing-tied.pt"), "-o", newOutput(), "--shared", "error"])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("code  tensors-shared")
  })

  it("is an optimizer only with --all", async () => {
    const refused = await run([fixture("roots-optimizer-alone.pt"), "-o", newOutput()])
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toContain("the state of an optimizer (33 tensors, ")
    expect(refused.stderr).toContain("code  no-model")
    expect(refused.stderr).toContain("--all")
    expect((await converted("roots-optimizer-alone.pt", "--all")).names).toHaveLength(33)
  })

  it("tells the root, why, what is left out, and where the same names are once more", async () => {
    const { stdout } = await run([fixture("roots-averaged-beside.pt"), "-o", newOutput()])
    expect(stdout).toContain('root          "model", found by rule: a well-known key of state dicts')
    expect(stdout).toContain('"model_ema", a state dict: 2 tensors, 24 B')
    expect(stdout).toContain('"model_ema" holds the same names (2 tensors): --root model_ema takes it')
    const json = await run([fixture("roots-averaged-beside.pt"), "--dry-run", "--json"])
    expect(JSON.parse(json.stdout)).toMatchObject({
      root: ["model"],
      rootReason: "well-known-key",
      leftOut: {
        parts: [{ path: ["model_ema"], kind: "state-dict", tensorCount: 2, byteLength: 24 }],
        sameNames: [{ path: ["model_ema"], tensorCount: 2, byteLength: 24, match: "same" }],
      },
    })
    expect((await converted("roots-averaged-beside.pt", "--root", "model_ema")).names).toHaveLength(2)
  })

  it.each(["(10, 0.5)", "(10,0.5)", '["(10, 0.5)"]'])("lies under a tuple: --root %s", async (root) => {
    expect((await converted("roots-explicit-tuple.pt", "--root", root)).names).toEqual([
      "fc.bias",
      "fc.weight",
    ])
  })

  it("carries --metadata beside format, which can be replaced", async () => {
    const given = ["--metadata", "step=1000", "--metadata", "note=a=b", "--metadata", "__proto__=x"]
    const output = newOutput()
    await run([fixture("options-include.pt"), "-o", output, ...given])
    expect([...(parseSafetensorsHeader(readFileSync(output)).metadata ?? [])]).toEqual([
      ["__proto__", "x"],
      ["format", "pt"],
      ["note", "a=b"],
      ["step", "1000"],
    ])
    expect((await converted("options-include.pt", "--metadata", "format=np")).metadata).toEqual({
      format: "np",
    })
  })

  it("is read in the byte order of --byteorder", async () => {
    expect((await run([fixture("legacy-big-endian.pt"), "-o", newOutput()])).code).toBe(1)
    expect((await converted("legacy-big-endian.pt", "--byteorder", "little")).names).not.toEqual([])
  })
})

describe("checksums", () => {
  /** A fixture with one bit of its weights turned around. */
  function damaged(): string {
    const path = join(newFolder(), "damaged.pt")
    const bytes = readFileSync(fixture("dtypes-zip-f32.pt"))
    const expected = readFileSync(fixture("dtypes-zip-f32.safetensors"))
    const { dataOffset, tensors } = parseSafetensorsHeader(expected)
    const tensor = [...tensors.values()].find(({ start, end }) => end - start >= 16)
    if (tensor === undefined) throw new Error("the fixture has lost its tensors")
    const at = bytes.indexOf(expected.subarray(dataOffset + tensor.start, dataOffset + tensor.end))
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
    return path
  }

  it("are held against what is read unless --verify none", async () => {
    const input = damaged()
    const output = newOutput()
    const refused = await run([input, "-o", output])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("code  checksum")
    expect(existsSync(output)).toBe(false)
    const taken = await run([input, "-o", output, "--verify", "none"])
    expect(taken.code).toBe(0)
    expect(taken.stdout).toContain("warning  the archive's checksums were not checked")
  })
})

describe("limits", () => {
  it("are set by --limit", async () => {
    const refused = await run([fixture("roots-plain.pt"), "-o", newOutput(), "--limit", "maxTensors=1"])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("exceeds the limit maxTensors of 1")
  })
})

describe("--dry-run", () => {
  it("prints the plan and writes nothing", async () => {
    const folder = newFolder()
    const output = join(folder, "out.safetensors")
    const { code, stdout } = await run([
      fixture("sharing-tied-transposed-twice.pt"),
      "-o",
      output,
      "--dry-run",
    ])
    expect(code).toBe(0)
    expect(readdirSync(folder)).toEqual([])
    expect(stdout.replace(output, "OUT")).toMatchSnapshot()
  })

  it("says that the output exists", async () => {
    const output = newOutput()
    writeFileSync(output, "")
    const arguments_ = [fixture("roots-plain.pt"), "-o", output, "--dry-run"]
    expect((await run(arguments_)).stdout).toContain("note  the output exists already")
    expect((await run([...arguments_, "--force"])).stdout).not.toContain("note")
  })
})

describe("--json and --quiet", () => {
  it("print the report, or nothing", async () => {
    const output = newOutput()
    const { code, stdout, stderr } = await run([fixture("sharing-tied.pt"), "-o", output, "--json"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect({ ...JSON.parse(stdout), output: JSON.parse(stdout).output === output }).toMatchSnapshot()
    const quiet = await run([fixture("sharing-tied.pt"), "-o", output, "--force", "--quiet"])
    expect(quiet).toMatchObject({ code: 0, stdout: "", stderr: "" })
  })

  it("prints an error as JSON too", async () => {
    const { code, stdout, stderr } = await run([fixture("roots-gan.pt"), "-o", newOutput(), "--json"])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "root-ambiguous", detail: { candidates: [{ path: ["net_g"] }, { path: ["net_d"] }] } },
    })
    expect(stderr).toContain("code  root-ambiguous")
  })

  it("exclude -o -", async () => {
    expect((await run([fixture("roots-plain.pt"), "-o", "-", "--json"])).code).toBe(2)
  })
})

describe("the summary", () => {
  it.each(["roots-state-dict-and-optimizer", "sharing-tied-thrice", "zip-without-crc", "options-include"])(
    "of %s",
    async (name) => {
      const output = newOutput()
      const exclude = name === "options-include" ? ["--exclude", "*.weight"] : []
      const { stdout } = await run([fixture(`${name}.pt`), "-o", output, ...exclude])
      expect(stdout.replace(output, "OUT").replace(/in \d+\.\d+ s/, "in TIME")).toMatchSnapshot()
    },
  )

  it("is coloured on a terminal that has colours only", async () => {
    const arguments_ = [fixture("roots-plain.pt"), "-o"]
    const plain = await run([...arguments_, newOutput()], { columns: 80, colors: false })
    expect(plain.stdout).not.toContain("\u001b")
    const coloured = await run([...arguments_, newOutput()], { columns: 80, colors: true })
    expect(coloured.stdout).toContain("\u001b[32mwrote\u001b[39m")
  })
})

describe("errors", () => {
  it.each<readonly [string, readonly string[], number]>([
    ["a missing input", ["missing.pt"], 3],
    ["not a checkpoint", [fixture("manifest.json"), "-o", "x"], 1],
    ["globals", [fixture("globals-several.pt"), "-o", "x"], 1],
    ["no root", [fixture("roots-gan.pt"), "-o", "x"], 1],
    ["a wrong root", [fixture("roots-gan.pt"), "-o", "x", "--root", "net_x"], 1],
    ["unsupported tensors", [fixture("unsupported-quantized.pt"), "-o", "x"], 1],
    ["a TorchScript archive", [fixture("layouts-torchscript.pt"), "-o", "x"], 1],
    ["a missing folder", [fixture("roots-plain.pt"), "-o", "missing/x"], 3],
    ["an empty path", ["", "-o", "x"], 2],
  ])("are explained: %s", async (_, argv, expected) => {
    const { code, stdout, stderr } = await run(argv)
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" })
    expect(stderr.replaceAll(ORACLE, "ORACLE")).toMatchSnapshot()
    expect(existsSync("x")).toBe(false)
  })

  it("show nothing raw that comes from a file", async () => {
    const folder = newFolder()
    mkdirSync(join(folder, "a\u001b[31m"))
    const { stderr } = await run([join(folder, "a\u001b[31m")])
    expect(stderr).toContain("a\\u001b[31m")
    const names = await run([fixture("names-control.pt"), "--dry-run"])
    expect(names.stdout).toContain("c\\u001b")
    expect(names.stdout).not.toContain("\u001b")
  })

  it("say that it was interrupted, whatever failed by that", async () => {
    const { code, stderr } = await run([fixture("roots-plain.pt"), "-o", newOutput()], {
      signal: AbortSignal.abort(),
    })
    expect({ code, stderr }).toEqual({ code: 130, stderr: "tosafetensors: interrupted\n" })
  })
})

describe("a checkpoint of one tensor", () => {
  it("is counted in the singular", async () => {
    const input = join(newFolder(), "one.pt")
    writeFileSync(input, legacyCheckpoint({ storageElements: 1, shape: [], strides: [] }))
    expect((await run([input, "--dry-run"])).stdout).toContain("1 tensor, 1 parameter, ")
  })
})

describe("bytes that belong to no written tensor", () => {
  it("are told in the summary, with and without writing", async () => {
    const output = newOutput()
    for (const more of [[], ["--dry-run", "--force"]]) {
      const { stdout } = await run([fixture("hidden-embedding-row.pt"), "-o", output, ...more])
      expect(stdout).toContain("not included  1.87 kB of the file belong to no written tensor: behind views")
      expect(stdout).toContain('1.87 kB behind "row"')
    }
    const { stdout } = await run([fixture("hidden-nothing.pt"), "-o", newOutput()])
    expect(stdout).not.toContain("not included")
  })

  it("are in the JSON", async () => {
    const { stdout } = await run([fixture("hidden-extra-members.pt"), "-o", newOutput(), "--json"])
    expect(JSON.parse(stdout).unreferenced).toMatchObject({
      byteLength: 5090,
      unusedStorages: 90,
      extraMembers: 5000,
      members: [{ name: "archive/very/deep.txt", byteLength: 5000 }],
    })
  })
})
