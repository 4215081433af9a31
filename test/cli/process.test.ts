import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import packageJson from "../../package.json"
import { toSafetensorsBytes } from "../../src/node/index.ts"
import { DEEP, depth, sampled } from "../depth.ts"
import { expandingCheckpoint, largeCheckpoint, writeSparseCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestValue, tensor } from "../property/model.ts"
import { buildCli, midway, runScript, runShell, startScript, until } from "./build-cli.ts"
import { ORACLE } from "./run.ts"

const newFolder = temporaryFolders()
const fixture = (name: string): string => join(ORACLE, name)
const posix = process.platform !== "win32"

let script = ""
beforeAll(async () => {
  script = await buildCli(newFolder())
})

/** How the bytes of a large conversion get to the output: picked or copied by threads, or inflated in the event loop. */
const WAYS = ["gathered", "copied", "inflated"] as const

/** One kilobyte, two million times. */
const repeated = new Map([["w", tensor(dtypeNamed("uint8"), [2 ** 21, 1024], { strides: [0, 1] })]])

/** A folder with a checkpoint that takes its time: it converts to a gigabyte or more. And how to convert it. */
function endless(way: (typeof WAYS)[number]): { folder: string; output: string; argv: readonly string[] } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  if (way === "gathered") writeFileSync(input, expandingCheckpoint(1))
  else if (way === "copied") writeSparseCheckpoint(input, 3)
  else writeFileSync(input, writeCheckpoint(repeated, { deflated: (member) => member.includes("data/") }))
  const output = join(folder, "model.safetensors")
  return { folder, output, argv: [input, "-o", output, "--limit", "outputFloorBytes=9000000000"] }
}

describe("the bundle", () => {
  it("begins with a line for the shell", () => {
    expect(readFileSync(script, "utf8").split("\n", 1)[0]).toBe("#!/usr/bin/env node")
  })

  it("tells its version and its help without the library", () => {
    expect(runScript(script, ["--version"]).stdout.toString()).toBe(`${packageJson.version}\n`)
    const eager = readFileSync(script, "utf8").match(/^import .* from ["']\.\/.+["'];?$/gm) ?? []
    const chunks = eager.map((line) => join(script, "..", line.replace(/.*["']\.\/(.+)["'];?$/, "$1")))
    for (const chunk of chunks) expect(readFileSync(chunk, "utf8"), chunk).not.toContain("_rebuild_tensor_v2")
  })

  it("converts and verifies", () => {
    const output = join(newFolder(), "out.safetensors")
    const input = fixture("dtypes-zip-f32.pt")
    expect(runScript(script, [input, "-o", output])).toMatchObject({ code: 0, stderr: "" })
    expect(Buffer.compare(readFileSync(output), readFileSync(fixture("dtypes-zip-f32.safetensors")))).toBe(0)
    expect(runScript(script, ["verify", output, input])).toMatchObject({ code: 0, stderr: "" })
  })

  it("exits with the code of what went wrong", () => {
    expect(runScript(script, [fixture("globals-path.pt"), "-o", "x"]).code).toBe(1)
    if (DEEP) expect(runScript(script, []).code).toBe(2)
    if (DEEP) expect(runScript(script, ["missing.pt"]).code).toBe(3)
  })
})

describe("pipes", () => {
  it("go in and out", () => {
    const stdin = readFileSync(fixture("views-transpose-f32.pt"))
    const { code, stdout } = runScript(script, ["-", "-o", "-"], stdin)
    expect(code).toBe(0)
    expect(Buffer.compare(stdout, readFileSync(fixture("views-transpose-f32.safetensors")))).toBe(0)
  })

  it.runIf(DEEP && posix)("that are files are read in place, and are not overwritten", () => {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    const output = join(folder, "model.safetensors")
    writeFileSync(input, largeCheckpoint(1))
    const converted = runShell(script, `TMPDIR=/nowhere $CLI - -o "${output}" < "${input}"`)
    expect(converted).toMatchObject({ code: 0, stderr: "" })
    expect(runScript(script, ["verify", output, input]).code).toBe(0)
    const refused = runShell(script, `$CLI - -o "${input}" --force < "${input}"`)
    expect(refused.stderr).toContain("code  output-is-input")
  })

  it.runIf(DEEP)("carry large outputs whole", () => {
    const stdin = largeCheckpoint(9)
    const { stdout } = runScript(script, ["-", "-o", "-"], stdin)
    const folder = newFolder()
    writeFileSync(join(folder, "model.pt"), stdin)
    runScript(script, [join(folder, "model.pt")])
    expect(Buffer.compare(stdout, readFileSync(join(folder, "model.safetensors")))).toBe(0)
  })

  it.skipIf(!posix)("that nobody reads any more end a listing quietly", () => {
    const { stdout, stderr } = runShell(
      script,
      `$CLI inspect "${fixture("names-long.pt")}" | head -c 1; exit 0`,
    )
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: "t", stderr: "" })
    const listing = runShell(script, `{ $CLI --help; echo "exit $?" >&2; } | true`)
    expect(listing.stderr).toBe("exit 0\n")
  })

  it.skipIf(!posix)("that nobody reads any more fail a conversion without a stack", () => {
    const { argv } = endless("gathered")
    const line = `{ $CLI "${argv[0]}" -o - --limit outputFloorBytes=9000000000; echo "exit $?" >&2; } | head -c 10 > /dev/null`
    const { stderr } = runShell(script, line)
    expect(stderr).toContain("could not write: whoever reads the output has stopped reading (EPIPE)")
    expect(stderr).toContain("exit 3\n")
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it("that stay open do not keep a refused command alive", async () => {
    const output = join(newFolder(), "out.safetensors")
    writeFileSync(output, "")
    expect((await startScript(script, ["-", "-o", output]).ended).code).toBe(1)
  })

  it.skipIf(!DEEP || !existsSync("/dev/full"))("that are full are an I/O failure", () => {
    const conversion = runShell(script, `$CLI "${fixture("dtypes-zip-f32.pt")}" -o - > /dev/full`)
    expect(conversion.code).toBe(3)
    expect(conversion.stderr).toContain("the disk is full (ENOSPC)")
    const listing = runShell(script, `$CLI inspect "${fixture("dtypes-zip-f32.pt")}" > /dev/full`)
    expect(listing.code).toBe(3)
    expect(listing.stderr).toContain("the disk is full (ENOSPC)")
  })
})

describe("a large file", () => {
  it.runIf(DEEP)("is copied whole, and compared whole", () => {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    writeFileSync(input, largeCheckpoint(80))
    expect(runScript(script, [input])).toMatchObject({ code: 0, stderr: "" })
    const { code, stdout } = runScript(script, ["verify", join(folder, "model.safetensors"), input])
    expect(stdout.toString()).toContain("same: every byte is")
    expect(code).toBe(0)
    const bytes = readFileSync(join(folder, "model.safetensors"))
    expect(Buffer.compare(bytes.subarray(-80 * 2 ** 20), readFileSync(input).subarray(-80 * 2 ** 20))).toBe(0)
  })
})

describe("a large archive", () => {
  const elements = depth({ quick: 9, deep: 20 }) * 2 ** 20
  const archive = writeCheckpoint(new Map([["weight", tensor(dtypeNamed("float32"), [elements])]]))

  it.runIf(DEEP)("is copied and its checksum agrees, put together from the threads' parts", () => {
    const { input, output } = written(archive)
    expect(runScript(script, [input])).toMatchObject({ code: 0, stderr: "" })
    expect(statSync(output).size).toBeGreaterThan(4 * elements)
  })

  it("with one wrong bit is refused, and nothing is left", () => {
    const damaged = archive.slice()
    const middle = damaged.length >> 1
    damaged[middle] = (damaged[middle] as number) ^ 1
    const { folder, input } = written(damaged)
    const { code, stderr } = runScript(script, [input])
    expect(stderr).toContain("the bytes do not match their checksum")
    expect(code).toBe(1)
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it.runIf(DEEP)("has its bools made 0 and 1 while threads copy the rest", () => {
    const bytes = 34 * 2 ** 20
    const both = ["uint8", "bool"].map((dtype) => [dtype, tensor(dtypeNamed(dtype), [bytes])] as const)
    const { input, output } = written(writeCheckpoint(new Map(both)))
    expect(runScript(script, [input])).toMatchObject({ code: 0, stderr: "" })
    const [raw, bools] = [
      readFileSync(output).subarray(-2 * bytes, -bytes),
      readFileSync(output).subarray(-bytes),
    ]
    expect(Buffer.compare(raw, both[0]?.[1].storage.bytes ?? raw.subarray(1))).toBe(0)
    expect(bools.every((byte) => byte < 2)).toBe(true)
  })

  describe.runIf(DEEP)("that threads make", () => {
    const F32 = dtypeNamed("float32")
    const wide = tensor(F32, [3000, 3000], { seed: 1 }).storage
    const tensors = (): TestValue =>
      new Map([
        ["transposed", tensor(F32, [3000, 3000], { strides: [1, 3000], seed: 2 })],
        ["columns", tensor(F32, [3000, 2000], { storage: wide, strides: [3000, 1], offset: 500 })],
        ["turned", tensor(dtypeNamed("complex64"), [500, 500], { strides: [1, 500], conj: true, seed: 3 })],
        ["large", tensor(F32, [2_000_000], { seed: 4 })],
        // More than go into one job.
        ...Array.from({ length: 5000 }, (_, i) => [`small.${i}`, tensor(F32, [i % 7], { seed: i })] as const),
      ])
    let file = new Uint8Array()
    beforeAll(() => {
      file = writeCheckpoint(tensors())
    })

    it("is what a conversion in memory makes", async () => {
      const { input, output } = written(file)
      expect(runScript(script, [input])).toMatchObject({ code: 0, stderr: "" })
      const { bytes } = await toSafetensorsBytes(file)
      expect(bytes.length).toBeGreaterThan(64 * 2 ** 20)
      expect(Buffer.compare(readFileSync(output), bytes)).toBe(0)
    })

    it("is refused for damage that no tensor sees", () => {
      const damaged = file.slice()
      // The first columns of a storage whose other columns are written.
      const at = Buffer.from(damaged.buffer).indexOf(wide.bytes.subarray(0, 64)) + 12
      damaged[at] = (damaged[at] as number) ^ 1
      const { folder, input } = written(damaged)
      const { code, stderr } = runScript(script, [input])
      expect([code, readdirSync(folder)]).toEqual([1, ["model.pt"]])
      expect(stderr).toContain("code  checksum")
    })
  })

  function written(bytes: Uint8Array): { folder: string; input: string; output: string } {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    writeFileSync(input, bytes)
    return { folder, input, output: join(folder, "model.safetensors") }
  }
})

describe("a disk that fills up", () => {
  it.skipIf(!posix).each(sampled(WAYS, 1))("ends the conversion and leaves nothing: bytes are %s", (way) => {
    const { folder, argv } = endless(way)
    // The shell's limit on the size of files fails a write midway, as a full disk does.
    const line = argv.map((word) => `"${word}"`).join(" ")
    const { code, stderr } = runShell(script, `trap '' XFSZ; ulimit -f 4096; $CLI ${line}`)
    expect(code).toBe(3)
    expect(stderr).toContain("the file would be larger than is allowed (EFBIG)")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })
})

describe.skipIf(!posix)("a conversion that is interrupted", () => {
  const interruptions = [
    ["SIGINT", "gathered", 130],
    ["SIGINT", "copied", 130],
    ["SIGTERM", "gathered", 143],
    ["SIGHUP", "copied", 129],
  ] as const

  it.each(sampled(interruptions, 1))("by %s leaves nothing: bytes are %s", async (signal, way, code) => {
    const { folder, argv } = endless(way)
    const running = startScript(script, argv)
    await midway(folder, running)
    running.kill(signal)
    expect(await running.ended).toMatchObject({ code, stderr: "tosafetensors: interrupted\n" })
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it("keeps the file that it was to replace", async () => {
    const { folder, argv, output } = endless("gathered")
    writeFileSync(output, "precious")
    const running = startScript(script, [...argv, "--force"])
    await midway(folder, running)
    running.kill("SIGINT")
    await running.ended
    expect(readFileSync(output, "utf8")).toBe("precious")
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it.each(sampled(WAYS, 1))("by SIGKILL leaves nothing under the final name: bytes are %s", async (way) => {
    const { folder, argv, output } = endless(way)
    const running = startScript(script, argv)
    await midway(folder, running)
    running.kill("SIGKILL")
    expect((await running.ended).signal).toBe("SIGKILL")
    expect(existsSync(output)).toBe(false)
  })

  it.each(["SIGINT", "SIGKILL"] as const)(
    "by %s while it takes in a pipe leaves no temporary file",
    async (signal) => {
      const spool = newFolder()
      const output = join(newFolder(), "out.safetensors")
      const changed = statSync(spool).mtimeMs
      const running = startScript(script, ["-", "-o", output], { TMPDIR: spool })
      // The folder appears and is unlinked at once; the handlers are in place before that.
      await until(() => statSync(spool).mtimeMs !== changed && readdirSync(spool).length === 0, running)
      running.kill(signal)
      const { code } = await running.ended
      if (signal === "SIGINT") expect(code).toBe(130)
      expect(readdirSync(spool)).toEqual([])
      expect(existsSync(output)).toBe(false)
    },
  )
})
