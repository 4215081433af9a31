import { describe, expect, it } from "vitest"
import packageJson from "../../package.json"
import { OPTION_ROWS } from "../../src/cli/command-line.ts"
import { COMMANDS } from "../../src/cli/commands.ts"
import { run } from "./run.ts"

describe("--help and --version", () => {
  it.each([["--help"], ["inspect", "--help"], ["scan", "--help"], ["verify", "-h"]])(
    "%s %s",
    async (...argv) => {
      const { code, stdout, stderr } = await run(argv.filter((word) => word !== undefined))
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout).toMatchSnapshot()
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80)
    },
  )

  it.each(["--version", "-V"])("%s", async (option) => {
    expect(await run([option])).toMatchObject({ code: 0, stdout: `${packageJson.version}\n`, stderr: "" })
  })

  it("are found behind other arguments, but not behind --", async () => {
    expect((await run(["model.pt", "--force", "--help"])).code).toBe(0)
    expect((await run(["--", "--help"])).code).toBe(3)
  })
})

describe("a command line that is not understood", () => {
  it.each<readonly [readonly string[], string]>([
    [[], "no file was named"],
    [["inspect"], "no file was named"],
    [["verify"], "no file was named"],
    [["scan"], "no file was named"],
    [["convert", "model.pt"], 'there is no command "convert"'],
    [["a.pt", "b.pt"], "one checkpoint is converted at a time, and 2 files were named"],
    [["a.pt", "--frobnicate"], "Unknown option '--frobnicate'"],
    [["a.pt", "-x"], "Unknown option '-x'"],
    [["a.pt", "-o"], "Option '-o, --output <value>' argument missing"],
    [["a.pt", "--force=yes"], "Option '--force' does not take an argument"],
    [["a.pt", "--root", "a", "--all"], "--root and --all exclude each other"],
    [["a.pt", "--root", "[a"], "--root takes keys joined by dots or a JSON array of strings"],
    [["a.pt", "--root", "[1]"], "--root takes keys joined by dots or a JSON array of strings"],
    [["a.pt", "--shared", "drop"], '--shared takes alias or copy or error, not "drop"'],
    [["a.pt", "--verify", "sha"], '--verify takes crc or none, not "sha"'],
    [["a.pt", "--byteorder", "middle"], '--byteorder takes little or big, not "middle"'],
    [["a.pt", "--metadata", "key"], '--metadata takes KEY=VALUE, not "key"'],
    [["a.pt", "--metadata", "=value"], '--metadata takes KEY=VALUE, not "=value"'],
    [["a.pt", "--rename", "a"], '--rename takes FROM=TO, not "a"'],
    [["a.pt", "--rename", "*.a=b"], "both sides need the same number of stars"],
    [["a.pt", "--limit", "maxFun=1"], 'there is no limit "maxFun"; there are maxZipEntries, '],
    [["a.pt", "--limit", "toString=1"], 'there is no limit "toString"'],
    [["a.pt", "--limit", "maxRank=many"], "the value must be a whole number"],
    [["a.pt", "--limit", "maxRank=-1"], "the value must be a whole number"],
    [["verify", "a", "--dry-run"], "Unknown option '--dry-run'"],
    [["a.pt", "--\u001b[31m"], "Unknown option '--\\u001b[31m'"],
  ])("%j", async (argv, message) => {
    const { code, stdout, stderr } = await run(argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(
      /^tosafetensors: .+\n(?: {2}next {2}.+\n(?: {2}run {3}.+\n)?)?Usage: tosafetensors .+\ntosafetensors .*--help tells more\.\n$/,
    )
    expect(stderr).toContain(message)
  })
})

describe("the tables", () => {
  it("have no option that no command takes, and none that a command takes twice", () => {
    const taken = COMMANDS.flatMap(({ options }) => options)
    expect(new Set(taken)).toEqual(new Set(OPTION_ROWS.keys()))
    for (const { options } of COMMANDS) expect(new Set(options).size).toBe(options.length)
  })

  it("have no name of another program twice, and none that is a name here", () => {
    for (const rows of [COMMANDS, [...OPTION_ROWS.values()]]) {
      const others = rows.flatMap(({ alsoCalled = [] }) => alsoCalled)
      expect(new Set(others).size).toBe(others.length)
    }
    const [, ...named] = COMMANDS
    const names = new Set<string>(named.map(({ name }) => name))
    expect(named.flatMap(({ alsoCalled = [] }) => alsoCalled.filter((name) => names.has(name)))).toEqual([])
  })

  it("answer every name of another program", async () => {
    const [, ...named] = COMMANDS
    for (const { name, alsoCalled = [] } of named)
      for (const other of alsoCalled)
        expect((await run([other, "model.pt"])).stderr).toContain(`Did you mean ${name}?`)
    for (const [name, { alsoCalled = [] }] of OPTION_ROWS)
      for (const other of alsoCalled)
        expect((await run(["model.pt", `--${other}`])).stderr).toContain(`Did you mean --${name}?`)
  })
})
