/** Plans are JSON: made in one process, carried out in another, against sources that are given by name. */

import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"
import { beforeAll, describe, expect, it } from "vitest"
import { bindExtents } from "../../src/api/write-plan.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import { storeOf } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import {
  DEFAULT_LIMITS,
  openCheckpoint,
  type Plan,
  type Segment,
  toSafetensorsBytes,
  writePlan,
} from "../../src/node/index.ts"
import { serveFile } from "../http/file-server.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
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
    for (const sources of [
      folder,
      pathToFileURL(folder),
      pathToFileURL(folder).href,
      { "model.pt": input },
    ]) {
      const run = writePlan(plan, sources, input, { overwrite: true })
      await expect(run).rejects.toMatchObject({ code: "output-is-input" })
    }
    expect(Buffer.compare(readFileSync(input), file)).toBe(0)
    expect(existsSync(join(folder, "model.safetensors"))).toBe(false)
  })
})

describe("the name of a source", () => {
  it("is as a store has it, and never with the query of an address", async () => {
    const bytes = writeCheckpoint(mixedTensors())
    const named = async (input: unknown) => {
      const http = { fetch: async (_: unknown, request?: RequestInit) => rangeOf(bytes, request) }
      const checkpoint = await openCheckpoint(input as never, { http: http as never })
      return checkpoint.plan().sources.map(({ name }) => name)
    }
    for (const address of [
      "https://host/a/my%20model.pt?token=secret",
      "HTTPS://host/a/my%20model.pt?token=secret",
    ]) {
      expect(await named(address)).toEqual(["my model.pt"])
      expect(await named(new URL(address))).toEqual(["my model.pt"])
    }
    expect(await named(new File([bytes], "a.pt"))).toEqual(["a.pt"])
    expect(await named(bytes)).toEqual(["input"])
  })
})

/** What a server answers that serves ranges. */
function rangeOf(bytes: Uint8Array<ArrayBuffer>, request: RequestInit | undefined): Response {
  const [, from = "0", to = "0"] =
    /bytes=(\d+)-(\d+)/.exec(new Headers(request?.headers).get("range") ?? "") ?? []
  const [start, end] = [Number(from), Math.min(Number(to), bytes.length - 1)]
  const headers = { "content-range": `bytes ${start}-${end}/${bytes.length}` }
  return new Response(bytes.slice(start, end + 1), { status: 206, headers })
}

describe("a place on a server", () => {
  it("has the sources of a plan, and a plan from there leaves when its extents are located", async () => {
    const bytes = writeCheckpoint(mixedTensors())
    await using server = await serveFile(bytes)
    const checkpoint = await openCheckpoint(new URL("/models/model.pt?token=secret", server.url))
    const plan = checkpoint.plan()
    expect(plan.extents.some(({ offset }) => offset === undefined)).toBe(true)
    const early = writePlan(sent(plan), { "model.pt": bytes }, new MemorySink())
    await expect(early).rejects.toMatchObject({ code: "invalid-argument", detail: { argument: "plan" } })
    const located = sent(await checkpoint.locate(plan))
    expect(JSON.stringify(located)).not.toContain("secret")
    expect(located.extents.every(({ offset }) => offset !== undefined)).toBe(true)
    const expected = (await toSafetensorsBytes(bytes)).bytes
    for (const sources of [{ "model.pt": bytes }, new URL("/models/", server.url), `${server.url}models/`]) {
      const sink = new MemorySink()
      await writePlan(located, sources, sink)
      expect(Buffer.compare(sink.bytes, expected)).toBe(0)
    }
    // The plan itself is carried out by the file that made it, located or not.
    for (const mine of [plan, await checkpoint.locate(plan)]) {
      const sink = new MemorySink()
      await checkpoint.write(mine, sink)
      expect(Buffer.compare(sink.bytes, expected)).toBe(0)
    }
    await checkpoint.close()
  })
})

describe("a plan that somebody changed", () => {
  const file = writeCheckpoint(mixedTensors())
  const transformOf = (changes: object): object => ({
    ...{ partBytes: 4, swapBytes: true, negate: "none", negation: "sign-bit", normalizeBools: false },
    ...changes,
  })
  const lineOf = (rank: number): object => {
    return {
      itemBytes: 4,
      elementOffset: 0,
      shape: new Array(rank).fill(1),
      strides: new Array(rank).fill(1),
    }
  }
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
    ["a header of another length", (plan) => ({ ...plan, header: `${plan.header} ` })],
    ["no text for a header", (plan) => ({ ...plan, header: 7 as unknown as string })],
    ["a second header", (plan) => change(plan, "copy", { kind: "header" })],
    ["no header", (plan) => ({ ...plan, segments: plan.segments.slice(1) })],
    [
      "an element of no parts",
      (plan) => change(plan, "gather", { transform: transformOf({ partBytes: 0 }) }),
    ],
    [
      "an element of odd parts",
      (plan) => change(plan, "gather", { transform: transformOf({ partBytes: 3 }) }),
    ],
    ["another way to negate", (plan) => change(plan, "gather", { transform: transformOf({ negate: "x" }) })],
    ["a transform that is none", (plan) => change(plan, "gather", { transform: 1 })],
    ["a gather of no view", (plan) => change(plan, "gather", { view: null })],
    ["more dimensions than torch has", (plan) => change(plan, "gather", { view: lineOf(65) })],
    ["a million dimensions", (plan) => change(plan, "gather", { view: lineOf(1_000_000) })],
    ["an extent that is none", (plan) => ({ ...plan, extents: [null as never, ...plan.extents.slice(1)] })],
    ["a list that is none", (plan) => ({ ...plan, segments: {} as never })],
    ["an endless budget", (plan) => ({ ...plan, maxInflatedBytes: Number.MAX_SAFE_INTEGER })],
    ["a budget that is no number", (plan) => ({ ...plan, maxInflatedBytes: null as never })],
    ["checks of what it does not have", (plan) => ({ ...plan, checkedExtents: [99] })],
  ])("with %s is refused, and nothing is written", async (_, changed) => {
    const { plan } = await madeFrom(file)
    const wrong = changed(plan)
    const bounds = { limits: DEFAULT_LIMITS, inputByteLength: file.length }
    expect(() => bindExtents(wrong, [{ name: "input", source: memorySource(file) }], bounds)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    )
    const sink = new MemorySink()
    await expect(writePlan(wrong, { input: file }, sink)).rejects.toMatchObject({ code: "invalid-argument" })
    expect(sink.bytes.length).toBe(0)
  })

  it.each([null, 1, "plan", [], {}, { sources: 1 }, { sources: [null] }, { sources: [{ name: 1 }] }])(
    "and is %j now is refused",
    async (wrong) => {
      const run = writePlan(wrong as never, { input: file }, new MemorySink())
      await expect(run).rejects.toMatchObject({ code: "invalid-argument", detail: { argument: "plan" } })
    },
  )

  it("to repeat one element for ever is held to the limits of whoever carries it out", async () => {
    const bytes = writeCheckpoint(
      new Map([["w", tensor(dtypeNamed("float32"), [2 ** 20, 64], { strides: [0, 0] })]]),
    )
    const limits = { outputFloorBytes: 2 ** 40, gatherFloorBytes: 2 ** 40 }
    const plan = sent((await openCheckpoint(bytes, { limits })).plan())
    const given = (options: object) => writePlan(plan, { input: bytes }, new MemorySink(), options)
    await expect(given({})).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "outputFloorBytes" },
    })
    expect((await given({ limits })).byteLength).toBe(plan.byteLength)
  })

  it("with segments that leave a gap is refused", async () => {
    const { plan } = await madeFrom(file)
    const wrong = { ...plan, segments: plan.segments.slice(0, -1) }
    const run = writePlan(wrong, { input: file }, new MemorySink())
    await expect(run).rejects.toMatchObject({ code: "output-incomplete" })
  })
})
