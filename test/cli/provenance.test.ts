import { createHash } from "node:crypto"
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import packageJson from "../../package.json"
import { parseSafetensorsHeader, toSafetensorsBytes } from "../../src/node/index.ts"
import { DEEP, depth } from "../depth.ts"
import { checkpoint, int, ints, stateDict, tensor, text } from "../hostile/checkpoint-parts.ts"
import { expandingCheckpoint, largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { buildCli, midway, runScript, runShell, startScript } from "./build-cli.ts"
import { ORACLE, run } from "./run.ts"

const newFolder = temporaryFolders()
const fixture = (name: string): string => join(ORACLE, name)
const posix = process.platform !== "win32"

const INPUT = fixture("sharing-tied.pt")
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
const DIGEST = sha256(readFileSync(INPUT))
const OTHER = sha256(new Uint8Array())

/** A folder with a checkpoint in it, and where its conversion would go. */
function written(bytes: Uint8Array): { folder: string; input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, bytes)
  return { folder, input, output: join(folder, "model.safetensors") }
}

function metadataOf(path: string): Record<string, string> {
  return Object.fromEntries(parseSafetensorsHeader(readFileSync(path)).metadata ?? [])
}

describe("--sha256", () => {
  it.each([
    ["before the file", (input: string) => ["--sha256", DIGEST, input]],
    ["after it", (input: string) => [input, "--sha256", DIGEST]],
    ["in upper case", (input: string) => [input, `--sha256=${DIGEST.toUpperCase()}`]],
  ])("lets the right file pass: %s", async (_, argv) => {
    const { input, output } = written(readFileSync(INPUT))
    const { code, stdout, stderr } = await run(argv(input))
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(new RegExp(`^  input +sha256 ${DIGEST}$`, "m"))
    expect(Buffer.compare(readFileSync(output), readFileSync(fixture("sharing-tied.safetensors")))).toBe(0)
  })

  it("refuses another file and leaves nothing", async () => {
    const { folder, input, output } = written(readFileSync(INPUT))
    const { code, stdout, stderr } = await run([input, "--sha256", OTHER])
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    for (const part of [input, DIGEST, OTHER, "code  digest-mismatch", "next  The input was not parsed."]) {
      expect(stderr).toContain(part)
    }
    expect(readdirSync(folder)).toEqual(["model.pt"])
    writeFileSync(output, "precious")
    expect((await run([input, "--sha256", OTHER, "--force"])).code).toBe(1)
    expect(readFileSync(output, "utf8")).toBe("precious")
    const json = JSON.parse((await run([input, "--sha256", OTHER, "--force", "--json"])).stdout)
    expect(json.error.detail).toEqual({ path: input, expected: OTHER, actual: DIGEST })
  })

  it("refuses before anything is parsed: what is no checkpoint is refused for its digest", async () => {
    const { input } = written(Buffer.from("no checkpoint at all"))
    for (const argv of [[input], [input, "--dry-run"], ["inspect", input]]) {
      expect((await run([...argv, "--sha256", OTHER])).stderr).toContain("code  digest-mismatch")
    }
    const right = sha256(readFileSync(input))
    expect((await run([input, "--sha256", right])).stderr).toContain("code  not-a-checkpoint")
  })

  it("holds for inspect, for a dry run, and for the checkpoint of verify", async () => {
    const inspected = await run(["inspect", INPUT, "--sha256", DIGEST, "--json"])
    expect(JSON.parse(inspected.stdout).sha256).toBe(DIGEST)
    expect(JSON.parse((await run(["inspect", INPUT, "--json"])).stdout).sha256).toBe(null)
    const planned = await run([INPUT, "-o", "x", "--dry-run", "--sha256", DIGEST, "--json"])
    expect(JSON.parse(planned.stdout).sha256).toEqual({ input: DIGEST, output: null })
    const file = fixture("sharing-tied.safetensors")
    expect((await run(["verify", file, INPUT, "--sha256", DIGEST])).code).toBe(0)
    expect((await run(["verify", file, INPUT, "--sha256", OTHER])).stderr).toContain("digest-mismatch")
  })

  it("holds for a pipe, and for an empty one", async () => {
    const stdin = readFileSync(INPUT)
    const output = join(newFolder(), "out.safetensors")
    expect((await run(["-", "-o", output, "--sha256", OTHER], { stdin })).stderr).toContain(DIGEST)
    expect(existsSync(output)).toBe(false)
    expect((await run(["-", "-o", "-", "--sha256", OTHER], { stdin })).bytes).toHaveLength(0)
    expect((await run(["-", "-o", output, "--sha256", DIGEST], { stdin })).code).toBe(0)
    const empty = await run(["inspect", "-", "--sha256", OTHER], { stdin: new Uint8Array() })
    expect(empty.stderr).not.toContain("digest-mismatch")
  })

  it.each([["abc"], [`${DIGEST}0`], [DIGEST.replace(/./, "g")], [""]])(
    "takes nothing but a digest: %s",
    async (text) => {
      const { code, stderr } = await run([INPUT, "-o", "x", `--sha256=${text}`])
      expect(code).toBe(2)
      expect(stderr).toContain("--sha256 takes 64 hexadecimal digits")
    },
  )

  it("is about a checkpoint", async () => {
    const { code, stderr } = await run(["verify", fixture("sharing-tied.safetensors"), "--sha256", DIGEST])
    expect(code).toBe(2)
    expect(stderr).toContain("are about the checkpoint, and none was named")
  })
})

describe("--provenance", () => {
  it("says in the metadata what was converted, and by what", async () => {
    const output = join(newFolder(), "out.safetensors")
    expect((await run([INPUT, "-o", output, "--provenance", "--metadata", "a=b"])).code).toBe(0)
    expect(metadataOf(output)).toEqual({
      ...metadataOf(fixture("sharing-tied.safetensors")),
      a: "b",
      source_sha256: DIGEST,
      source_bytes: String(statSync(INPUT).size),
      converted_by: `tosafetensors ${packageJson.version}`,
    })
  })

  it("gives the same bytes each time, from a file, a pipe, and with --sha256", async () => {
    const outputs = await Promise.all(
      [[INPUT], ["-"], [INPUT, "--sha256", DIGEST], [INPUT, "--json"]].map(async (argv) => {
        const output = join(newFolder(), "out.safetensors")
        const { code } = await run([...argv, "-o", output, "--provenance"], { stdin: readFileSync(INPUT) })
        expect(code).toBe(0)
        return sha256(readFileSync(output))
      }),
    )
    expect(new Set(outputs).size).toBe(1)
  })

  it("is verified with the same option", async () => {
    const output = join(newFolder(), "out.safetensors")
    await run([INPUT, "-o", output, "--provenance"])
    const { code, stdout } = await run(["verify", output, INPUT, "--provenance"])
    expect(stdout).toContain("same: every byte is what a conversion of")
    expect(code).toBe(0)
    expect((await run(["verify", output, INPUT])).stdout).toContain("only the header differs")
  })

  it("that names another file, or is missing, is a difference", async () => {
    const { input, output } = written(Buffer.concat([readFileSync(fixture("views-transpose-f32.pt"))]))
    await run([input, "--metadata", `source_sha256=${OTHER}`])
    const { code, stdout } = await run(["verify", output, input, "--provenance"])
    expect(code).toBe(1)
    expect(stdout).toMatch(/differs: every byte of \d+ tensors? is the same, but the metadata does not name/)
    expect(stdout).toContain(`"source_sha256" is "${OTHER}" instead of`)
    expect((await run(["verify", output, input])).code).toBe(0)
  })

  it("by another version is no difference", async () => {
    const output = join(newFolder(), "out.safetensors")
    const pairs = {
      source_sha256: DIGEST,
      source_bytes: statSync(INPUT).size,
      converted_by: "tosafetensors 99.0.0",
    }
    const options = Object.entries(pairs).flatMap(([key, value]) => ["--metadata", `${key}=${value}`])
    await run([INPUT, "-o", output, ...options])
    expect((await run(["verify", output, INPUT, "--provenance"])).code).toBe(0)
  })

  it("does not share its keys with --metadata", async () => {
    const { code, stderr } = await run([INPUT, "-o", "x", "--provenance", "--metadata", "source_bytes=1"])
    expect(code).toBe(2)
    expect(stderr).toContain('--provenance and --metadata both set "source_bytes"')
  })
})

describe("the JSON report", () => {
  it("carries the digests of input and output", async () => {
    const output = join(newFolder(), "out.safetensors")
    const { stdout } = await run([INPUT, "-o", output, "--json"])
    expect(JSON.parse(stdout).sha256).toEqual({ input: DIGEST, output: sha256(readFileSync(output)) })
    const piped = await run(["-", "-o", output, "--json", "--force"], { stdin: readFileSync(INPUT) })
    expect(JSON.parse(piped.stdout).sha256).toEqual({ input: DIGEST, output: sha256(readFileSync(output)) })
    const dry = await run([INPUT, "-o", output, "--json", "--dry-run"])
    expect(JSON.parse(dry.stdout).sha256).toEqual({ input: null, output: null })
  })
})

describe("the command as it is shipped", () => {
  let script = ""
  beforeAll(async () => {
    script = await buildCli(newFolder())
  })

  it.runIf(DEEP)("hashes large files on threads", () => {
    const { folder, input, output } = written(largeCheckpoint(80))
    const right = sha256(readFileSync(input))
    const { code, stdout } = runScript(script, [input, "--json", "--provenance", "--sha256", right])
    expect(code).toBe(0)
    expect(JSON.parse(stdout.toString()).sha256).toEqual({
      input: right,
      output: sha256(readFileSync(output)),
    })
    const beside = JSON.parse(runScript(script, [input, "--json", "--force"]).stdout.toString())
    expect(beside.sha256).toEqual({ input: right, output: sha256(readFileSync(output)) })
    expect(runScript(script, [input, "--force", "--sha256", OTHER]).stderr).toContain(right)
    expect(readdirSync(folder).sort()).toEqual(["model.pt", "model.safetensors"])
  })

  it.skipIf(!posix)("takes redirected files and pipes", () => {
    const { folder, input, output } = written(readFileSync(INPUT))
    const line = `-o "${output}" --force --sha256`
    expect(runShell(script, `$CLI - ${line} ${DIGEST} < "${input}"`).code).toBe(0)
    if (DEEP) expect(runShell(script, `cat "${input}" | $CLI - ${line} ${DIGEST}`).code).toBe(0)
    expect(runShell(script, `cat "${input}" | TMPDIR="${folder}" $CLI - ${line} ${OTHER}`).code).toBe(1)
    if (DEEP) expect(runShell(script, `$CLI - ${line} ${OTHER} < "${input}"`).code).toBe(1)
    expect(readdirSync(folder).sort()).toEqual(["model.pt", "model.safetensors"])
    const out = runShell(script, `$CLI "${input}" -o - --provenance | sha256sum`)
    runScript(script, [input, "--force", "--provenance"])
    expect(out.stdout.toString().slice(0, 64)).toBe(sha256(readFileSync(output)))
  })

  it.skipIf(!posix).each([
    ["written to", (path: string) => appendFileSync(path, "x")],
    [
      "changed and dated back",
      (path: string) => {
        const { atime, mtime } = statSync(path)
        chmodSync(path, 0o600)
        utimesSync(path, atime, mtime)
      },
    ],
  ])("refuses an input that is %s after it was hashed", async (_, change) => {
    const { folder, input } = written(expandingCheckpoint(depth({ quick: 0.25, deep: 1 })))
    const right = sha256(readFileSync(input))
    const limit = ["--limit", "outputFloorBytes=9000000000"]
    const running = startScript(script, [input, "--sha256", right, ...limit])
    await midway(folder, running)
    change(input)
    const { code, stderr } = await running.ended
    expect(stderr).toContain("code  input-changed")
    expect(code).toBe(3)
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })
})

describe("a checkpoint with tensors that are called as the keys of the metadata", () => {
  const KEYS = ["format", "source_sha256", "source_bytes", "converted_by"]
  /** Four pairs of one tensor each: a value that somebody would like to have there, and the key. */
  const FORGED = checkpoint(
    stateDict(
      ...KEYS.flatMap((key, i) => {
        const value = [text(key === "source_sha256" ? "0".repeat(64) : `${i}`)]
        const view = tensor({ size: ints(1), offset: [int(i)] })
        return [[value, view] as const, [[text(key)], view] as const]
      }),
    ),
  )

  it("says nothing there that is not so", async () => {
    const { input, output } = written(FORGED)
    expect((await run([input])).code).toBe(0)
    expect(metadataOf(output)).toEqual({ format: "pt" })
    expect((await run([input, "--force", "--metadata", "author=x"])).code).toBe(0)
    expect(metadataOf(output)).toEqual({ author: "x", format: "pt" })
    expect((await run([input, "--force", "--provenance"])).code).toBe(0)
    expect(metadataOf(output)).toEqual({
      format: "pt",
      source_sha256: sha256(FORGED),
      source_bytes: String(FORGED.byteLength),
      converted_by: `tosafetensors ${packageJson.version}`,
    })
    expect((await run(["verify", output, input, "--provenance"])).code).toBe(0)
    const names = [...parseSafetensorsHeader(readFileSync(output)).tensors.keys()]
    expect(names).toEqual(expect.arrayContaining(KEYS))
    expect(names).toHaveLength(8)
  })

  it("does so for those who call the library", async () => {
    for (const metadata of [{ author: "x" }, {}]) {
      const { report } = await toSafetensorsBytes(FORGED, { metadata })
      expect({ ...report.metadata }).toEqual(metadata)
    }
  })

  it("does not make a file pass that names another source", async () => {
    const { input, output } = written(FORGED)
    await run([input])
    const { code, stdout } = await run(["verify", output, input, "--provenance"])
    expect(code).toBe(1)
    expect(stdout).toContain("the metadata does not name")
  })
})
