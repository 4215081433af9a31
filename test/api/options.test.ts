import { describe, expect, it } from "vitest"
import { MemorySink } from "../../src/bytes/sinks.ts"
import {
  type ConvertOptions,
  openCheckpoint,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import { SAMPLE } from "./sample.ts"

const WRONG: readonly (readonly [string, unknown])[] = [
  ["root", "state_dict"],
  ["root", [1]],
  ["root", null],
  ["include", 5],
  ["include", [/a/]],
  ["exclude", {}],
  ["rename", { a: "b" }],
  ["shared", "dedupe"],
  ["shared", true],
  ["metadata", "format=pt"],
  ["metadata", new Map([["format", "pt"]])],
  ["metadata", null],
  ["metadata", { format: 1 }],
  ["verify", "sha"],
  ["byteOrder", "BIG"],
  ["limits", 5],
  ["http", "token"],
  ["http", { header: { authorization: "x" } }],
  ["http", { fetch: "https://proxy.example.org" }],
  ["http", { headers: "authorization: x" }],
  ["http", { headers: { "a b": "c" } }],
  ["http", { headers: { authorization: "a\nb" } }],
  ["signal", {}],
  ["onProgress", "log"],
]

const VERBS: readonly (readonly [string, (options: ConvertOptions) => Promise<unknown>])[] = [
  ["toSafetensors", (options) => toSafetensors(SAMPLE, new MemorySink(), options)],
  ["toSafetensorsBytes", (options) => toSafetensorsBytes(SAMPLE, options)],
  ["toSafetensorsBlob", (options) => toSafetensorsBlob(SAMPLE, options)],
  ["toSafetensorsStream", (options) => toSafetensorsStream(SAMPLE, options)],
]

describe.each(VERBS)("%s", (_, verb) => {
  it.each(WRONG)("refuses %s: %j", async (argument, value) => {
    await expect(verb({ [argument]: value })).rejects.toMatchObject({
      code: "invalid-argument",
      detail: { argument },
    })
  })

  it.each([null, 5, "all"])("refuses %j for options", async (options) => {
    await expect(verb(options as unknown as ConvertOptions)).rejects.toMatchObject({
      code: "invalid-argument",
      detail: { argument: "options" },
    })
  })

  it("takes undefined for each option", async () => {
    const undefineds = Object.fromEntries(WRONG.map(([argument]) => [argument, undefined]))
    await expect(verb(undefineds)).resolves.toBeDefined()
  })

  it("changes nothing in its options", async () => {
    const options = Object.freeze({
      root: Object.freeze([]) as readonly string[],
      include: Object.freeze(["*"]) as readonly string[],
      exclude: Object.freeze(["x*"]) as readonly string[],
      metadata: Object.freeze({ a: "b" }),
      limits: Object.freeze({ maxTensors: 10 }),
      rename: (name: string) => `${name}.x`,
    })
    await expect(verb(options)).resolves.toBeDefined()
    expect(Object.keys(options)).toEqual(["root", "include", "exclude", "metadata", "limits", "rename"])
  })

  it("tells how far it is, upwards and up to the end", async () => {
    const seen: number[] = []
    const totals = new Set<number>()
    const made = await verb({
      onProgress: ({ written, total }) => {
        seen.push(written)
        totals.add(total)
      },
    })
    if (typeof made === "object" && made !== null && "stream" in made) {
      await new Response(made.stream as ReadableStream).arrayBuffer()
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect([...totals]).toEqual([seen.at(-1)])
  })
})

describe("a checkpoint's plan", () => {
  it.each(WRONG.filter(([argument]) => !["limits", "http", "signal", "byteOrder"].includes(argument)))(
    "refuses %s: %j",
    async (argument, value) => {
      const checkpoint = await openCheckpoint(SAMPLE)
      expect(() => checkpoint.plan({ [argument]: value })).toThrow(
        expect.objectContaining({ code: "invalid-argument", detail: expect.objectContaining({ argument }) }),
      )
    },
  )
})

describe("limits", () => {
  it("that are given hold, undefined ones are the defaults", async () => {
    await expect(toSafetensorsBytes(SAMPLE, { limits: { maxTensors: 2 } })).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "maxTensors", allowed: 2, wanted: 3 },
    })
    const { report } = await toSafetensorsBytes(SAMPLE, { limits: { maxTensors: 3 } })
    expect(report.tensorCount).toBe(3)
  })
})
