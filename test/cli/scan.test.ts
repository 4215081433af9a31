import { mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { open } from "node:fs/promises"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { scan } from "../../src/node/index.ts"
import { writeSparseCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { join, type Part, pickle2, repeat } from "../pickle/assemble.ts"
import { legacyFile, storage, text, vector } from "../torch/legacy-file.ts"
import type { Outcome, Surroundings } from "./run.ts"
import { ORACLE, run } from "./run.ts"
import {
  archive,
  ESCAPES,
  fixture,
  INSTANCE,
  STACKED,
  SYSTEM,
  sandwich,
  scanFolder,
  twofold,
} from "./scan-files.ts"

const newFolder = temporaryFolders()
const posix = process.platform !== "win32"

/** Both storages of the legacy file, each whole. */
const WHOLE = pickle2(
  ...["EMPTY_DICT", "MARK", text("a"), vector(storage("7", 2), 2), text("b"), vector(storage("8", 3), 3)],
  "SETITEMS",
)

const FILES = scanFolder(newFolder(), {
  "clean.pt": archive(),
  "legacy.pt": legacyFile({ object: WHOLE }),
  "system.pt": archive({ "archive/data.pkl": SYSTEM }),
  "system.pkl": SYSTEM,
  "stacked.pkl": STACKED,
  "instance.pkl": INSTANCE,
  "legacy-system.pt": legacyFile({ info: SYSTEM }),
  "stray.pt": archive({ "archive/extra.pkl": SYSTEM }),
  "harmless-stray.pt": archive({ "archive/extra.pkl": pickle2("EMPTY_DICT") }),
  "twofold.pt": twofold(),
  "truncated.pt": archive().subarray(0, 200),
  "broken.pkl": sandwich(SYSTEM),
  "empty.pt": new Uint8Array(0),
  "text.pt": Buffer.from("# Read me\n"),
})

/** Runs a scan; the folders of this test have no name in what it prints. */
async function scanned(argv: readonly string[], surroundings?: Surroundings): Promise<Outcome> {
  const outcome = await run(["scan", ...argv], surroundings)
  const stdout = outcome.stdout.replaceAll(ORACLE, "ORACLE").replaceAll(FILES("").replace(/.$/, ""), "FILES")
  return { ...outcome, stdout }
}

describe("a clean file", () => {
  it.each([
    [FILES("clean.pt"), "zip archive, 747 B, 3 globals allowed"],
    [FILES("legacy.pt"), "legacy checkpoint, 436 B, 3 globals allowed"],
    [fixture("dtypes-zip-f32.safetensors"), "safetensors, "],
    [fixture("dtypes-zip-f32.pt"), "zip archive, "],
  ])("is a line: %s", async (file, said) => {
    const { code, stdout, stderr } = await scanned([file])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const [first, ...rest] = stdout.trimEnd().split("\n")
    expect(first).toContain(`: clean, ${said}`)
    expect(rest).toEqual(["Weights were not read: their checksums are not checked by a scan."])
  })

  it("may be a pickle without a container", async () => {
    const file = path.join(newFolder(), "plain.pkl")
    writeFileSync(file, pickle2("EMPTY_DICT"))
    expect(await scanned([file])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("clean, bare pickle"),
    })
  })

  it("keeps its warnings and notes", async () => {
    expect((await scanned([FILES("harmless-stray.pt")])).stdout).toMatchSnapshot()
    expect((await scanned([fixture("zip-without-crc.pt")])).stdout).toMatchSnapshot()
    expect((await scanned([fixture("roots-gan.pt")])).stdout).toMatchSnapshot()
  })
})

describe("a refused file", () => {
  it.each([
    "system.pt",
    "system.pkl",
    "stacked.pkl",
    "instance.pkl",
    "legacy-system.pt",
    "stray.pt",
    "twofold.pt",
    "truncated.pt",
    "broken.pkl",
    "empty.pt",
    "text.pt",
  ])("%s", async (name) => {
    const { code, stdout, stderr } = await scanned([FILES(name)])
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" })
    expect(stdout).toMatchSnapshot()
    expect(stdout).not.toMatch(/load (?:it|and save the file again|the file) with torch/)
  })

  it.each(["layouts-torchscript", "layouts-tar", "globals-several", "globals-whole-module"])(
    "%s of the corpus",
    async (name) => {
      const { code, stdout } = await scanned([fixture(`${name}.pt`)])
      expect(code).toBe(1)
      expect(stdout).toMatchSnapshot()
    },
  )

  it("of the format itself says which rules it breaks", async () => {
    const folder = newFolder()
    const file = path.join(folder, "header.safetensors")
    const header = '{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]},"a":{}}'
    writeFileSync(
      file,
      Buffer.concat([Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(header)]),
    )
    const { code, stdout } = await scanned([file])
    expect(code).toBe(1)
    expect(stdout).toContain('  error    [dtype-unknown] "a": no dtype is called "F99" (byte 22)\n')
  })

  it("lists each global once, dangerous ones first, and not without end", async () => {
    const folder = newFolder()
    const names = Array.from({ length: 70 }, (_, i): Part => ["GLOBAL", i % 2 === 0 ? "os" : "mine", `f${i}`])
    const stray = pickle2(...names, ...names)
    writeFileSync(path.join(folder, "many.pt"), archive({ "archive/a.pkl": stray, "archive/b.pkl": stray }))
    const { stdout } = await scanned([path.join(folder, "many.pt")])
    const rows = stdout.split("\n").filter((line) => /^ {2}(?:dangerous|unknown) /.test(line))
    expect(rows).toHaveLength(50)
    expect(rows[34]).toMatch(/^ {2}dangerous {2}os\.f68 +only named +archive\/a\.pkl \(\+1\) /)
    expect(rows[35]).toMatch(/^ {2}unknown +mine\.f1 /)
    expect(stdout).toContain("\n  … and 20 more (--json lists all)\n")
    expect(stdout).toContain("why      os.f0, os.f2, os.f4, os.f6 and 31 more: runs programs")
  })

  it("is told of in the same words by a conversion", async () => {
    const { stderr } = await run([FILES("system.pt"), "-o", path.join(newFolder(), "out")])
    const { stdout } = await scanned([FILES("system.pt")])
    const words =
      "posix.system: runs programs, or changes files and the process (docs.python.org/3/library/os.html#os.system)"
    expect(stderr).toContain(`  dangerous  ${words}; called at archive/data.pkl@2\n`)
    expect(stdout).toContain(`  why      ${words}\n`)
    const [next] = /Do not load the file with Python: .*/.exec(stdout) ?? []
    expect(stderr).toContain(`  next  ${next}`)
  })
})

describe("a payload behind more opcodes than are looked at", () => {
  const padding = repeat(100, "NONE", "POP")
  const hidden = {
    "main.pt": archive({ "archive/data.pkl": join([SYSTEM.subarray(0, 2), padding, SYSTEM.subarray(2)]) }),
    "stray.pt": archive({ "archive/x.pkl": join([SYSTEM.subarray(0, 2), padding, SYSTEM.subarray(2)]) }),
    "text-stray.pt": archive({ "archive/x.pkl": join([padding, INSTANCE]) }),
    "bare.pkl": join([SYSTEM.subarray(0, 2), padding, SYSTEM.subarray(2)]),
    "text.pkl": join([padding, INSTANCE]),
  }

  it.each(Object.entries(hidden))("is refused: %s", async (name, bytes) => {
    const folder = newFolder()
    scanFolder(folder, { [name]: bytes })
    const whole = await scanned([folder])
    expect(whole).toMatchObject({ code: 1, stdout: expect.stringMatching(/ dangerous {2}\w+\.system /) })
    const cut = await scanned([folder, "--limit", "maxOpcodes=150"])
    // The machine has other reasons to refuse a pickle that it runs: POP, or no protocol.
    const reason = /\[(?:limit-exceeded|pickle-opcode|pickle-protocol)\]/
    expect(cut).toMatchObject({ code: 1, stdout: expect.stringMatching(reason) })
    expect(cut.stdout).toMatch(
      /it could not be read on at byte 15[0-9], and what it names behind is not listed/,
    )
    const argv = [path.join(folder, name), "-o", path.join(folder, "out"), "--limit", "maxOpcodes=150"]
    expect((await run(argv)).code).toBe(1)
  })
})

describe("many files", () => {
  it("are scanned one after the other, whatever the others are", async () => {
    const argv = [FILES("clean.pt"), FILES("system.pt"), FILES("missing.pt"), FILES("legacy.pt")]
    const { code, stdout, stderr } = await scanned(argv)
    expect(code).toBe(1)
    expect(stdout).toMatchSnapshot()
    expect(stderr).toMatch(
      /^tosafetensors: could not read ".*missing\.pt": .*\(ENOENT\)\n {2}code {2}read-failed\n/,
    )
  })

  it("end with the worst of their codes", async () => {
    const [clean, refused, missing] = [FILES("clean.pt"), FILES("system.pt"), FILES("missing.pt")]
    expect((await scanned([clean, clean])).code).toBe(0)
    expect((await scanned([clean, refused])).code).toBe(1)
    expect((await scanned([missing, clean])).code).toBe(3)
    expect((await scanned([missing, refused])).code).toBe(1)
    expect((await scanned([missing])).stdout).toBe("")
  })

  it("may lie below a folder, where other files are left out and links to files followed", async () => {
    const folder = newFolder()
    mkdirSync(path.join(folder, "b/c"), { recursive: true })
    writeFileSync(path.join(folder, "b/c/model.bin"), archive())
    writeFileSync(path.join(folder, "b/README.md"), "# Read me\n")
    writeFileSync(path.join(folder, "z.pt"), archive())
    writeFileSync(path.join(folder, "a.pkl"), INSTANCE)
    if (posix) symlinkSync(FILES("system.pt"), path.join(folder, "b/link.pt"))
    if (posix) symlinkSync(folder, path.join(folder, "b/loop"))
    const { code, stdout } = await scanned([folder])
    expect(code).toBe(1)
    const heads = stdout.split("\n").filter((line) => line.includes(": "))
    const files = heads.flatMap((line) => (line.startsWith(folder) ? [line.slice(folder.length + 1)] : []))
    expect(files.map((line) => line.replace(/,.*/, "").replaceAll("\\", "/"))).toEqual([
      "a.pkl: refused",
      "b/c/model.bin: clean",
      ...(posix ? ["b/link.pt: refused"] : []),
      "z.pt: clean",
    ])
    expect(stdout).toContain(
      `${posix ? "4 files: 2 clean, 2 refused" : "3 files: 2 clean, 1 refused"}\n1 other file left out, not a model (--json lists all)\n`,
    )
    if (posix) expect(stdout).toContain(`not followed: 1 symbolic link: ${folder}/b/loop\n`)
  })

  it.skipIf(!posix)("may be links themselves, when they are named", async () => {
    const link = path.join(newFolder(), "link.pt")
    symlinkSync(FILES("system.pt"), link)
    expect((await scanned([link])).code).toBe(1)
  })

  it("below a folder are told from a pickle by their beginning, where they are longer than one may be", async () => {
    const folder = newFolder()
    writeFileSync(path.join(folder, "large"), "# Read me\n")
    truncateSync(path.join(folder, "large"), 5000)
    writeFileSync(path.join(folder, "model.pt"), archive())
    expect((await scanned([folder])).code).toBe(0)
    expect((await scanned([folder, "--limit", "maxPickleBytes=4000"])).code).toBe(0)
  })

  it("need not be there, but an empty folder was hardly meant", async () => {
    const folder = newFolder()
    const empty = await scanned([folder])
    expect({ code: empty.code, stdout: empty.stdout }).toEqual({ code: 2, stdout: "" })
    expect(empty.stderr).toContain("there are no files below")
    writeFileSync(path.join(folder, "README.md"), "# Read me\n")
    const others = "no model in the folders: 1 other file left out, not a model (--json lists all)\n"
    expect(await scanned([folder])).toEqual(expect.objectContaining({ code: 0, stdout: others, stderr: "" }))
  })
})

describe("standard input", () => {
  it("is called so", async () => {
    const { code, stdout } = await scanned(["-"], { stdin: SYSTEM })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^standard input: refused, bare pickle, 36 B\n/)
    expect((await scanned(["-", FILES("clean.pt")], { stdin: archive() })).code).toBe(0)
  })

  it.each([
    [["-"], "standard input is a terminal"],
    [["-", FILES("clean.pt"), "-"], "standard input is scanned once"],
  ])("%j is a usage error", async (argv, message) => {
    const { code, stdout, stderr } = await scanned(argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain(message)
  })
})

describe("options", () => {
  it("--quiet leaves the exit code and errors", async () => {
    expect(await scanned([FILES("system.pt"), "--quiet"])).toMatchObject({ code: 1, stdout: "", stderr: "" })
    expect(await scanned([FILES("clean.pt"), "--quiet"])).toMatchObject({ code: 0, stdout: "", stderr: "" })
    const { code, stderr } = await scanned(["missing.pt", "--quiet"])
    expect(code).toBe(3)
    expect(stderr).toContain("missing.pt")
  })

  it("--limit and --byteorder are heeded", async () => {
    const { code, stdout } = await scanned([FILES("clean.pt"), "--limit", "maxOpcodes=5"])
    expect(code).toBe(1)
    expect(stdout).toContain("[limit-exceeded]")
    const big = fixture("legacy-big-endian.pt")
    expect((await scanned([big])).code).toBe(1)
    expect((await scanned([big, "--byteorder", "little"])).code).toBe(0)
  })

  it("of other commands are refused", async () => {
    expect((await scanned([FILES("clean.pt"), "--root", "a"])).code).toBe(2)
    expect((await scanned([FILES("clean.pt"), "--json", "--sarif"])).stderr).toContain("exclude each other")
  })
})

describe("a scan that is interrupted", () => {
  it("exits with 130 and prints no half of a JSON", async () => {
    const outcome = await scanned([FILES("clean.pt"), "--json"], { signal: AbortSignal.abort() })
    expect(outcome).toMatchObject({ code: 130, stdout: "", stderr: "tosafetensors: interrupted\n" })
  })
})

describe("on a terminal", () => {
  const everything = ["system.pt", "stray.pt", "stacked.pkl", "text.pt", "clean.pt"].map((name) =>
    FILES(name),
  )

  it.each([80, 120])("of %i columns, the table and what is below it fit", async (columns) => {
    const { stdout } = await scanned([...everything, fixture("globals-whole-module.pt")], { columns })
    // Headlines and summaries are left to the terminal.
    const inner = stdout.split("\n").filter((line) => line.startsWith("  "))
    expect(inner.length).toBeGreaterThan(20)
    expect(Math.max(...inner.map((line) => line.length))).toBeLessThanOrEqual(columns)
  })

  it("has colours only where it shows them", async () => {
    const plain = await scanned(everything, { columns: 80 })
    expect(plain.stdout).not.toContain("\u001b")
    const painted = await scanned(everything, { columns: 80, colors: true })
    expect(painted.stdout).toContain("\u001b[31mdangerous\u001b[39m  posix.system")
    expect(painted.stdout).toContain("\u001b[32mclean\u001b[39m")
    // biome-ignore lint/complexity/useRegexLiterals: a control character is meant
    expect(painted.stdout.replaceAll(new RegExp("\u001b\\[\\d+m", "g"), "")).toBe(plain.stdout)
  })

  it("no name from a file reaches it raw", async () => {
    const folder = newFolder()
    const nasty = {
      "global.pkl": ESCAPES,
      "member.pt": archive({ "archive/\u202eevil\u2066.pkl": SYSTEM }),
      "control.pt": archive({ "archive/\u001b[2J\r\n\u0007.pkl": SYSTEM }),
    }
    for (const [name, bytes] of Object.entries(nasty)) writeFileSync(path.join(folder, name), bytes)
    if (posix) writeFileSync(path.join(folder, "\u001b[2J\nname.pkl"), ESCAPES)
    for (const format of [[], ["--json"], ["--sarif"]]) {
      const { stdout } = await scanned([folder, ...format], { columns: 100 })
      expect(stdout).toContain("u001b[31mred".replace("[", format[0] === "--sarif" ? "\\\\[" : "["))
      expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      const lines = stdout.trimEnd().split("\n")
      if (format.length > 0) expect(lines).toHaveLength(1)
      else expect(lines.filter((line) => line.startsWith("name.pkl"))).toEqual([])
    }
  })
})

describe("a large file", () => {
  it("is not read but for its index", async () => {
    const file = path.join(newFolder(), "large.pt")
    writeSparseCheckpoint(file, 3)
    const handle = await open(file)
    const byteLength = statSync(file).size
    let bytesRead = 0
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      bytesRead += length
      return (await handle.read(new Uint8Array(length), 0, length, offset)).buffer
    }
    const { verdict } = await scan({ byteLength, read })
    await handle.close()
    expect(verdict).toBe("clean")
    expect(bytesRead).toBeLessThan(byteLength / 1000)
  })
})
