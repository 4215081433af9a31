import { describe, expect, it } from "vitest"
import { scan } from "../../src/node/index.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { run } from "./run.ts"
import { archive, ESCAPES, fixture, SYSTEM, scanFolder } from "./scan-files.ts"

const newFolder = temporaryFolders()
const FILES = scanFolder(newFolder(), {
  "clean.pt": archive(),
  "system.pkl": SYSTEM,
  "escapes.pkl": ESCAPES,
})

async function scanned(...argv: readonly string[]): Promise<{ code: number; json: Record<string, unknown> }> {
  const { code, stdout } = await run(["scan", "--json", ...argv])
  expect(stdout.split("\n")).toHaveLength(2)
  return { code, json: JSON.parse(stdout) }
}

describe("scan --json", () => {
  it.each([
    FILES("clean.pt"),
    FILES("system.pkl"),
    FILES("escapes.pkl"),
    fixture("layouts-torchscript.pt"),
    fixture("globals-several.pt"),
    fixture("zip-without-crc.pt"),
    fixture("dtypes-zip-f32.safetensors"),
  ])("prints the library's report on %s", async (file) => {
    const report = await scan(file)
    const { code, json } = await scanned(file)
    expect(code).toBe(report.verdict === "clean" ? 0 : 1)
    // What the library leaves undefined is null.
    const nulls = (_: string, value: unknown): unknown => (value === null ? undefined : value)
    expect(JSON.parse(JSON.stringify(json), nulls)).toEqual({
      verdict: report.verdict,
      files: [JSON.parse(JSON.stringify({ file, ...report }), nulls)],
      skipped: [],
    })
  })

  it("has all its keys, always in the same order", async () => {
    const { stdout } = await run(["scan", "--json", FILES("system.pkl")])
    expect(
      stdout.replace(FILES("system.pkl"), "system.pkl").replaceAll(/,(?=["{])/g, ",\n"),
    ).toMatchSnapshot()
  })

  it("tells of files that could not be read, and of what is not scanned", async () => {
    const folder = newFolder()
    scanFolder(folder, { "README.md": Buffer.from("# Read me\n"), "model.pt": archive() })
    const { code, json } = await scanned(FILES("missing.pt"), folder)
    expect(code).toBe(3)
    expect(json).toMatchObject({
      verdict: "incomplete",
      files: [
        { file: FILES("missing.pt"), error: { code: "read-failed", nextStep: expect.any(String) } },
        { verdict: "clean" },
      ],
      skipped: [{ file: expect.stringContaining("README.md"), reason: "not-a-model" }],
    })
    expect((await scanned(FILES("missing.pt"), FILES("system.pkl"))).json).toMatchObject({
      verdict: "refused",
    })
  })

  it("calls standard input so", async () => {
    const { stdout } = await run(["scan", "-", "--json"], { stdin: SYSTEM })
    expect(JSON.parse(stdout).files[0]).toMatchObject({ file: "standard input", verdict: "refused" })
  })
})
