import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { ORACLE, run } from "./run.ts"

const fixture = (name: string): string => join(ORACLE, `${name}.pt`)

async function inspected(name: string, options: readonly string[] = [], columns?: number): Promise<string> {
  const surroundings = columns === undefined ? {} : { columns }
  const { code, stdout, stderr } = await run(["inspect", fixture(name), ...options], surroundings)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return stdout.replaceAll(ORACLE, "ORACLE")
}

describe("the table", () => {
  it.each([
    "dtypes-zip-all",
    "roots-state-dict",
    "roots-gan",
    "roots-bare-tensor",
    "roots-empty-dict",
    "sharing-tied-thrice",
    "sharing-whole-and-middle",
    "sharing-transposed",
    "unsupported-quantized",
    "unsupported-outside-the-root",
    "values-shared-state-dict",
    "names-empty",
    "zip-without-crc",
  ])("of %s", async (name) => {
    expect(await inspected(name)).toMatchSnapshot()
  })

  it("follows the options of a conversion", async () => {
    expect(
      await inspected("options-include", ["--include", "*.weight", "--exclude", "head.*"]),
    ).toMatchSnapshot()
    expect(await inspected("roots-gan", ["--root", "net_d"])).toMatchSnapshot()
    expect(await inspected("roots-gan", ["--all"])).toContain("converts to  4 tensors")
    expect(await inspected("unsupported-quantized", ["--exclude", "fine"])).toContain("refused")
    expect(await inspected("legacy-big-endian", ["--byteorder", "little"])).toContain("converts to")
  })

  it("lists what is under the root where the names from the top are no use", async () => {
    expect(await inspected("roots-explicit-dotted-key", ["--root", '["a.b"]'])).toMatchSnapshot()
  })

  it("fits a narrow terminal, and is never cut in a pipe", async () => {
    const name = "sharing-tied-module"
    const narrow = (await inspected(name, [], 60)).split("\n")
    const table = narrow.slice(0, narrow.indexOf(""))
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(60)
    expect(table.join()).toContain("…")
    expect(await inspected(name)).not.toContain("…")
    const long = await inspected("names-long")
    expect(long).toContain("layer.".repeat(600))
  })

  it("shows control characters as escapes", async () => {
    expect(await inspected("names-control")).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })
})

describe("--json", () => {
  it("holds everything", async () => {
    const text = await inspected("values-every-kind-2", ["--json"])
    // One line an entry, and no character that would make the snapshot a binary file.
    const lines = text.replaceAll(/,(?=["{])/g, ",\n")
    expect(lines).toMatchSnapshot()
    expect(JSON.parse(text).values.extra.text).toContain("é中😀")
  })

  it("tells of sharing, of what is left out and of what is refused", async () => {
    const shared = JSON.parse(await inspected("sharing-tied-thrice", ["--json"]))
    expect(shared.sharedMemory).toEqual([
      ["c", "b", "a"],
      ["y", "x"],
    ])
    expect(shared.tensors.map(({ name, aliasOf }: Record<string, unknown>) => [name, aliasOf])).toEqual([
      ["c", null],
      ["b", "c"],
      ["a", "c"],
      ["y", null],
      ["x", "y"],
    ])
    const refused = JSON.parse(await inspected("unsupported-quantized", ["--json"]))
    expect(refused.problem.code).toBe("tensor-unsupported")
    expect(refused.tensors[1]).toMatchObject({ kind: "unsupported-tensor", leftOut: "unsupported" })
    const undecided = JSON.parse(await inspected("roots-gan", ["--json"]))
    expect(undecided.root).toBeNull()
    expect(undecided.rootCandidates).toHaveLength(2)
  })

  it("keeps names that JavaScript inherits", async () => {
    const text = await inspected("names-inherited", ["--json"])
    expect(text).toContain('"__proto__":{')
    const names = JSON.parse(text).tensors.map(({ name }: { name: string }) => name)
    expect(names).toContain("__proto__")
    expect(names).toContain("constructor")
  })

  it("is plain ASCII where a character could do harm", async () => {
    const text = await inspected("names-delete-and-separators", ["--json"])
    expect(text.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(JSON.parse(text).tensors.length).toBeGreaterThan(0)
  })
})

describe("what is refused", () => {
  it.each<readonly [string, readonly string[], number, string]>([
    ["a missing file", ["inspect", "missing.pt"], 3, "read-failed"],
    ["another kind of file", ["inspect", join(ORACLE, "manifest.json")], 1, "not-a-checkpoint"],
    ["globals", ["inspect", fixture("globals-namespace")], 1, "global-not-allowed"],
    ["a root that is not there", ["inspect", fixture("roots-gan"), "--root", "net_x"], 1, "root-not-found"],
    ["no root and names that clash", ["inspect", fixture("roots-explicit-dotted-key")], 1, "root-ambiguous"],
    ["names that cannot be", ["inspect", fixture("names-key-bytes")], 1, "name-type"],
  ])("is %s", async (_, argv, expected, error) => {
    const { code, stdout, stderr } = await run(argv)
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" })
    expect(stderr).toContain(`code  ${error}\n`)
    const json = await run([...argv, "--json"])
    expect(JSON.parse(json.stdout).error.code).toBe(error)
  })

  it("is a root in a tensor that was saved alone", async () => {
    const { code, stderr } = await run(["inspect", fixture("roots-bare-tensor"), "--root", "model"])
    expect(code).toBe(1)
    expect(stderr).toContain('tosafetensors: there are no tensors under "model"\n')
    expect(stderr).toContain("next  Leave --root out: the checkpoint has no parts.\n")
  })

  it("is a second file", async () => {
    expect((await run(["inspect", "a", "b"])).code).toBe(2)
  })

  it("is an option of another command", async () => {
    expect((await run(["inspect", "a", "--force"])).stderr).toContain("Unknown option '--force'")
  })
})

it("reads standard input", async () => {
  const { code, stdout } = await run(["inspect", "-"], { stdin: readFileSync(fixture("roots-plain")) })
  expect(code).toBe(0)
  expect(stdout).toContain("standard input: zip layout")
})
