/** Plans are JSON: made in one process, carried out in another, against sources that are given by name. */

import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { build } from "esbuild"
import { beforeAll, describe, expect, it } from "vitest"
import { bindExtents } from "../../src/api/write-plan.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import { storeOf } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import {
  openCheckpoint,
  type Plan,
  type Segment,
  toSafetensorsBytes,
  writePlan,
} from "../../src/node/index.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { mixedTensors } from "../transfer/plans.ts"

const newFolder = temporaryFolders()
const STYLES = [
  ["stored", {}],
  ["deflated", { deflated: () => true }],
  ["big-endian", { byteOrder: "big" }],
  ["legacy", { layout: "legacy" }],
] as const

/** The plan as a file has it. */
const sent = <Kind extends Plan>(plan: Kind): Kind => JSON.parse(JSON.stringify(plan))

async function madeFrom(file: Uint8Array): Promise<{ plan: Plan; expected: Uint8Array }> {
  const checkpoint = await openCheckpoint(file)
  return { plan: sent(checkpoint.plan()), expected: (await toSafetensorsBytes(file)).bytes }
}

describe("another process", () => {
  const library = join(newFolder(), "library.mjs")
  const carryOut = `
    import { readFileSync } from "node:fs"
    const [library, plan, sources, output] = process.argv.slice(1)
    const { writePlan } = await import(library)
    const report = await writePlan(JSON.parse(readFileSync(plan, "utf8")), sources, output)
    console.log(report.tensorCount)
  `
  beforeAll(async () => {
    const entryPoints = ["src/node/index.ts"]
    await build({
      entryPoints,
      outfile: library,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
    })
  })

  it.each(STYLES)("writes the same bytes: %s", async (_, style) => {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    writeFileSync(input, writeCheckpoint(mixedTensors(), style))
    const checkpoint = await openCheckpoint(input)
    const plan = checkpoint.plan()
    expect(plan.sources).toEqual([{ name: "model.pt", byteLength: statSync(input).size }])
    const direct = join(folder, "direct.safetensors")
    await checkpoint.write(plan, direct)
    await checkpoint.close()
    const [planned, output] = [join(folder, "plan.json"), join(folder, "elsewhere.safetensors")]
    writeFileSync(planned, JSON.stringify(plan))
    // Another folder on another machine: what counts is the name.
    const moved = newFolder()
    copyFileSync(input, join(moved, "model.pt"))
    const argv = ["--input-type=module", "-e", carryOut, library, planned, moved, output]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" })
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: "", stdout: `${mixedTensors().size}\n` })
    expect(Buffer.compare(readFileSync(output), readFileSync(direct))).toBe(0)
    expect(Buffer.compare(readFileSync(output), (await toSafetensorsBytes(input)).bytes)).toBe(0)
  })
})

describe("sources", () => {
  const file = writeCheckpoint(mixedTensors())

  it("are inputs by name, a store, or a folder", async () => {
    const { plan, expected } = await madeFrom(file)
    const folder = newFolder()
    writeFileSync(join(folder, "input"), file)
    const store = storeOf(new Map([["input", memorySource(file)]]), "input")
    for (const sources of [{ input: file }, new Map([["input", new Blob([file])]]), store, folder]) {
      const sink = new MemorySink()
      await writePlan(plan, sources, sink)
      expect(Buffer.compare(sink.bytes, expected)).toBe(0)
    }
  })

  it("have the names of the plan, and its lengths", async () => {
    const { plan } = await madeFrom(file)
    for (const sources of [{}, { other: file }, newFolder(), { input: file.subarray(1) }]) {
      await expect(writePlan(plan, sources, new MemorySink())).rejects.toMatchObject({
        code: "invalid-argument",
      })
    }
  })

  it("are looked up in the folder and nowhere else", async () => {
    const { plan } = await madeFrom(file)
    const folder = newFolder()
    writeFileSync(join(folder, "model.pt"), file)
    for (const name of [join(folder, "model.pt"), `../${folder.split("/").at(-1)}/model.pt`]) {
      const sources = [{ name, byteLength: file.length }]
      const run = writePlan({ ...plan, sources }, newFolder(), new MemorySink())
      await expect(run).rejects.toMatchObject({ code: "invalid-argument", detail: { argument: "sources" } })
    }
  })

  it("are never the output", async () => {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    writeFileSync(input, file)
    const checkpoint = await openCheckpoint(input)
    const plan = sent(checkpoint.plan())
    await checkpoint.close()
    for (const sources of [folder, { "model.pt": input }]) {
      const run = writePlan(plan, sources, input, { overwrite: true })
      await expect(run).rejects.toMatchObject({ code: "output-is-input" })
    }
    expect(Buffer.compare(readFileSync(input), file)).toBe(0)
    expect(existsSync(join(folder, "model.safetensors"))).toBe(false)
  })
})

describe("a plan that somebody changed", () => {
  const file = writeCheckpoint(mixedTensors())
  const change = (plan: Plan, kind: Segment["kind"], changes: object): Plan => {
    const at = plan.segments.findIndex((segment) => segment.kind === kind)
    return { ...plan, segments: plan.segments.with(at, { ...plan.segments[at], ...changes } as Segment) }
  }

  it.each<[what: string, changed: (plan: Plan) => Plan]>([
    [
      "an extent beyond the file",
      (plan) => ({ ...plan, extents: plan.extents.map((e) => ({ ...e, offset: file.length })) }),
    ],
    [
      "an extent of no source",
      (plan) => ({ ...plan, extents: plan.extents.map((e) => ({ ...e, source: 1 })) }),
    ],
    [
      "an extent that nobody has located",
      (plan) => ({ ...plan, extents: plan.extents.map(({ offset: _, ...e }) => e) }),
    ],
    [
      "an extent of fractions",
      (plan) => ({ ...plan, extents: plan.extents.map((e) => ({ ...e, offset: 0.5 })) }),
    ],
    ["a copy of an extent that is not there", (plan) => change(plan, "copy", { extent: 99 })],
    ["a copy beyond its extent", (plan) => change(plan, "copy", { offsetInExtent: 1e6 })],
    ["a copy of less than nothing", (plan) => change(plan, "copy", { length: -1 })],
    [
      "a gather beyond its extent",
      (plan) =>
        change(plan, "gather", { view: { itemBytes: 1, elementOffset: 1e6, shape: [1], strides: [1] } }),
    ],
    [
      "a gather of elements of no size",
      (plan) =>
        change(plan, "gather", { view: { itemBytes: 0, elementOffset: 0, shape: [1], strides: [1] } }),
    ],
    [
      "a gather of another length",
      (plan) =>
        change(plan, "gather", { view: { itemBytes: 1, elementOffset: 0, shape: [1], strides: [1] } }),
    ],
    [
      "a gather without strides",
      (plan) => change(plan, "gather", { view: { itemBytes: 1, elementOffset: 0, shape: [1], strides: [] } }),
    ],
    ["a segment of another kind", (plan) => change(plan, "copy", { kind: "run" })],
    ["checks of what it does not have", (plan) => ({ ...plan, checkedExtents: [99] })],
  ])("with %s is refused, and nothing is written", async (_, changed) => {
    const { plan } = await madeFrom(file)
    const wrong = changed(plan)
    expect(() => bindExtents(wrong, [{ name: "input", source: memorySource(file) }])).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    )
    const sink = new MemorySink()
    await expect(writePlan(wrong, { input: file }, sink)).rejects.toMatchObject({ code: "invalid-argument" })
    expect(sink.bytes.length).toBe(0)
  })

  it("with segments that leave a gap is refused", async () => {
    const { plan } = await madeFrom(file)
    const wrong = { ...plan, segments: plan.segments.slice(0, -1) }
    const run = writePlan(wrong, { input: file }, new MemorySink())
    await expect(run).rejects.toMatchObject({ code: "output-incomplete" })
  })
})
