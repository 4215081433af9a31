import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { CorpusCase } from "../corpus.ts"
import { readManifest } from "../corpus.ts"
import { sampled } from "../depth.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { ORACLE, run } from "./run.ts"

const newFolder = temporaryFolders()

/** The options of a case as arguments; undefined for those that the command line cannot say. */
function argumentsOf({ options = {} }: CorpusCase): readonly string[] | undefined {
  const { root, include = [], exclude = [], keep = [], shared, metadata, byteOrder, verify } = options
  const { format } = metadata ?? { format: "pt" }
  if (format !== "pt") return undefined
  if ([include, exclude, keep].some((filter) => typeof filter === "function")) return undefined
  const pairs = Object.entries(metadata ?? {}).map(([key, value]) => `${key}=${value}`)
  return [
    ...(root === "all" ? ["--all"] : root === undefined ? [] : ["--root", JSON.stringify(root)]),
    ...[include].flat().flatMap((glob) => ["--include", `${glob}`]),
    ...[exclude].flat().flatMap((glob) => ["--exclude", `${glob}`]),
    ...[keep].flat().flatMap((glob) => ["--keep", `${glob}`]),
    ...(shared === undefined ? [] : ["--shared", shared]),
    ...(byteOrder === undefined ? [] : ["--byteorder", byteOrder]),
    ...(verify === undefined ? [] : ["--verify", verify]),
    ...pairs.flatMap((pair) => ["--metadata", pair]),
  ]
}

const CASES = readManifest(ORACLE).flatMap((row) => {
  const options = argumentsOf(row)
  return options === undefined ? [] : [{ row, options, input: join(ORACLE, row.input) }]
})

const TAKEN = sampled(CASES, 140)

describe("every case of the corpus, on the command line", () => {
  it("covers nearly all of them", () => {
    expect(CASES.length).toBeGreaterThan(500)
  })

  it.each(TAKEN.map((each) => [each.row.name, each] as const))("%s", async (_, given) => {
    const { row, options, input } = given
    const output = join(newFolder(), "out.safetensors")
    const converted = await run([input, "-o", output, ...options])
    await expectInspection(given)
    if (row.error !== undefined) {
      expect(converted).toMatchObject({ code: 1, stdout: "" })
      expect(converted.stderr).toContain(`code  ${row.error}\n`)
      expect(existsSync(output)).toBe(false)
      return
    }
    expect(converted).toMatchObject({ code: 0, stderr: "" })
    const expected = readFileSync(join(ORACLE, row.expected ?? ""))
    expect(Buffer.compare(readFileSync(output), expected)).toBe(0)
    const verified = await run(["verify", output, input, ...options])
    expect(verified.stdout).toContain("same: every byte is")
    expect(verified.code).toBe(0)
  })
})

async function expectInspection({ row, options, input }: (typeof CASES)[number]): Promise<void> {
  const { stdout, code } = await run(["inspect", input, "--json"])
  const inspection: { tensors?: unknown[]; error?: { code: string } } = JSON.parse(stdout)
  if (row.error !== undefined) expect(code).toBe(inspection.error === undefined ? 0 : 1)
  else if (options.length === 0) expect(inspection.tensors?.length).toBeGreaterThan(0)
}
