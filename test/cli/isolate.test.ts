import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { basename, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { beforeAll, describe, expect, it } from "vitest"
import { isolationFlags } from "../../src/cli/isolation/isolate.ts"
import { DEEP, depth, sampled } from "../depth.ts"
import { expandingCheckpoint, largeCheckpoint, writeSparseCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { buildCli, midway, runScript, runShell, startScript } from "./build-cli.ts"
import { ORACLE } from "./run.ts"

const newFolder = temporaryFolders()
const fixture = (name: string): string => join(ORACLE, name)
const posix = process.platform !== "win32"
const linux = process.platform === "linux"
const NOTE = /^note: Node's permission model is experimental in v[\d.]+\n/

let script = ""
beforeAll(async () => {
  script = await buildCli(newFolder())
})

/** A folder with a checkpoint. */
function written(bytes: Uint8Array, name = "model.pt"): { folder: string; input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, name)
  writeFileSync(input, bytes)
  return { folder, input, output: join(folder, "model.safetensors") }
}

/** Some addon of the packages that the tests need: what matters is that it loads where that is not forbidden. */
function findAddon(): string | undefined {
  const modules = join(createRequire(import.meta.url).resolve("rollup/package.json"), "..", "..", "@rollup")
  if (!existsSync(modules)) return undefined
  const found = readdirSync(modules, { recursive: true, encoding: "utf8" }).find((name) =>
    name.endsWith(".node"),
  )
  return found === undefined ? undefined : join(modules, found)
}

/** Tries everything that an isolated process must not do, and prints what came of it. */
const PROBE = `
import fs from "node:fs"
import child from "node:child_process"
import net from "node:net"
import { Worker } from "node:worker_threads"
const [, , secret, elsewhere, addon] = process.argv
const found = {}
const attempt = async (name, work) => {
  try { await work(); found[name] = "done" } catch (error) { found[name] = error.code ?? error.name }
}
await attempt("read another file", () => fs.readFileSync(secret))
await attempt("list a folder", () => fs.readdirSync("/"))
await attempt("open another file", () => fs.closeSync(fs.openSync(secret)))
await attempt("reopen the input by its descriptor", () => fs.closeSync(fs.openSync("/dev/fd/3")))
await attempt("write elsewhere", () => fs.writeFileSync(elsewhere, "x"))
await attempt("write beside the code", () => fs.writeFileSync(new URL("./made.js", import.meta.url), "x"))
await attempt("link to a file", () => fs.symlinkSync(secret, elsewhere + "-link"))
await attempt("start a program", () => { const { error } = child.spawnSync("true"); if (error) throw error })
await attempt("load an addon", () => process.dlopen({ exports: {} }, addon))
await attempt("start a thread without restrictions", () => new Promise((resolve, reject) => {
  const code = "require('fs').readFileSync(" + JSON.stringify(secret) + ")"
  new Worker(code, { eval: true, execArgv: [], env: {} }).on("error", reject).on("exit", resolve)
}))
await attempt("run text as code", () => Function("return 1")())
await attempt("open the debugger", async () => (await import("node:inspector")).open(0))
await attempt("connect", () => new Promise((resolve, reject) => {
  net.connect(9, "127.0.0.1").on("connect", resolve).on("error", (error) => {
    if (error.code === "ECONNREFUSED") resolve(); else reject(error)
  })
}))
await attempt("read the input", () => {
  if (fs.readSync(3, new Uint8Array(4), 0, 4, 0) !== 4) throw new Error("short")
})
await attempt("write the output", () => fs.writeSync(4, new Uint8Array(4), 0, 4, 0))
await attempt("remove a file", () => fs.rmSync(secret))
console.log(JSON.stringify(found))
process.exit()
`

describe("what an isolated process may do", () => {
  const probe = (flags: readonly string[]): Record<string, string> => {
    const folder = newFolder()
    const secret = join(folder, "secret")
    writeFileSync(secret, "secret")
    const input = openSync(fixture("dtypes-zip-f32.pt"), "r")
    const output = openSync(join(folder, "output"), "w+")
    const addon = join(script, "..", "addon.node")
    const found = findAddon()
    if (found !== undefined) copyFileSync(found, addon)
    const path = join(script, "..", "probe.js")
    writeFileSync(path, PROBE)
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...flags, path, secret, join(folder, "made"), addon],
      { stdio: ["ignore", "pipe", "pipe", input, output], encoding: "utf8", env: {} },
    )
    closeSync(input)
    closeSync(output)
    expect(stderr.replace(/^Debugger listening.*\nFor help.*\n/, "")).toBe("")
    return JSON.parse(stdout)
  }

  it.skipIf(!linux || findAddon() === undefined)("is to use what it was handed, and nothing else", () => {
    const { argv, network } = isolationFlags(join(script, ".."))
    expect(argv.at(-1)).toBe(script)
    const found = probe(argv.slice(0, -1))
    const { "read the input": read, "write the output": write, connect, ...others } = found
    expect({ read, write }).toEqual({ read: "done", write: "done" })
    expect(connect).toBe(network === "allowed" ? "done" : "ERR_ACCESS_DENIED")
    const { "load an addon": addon, "run text as code": text, ...rest } = others
    expect({ addon, text }).toEqual({ addon: "ERR_DLOPEN_DISABLED", text: "EvalError" })
    expect(new Set(Object.values(rest))).toEqual(new Set(["ERR_ACCESS_DENIED"]))
    expect(Object.keys(rest)).toHaveLength(11)
  })

  it.skipIf(!linux || findAddon() === undefined)("is what the probe can do without the flags", () => {
    expect(new Set(Object.values(probe([])))).toEqual(new Set(["done"]))
  })

  it("cannot be told for a folder with a star in its name", () => {
    const folder = join(newFolder(), "a*b")
    mkdirSync(folder)
    writeFileSync(join(folder, "cli.js"), "")
    expect(() => isolationFlags(folder)).toThrow(/because of its star/)
  })
})

describe("an isolated command", () => {
  const files = depth({
    quick: ["sharing-tied.pt"],
    deep: ["sharing-tied.pt", "roots-state-dict-and-optimizer.pt"],
  })

  it.each(files)("does what the plain one does: %s", (name) => {
    const { input, output } = written(readFileSync(fixture(name)))
    const commands = [
      ["inspect", input, "--json"],
      ["inspect", input],
      [input, "--dry-run"],
      [input, "--json"],
      [input, "--dry-run", "--json"],
      [input, "--json", "--provenance", "--force"],
      ["verify", output, input, "--json"],
      ["verify", output, input, "--provenance"],
      [input, "--dry-run"],
      ["verify", output],
    ]
    // A third of them makes a file, and verifies it.
    for (const argv of sampled(commands, 1)) {
      const isConversion = argv.includes(input) && argv[0] === input && !argv.includes("--dry-run")
      const plain = runScript(script, argv)
      const bytes = isConversion ? readFileSync(output) : undefined
      const isolated = runScript(script, [...argv, "--isolate", ...(isConversion ? ["--force"] : [])])
      const { code, signal, stdout } = isolated
      expect({ code, signal, stdout: stdout.toString() }, argv.join(" ")).toEqual({
        ...{ code: plain.code, signal: plain.signal, stdout: plain.stdout.toString() },
      })
      expect(isolated.stderr.replace(NOTE, "")).toBe(plain.stderr)
      if (bytes !== undefined) expect(Buffer.compare(readFileSync(output), bytes)).toBe(0)
    }
  })

  it.runIf(DEEP)("copies large files whole, and checks them", () => {
    const { folder, input, output } = written(largeCheckpoint(80))
    expect(runScript(script, [input, "--isolate"]).code).toBe(0)
    expect(runScript(script, ["verify", output, input]).stdout.toString()).toContain("same: every byte is")
    expect(readdirSync(folder).sort()).toEqual(["model.pt", "model.safetensors"])
    if (!DEEP) return
    const json = JSON.parse(runScript(script, [input, "--isolate", "--force", "--json"]).stdout.toString())
    expect(json.sha256).toEqual(
      JSON.parse(runScript(script, [input, "--force", "--json"]).stdout.toString()).sha256,
    )
  })

  it.skipIf(!posix)("takes pipes, redirected files, links and names of any kind", () => {
    const bytes = readFileSync(fixture("sharing-tied.pt"))
    const expected = readFileSync(fixture("sharing-tied.safetensors"))
    const holdsExpected = (path: string): boolean => Buffer.compare(readFileSync(path), expected) === 0
    const { folder, input, output } = written(bytes, "a,b *?[c] 'd'\u00e4.pt")
    const converted = output.replace("model", "a,b *?[c] 'd'\u00e4")
    expect(runScript(script, [input, "--isolate"]).code).toBe(0)
    expect(holdsExpected(converted)).toBe(true)
    expect(runShell(script, `cat "${input}" | $CLI - --isolate -o "${output}"`).code).toBe(0)
    expect(holdsExpected(output)).toBe(true)
    // Each of them starts two processes.
    if (!DEEP) return
    expect(runShell(script, `$CLI - --isolate --force -o "${output}" < "${input}"`).code).toBe(0)
    expect(holdsExpected(output)).toBe(true)
    const piped = runShell(script, `cat "${input}" | $CLI - --isolate -o - --quiet`)
    expect(Buffer.compare(piped.stdout, expected)).toBe(0)
    const link = join(newFolder(), "link.pt")
    symlinkSync(input, link)
    expect(runScript(script, [link, "--isolate"]).code).toBe(0)
    const relative = runShell(
      script,
      `cd "${folder}" && $CLI "./${basename(input)}" --isolate --force -o x.safetensors`,
    )
    expect(relative.code).toBe(0)
    expect(holdsExpected(join(folder, "x.safetensors"))).toBe(true)
    expect(readdirSync(folder)).toHaveLength(4)
  })

  it("scans what the plain one scans", () => {
    const { folder, input } = written(readFileSync(fixture("globals-path.pt")), "bad.pt")
    const clean = join(folder, "clean.pt")
    copyFileSync(fixture("dtypes-zip-f32.pt"), clean)
    const missing = join(folder, "missing.pt")
    const bytes = readFileSync(clean)
    const scans = [
      [[clean], 0],
      [[clean, "--json"], 0],
      [[clean, input], 1],
      [[input, clean, "--json"], 1],
      [[input, clean, "--sarif"], 1],
      [[clean, missing], 3],
      [[missing, clean, "--json"], 3],
      [[clean, "--sha256", createHash("sha256").update(bytes).digest("hex")], 0],
      [[clean, "--sha256", "0".repeat(64)], 1],
      [[clean, input, "--sha256", "0".repeat(64)], 2],
    ] as const
    for (const [argv, code] of sampled(scans, 1)) {
      const plain = runScript(script, ["scan", ...argv])
      const isolated = runScript(script, ["scan", ...argv, "--isolate"])
      expect(plain.code, argv.join(" ")).toBe(code)
      expect({ code: isolated.code, stdout: isolated.stdout.toString() }, argv.join(" ")).toEqual({
        code,
        stdout: plain.stdout.toString(),
      })
      expect(isolated.stderr.replace(NOTE, "")).toBe(plain.stderr)
    }
  })

  it("scans no folder: files are handed over one by one", () => {
    const { folder } = written(readFileSync(fixture("dtypes-zip-f32.pt")))
    const { code, stdout, stderr } = runScript(script, ["scan", folder, "--isolate"])
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain("is a folder: name its files")
  })

  it.runIf(DEEP && posix)("scans a pipe", () => {
    const input = fixture("globals-path.pt")
    const plain = runShell(script, `cat "${input}" | $CLI scan -`)
    const isolated = runShell(script, `cat "${input}" | $CLI scan - --isolate`)
    expect(plain.code).toBe(1)
    expect(isolated.code).toBe(1)
    expect(isolated.stdout.toString()).toBe(plain.stdout.toString())
  })

  it("exits with the code of what went wrong, and leaves nothing", () => {
    const { folder, input, output } = written(readFileSync(fixture("globals-path.pt")))
    const refused = runScript(script, [input, "--isolate", "--json"])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout.toString()).error.code).toBe("global-not-allowed")
    const others = [
      [[input, "--root", "a", "--all"], 2, "--root"],
      [[input, input], 2, "One after the other"],
      [["inspect", input, input], 2, "inspect"],
      [[join(folder, "missing.pt")], 3, "missing.pt"],
      [[input, "-o", join(folder, "no", "x.safetensors")], 3, "could not write"],
      [[input, "--sha256", "0".repeat(64)], 1, "digest-mismatch"],
    ] as const
    for (const [argv, code, words] of sampled(others, 1)) {
      const ending = runScript(script, [...argv, "--isolate"])
      expect(ending.stderr).toContain(words)
      expect(ending.code, argv.join(" ")).toBe(code)
    }
    expect(readdirSync(folder)).toEqual(["model.pt"])
    if (!DEEP) return
    writeFileSync(output, "precious")
    expect(runScript(script, [input, "--isolate"]).stderr).toContain("code  output-exists")
    expect(runScript(script, [input, "--isolate", "--force"]).code).toBe(1)
    expect(readFileSync(output, "utf8")).toBe("precious")
    const named = runScript(script, [fixture("dtypes-zip-f32.safetensors"), "--isolate"])
    expect(named.stderr).toContain("a safetensors file already")
  })

  it.runIf(DEEP)("does not print that it wrote what could not get its name", async () => {
    const { folder, input, output } = written(expandingCheckpoint(depth({ quick: 0.25, deep: 1 })))
    const running = startScript(script, [input, "--isolate", "--limit", "outputFloorBytes=9000000000"])
    await midway(folder, running)
    writeFileSync(output, "precious")
    const { code, stdout, stderr } = await running.ended
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toContain("code  output-exists")
    expect(readFileSync(output, "utf8")).toBe("precious")
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it.runIf(DEEP && posix)("does not inherit NODE_OPTIONS", () => {
    const { folder, input } = written(readFileSync(fixture("dtypes-zip-f32.pt")))
    const loaded = join(folder, "loaded.cjs")
    writeFileSync(
      loaded,
      `require("fs").appendFileSync(${JSON.stringify(join(folder, "log"))}, process.pid + "\\n")`,
    )
    const { code } = runShell(script, `NODE_OPTIONS='--require "${loaded}"' $CLI "${input}" --isolate`)
    expect(code).toBe(0)
    expect(readFileSync(join(folder, "log"), "utf8").trim().split("\n")).toHaveLength(1)
  })

  it.runIf(DEEP && posix)("of a disk that fills up is an I/O failure", () => {
    const { folder, input } = written(expandingCheckpoint(1))
    const line = `"${input}" --isolate --limit outputFloorBytes=9000000000`
    const { code, stderr } = runShell(script, `trap '' XFSZ; ulimit -f 4096; $CLI ${line}`)
    expect(code).toBe(3)
    expect(stderr).toContain("(EFBIG)")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })
})

/** Processes that `pid` has started. */
function childrenOf(pid: number | undefined): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number)
}

describe.skipIf(!linux)("an isolated conversion", () => {
  const begin = async (): Promise<{ folder: string; running: ReturnType<typeof startScript> }> => {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    writeSparseCheckpoint(input, 3)
    const running = startScript(script, [input, "--isolate", "--quiet"])
    await midway(folder, running)
    return { folder, running }
  }

  const signals = [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const

  it.each(sampled(signals, 1))("that gets %s leaves nothing, and exits with %i", async (signal, code) => {
    const { folder, running } = await begin()
    const [child = 0] = childrenOf(running.pid)
    running.kill(signal)
    expect(await running.ended).toMatchObject({ code, stderr: "tosafetensors: interrupted\n" })
    expect(readdirSync(folder)).toEqual(["model.pt"])
    expect(existsSync(`/proc/${child}`)).toBe(false)
  })

  it.runIf(DEEP)("whose process is killed says so and leaves nothing", async () => {
    const { folder, running } = await begin()
    const [child = 0] = childrenOf(running.pid)
    process.kill(child, "SIGKILL")
    const { code, stderr } = await running.ended
    expect(code).toBe(70)
    expect(stderr).toContain("the isolated process was ended by SIGKILL")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it.runIf(DEEP)("ends when what started it is killed", async () => {
    const { folder, running } = await begin()
    running.kill("SIGKILL")
    // It holds the same standard output, so that this waits for it as well.
    await running.ended
    expect(existsSync(join(folder, "model.safetensors"))).toBe(false)
  })

  it.runIf(DEEP)("keeps the debugger of what started it shut", async () => {
    const { running } = await begin()
    running.kill("SIGUSR1")
    await sleep(50)
    running.kill("SIGINT")
    expect((await running.ended).stderr).toBe("tosafetensors: interrupted\n")
  })
})
