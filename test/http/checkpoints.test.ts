/** Checkpoints behind a URL, by every verb: the same output, and how much is asked of the server. */

import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import {
  checkSafetensors,
  openCheckpoint,
  readSafetensorsHeader,
  scan,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import * as node from "../../src/node/index.ts"
import { EXPECTED, SAMPLE } from "../api/sample.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { breakOffAfter, serveFile } from "./file-server.ts"
import { largeCheckpoint } from "./large-checkpoint.ts"

const http = { headers: { authorization: "Bearer secret" } }

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function same(actual: Uint8Array): void {
  expect(Buffer.compare(actual, EXPECTED)).toBe(0)
}

describe.each([
  [
    "the universal build",
    { openCheckpoint, toSafetensors, toSafetensorsBlob, toSafetensorsBytes, toSafetensorsStream, scan },
  ],
  ["the build for Node", node],
])("%s", (_, build) => {
  it("converts a URL by every verb, with the caller's headers", async () => {
    await using server = await serveFile(SAMPLE)
    const { url } = server
    same((await build.toSafetensorsBytes(url, { http })).bytes)
    same(new Uint8Array(await (await build.toSafetensorsBlob(url, { http })).blob.arrayBuffer()))
    same(await collect((await build.toSafetensorsStream(url, { http })).stream))
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const collected = collect(readable)
    await build.toSafetensors(url, writable, { http })
    same(await collected)
    expect(await build.scan(url, { http })).toEqual(await build.scan(SAMPLE))
    await using checkpoint = await build.openCheckpoint(url, { http })
    expect((await checkpoint.readTensor("count")).length).toBe(8)
    expect(new Set(server.asked.map(({ headers }) => headers.authorization))).toEqual(
      new Set(["Bearer secret"]),
    )
  })
})

describe("the header of a safetensors file", () => {
  it("is read and checked from a URL", async () => {
    await using server = await serveFile(EXPECTED)
    expect((await readSafetensorsHeader(server.url, { http })).tensors.size).toBe(3)
    expect((await checkSafetensors(server.url)).valid).toBe(true)
    expect((await node.checkSafetensors(server.url)).valid).toBe(true)
    expect(server.asked.length).toBe(3)
  })
})

describe("a checkpoint of 2.3 GB with 300 tensors", () => {
  const file = largeCheckpoint(300, 7_700_000)

  it("is inspected with 8 requests and 1 MB at most", async () => {
    expect(file.byteLength).toBeGreaterThan(2_300_000_000)
    await using server = await serveFile(file)
    await using checkpoint = await openCheckpoint(server.url)
    const { report } = checkpoint.plan()
    expect(report.tensorCount).toBe(300)
    expect(checkpoint.tensors.size).toBe(300)
    expect(server.asked.length).toBeLessThanOrEqual(8)
    expect(server.sent).toBeLessThan(1_000_000)
    // Measured: the head and the tail.
    expect(server.asked.length).toBe(2)
  })

  it("gives one tensor for little more than that tensor", async () => {
    await using server = await serveFile(file)
    await using checkpoint = await openCheckpoint(server.url)
    const { sent } = server
    const bytes = await checkpoint.readTensor("model.layers.150.self_attn.q_proj.weight")
    expect(bytes.length).toBe(7_700_000)
    expect(server.sent - sent).toBeLessThan(7_702_000)
    expect(server.asked.length).toBeLessThanOrEqual(6)
  })
})

describe("a conversion from a URL", () => {
  const F32 = dtypeNamed("float32")
  const tensors = new Map(
    Array.from({ length: 12 }, (_, i) => [`w${i}`, tensor(F32, [500, 500], { seed: i })] as const),
  )
  const file = writeCheckpoint(tensors)

  it("asks for few ranges, at most six at a time", async () => {
    await using server = await serveFile(file)
    const { bytes } = await toSafetensorsBytes(server.url)
    expect(Buffer.compare(bytes, (await toSafetensorsBytes(file)).bytes)).toBe(0)
    // Head, tail, and two of at most 8 MiB; one more where a tensor lies in two chunks.
    expect(server.asked.length).toBeLessThanOrEqual(5)
    expect(server.mostAtOnce).toBeLessThanOrEqual(6)
    expect(server.sent).toBeLessThan(file.length * 1.01)
  })

  it("survives bodies that break off", async () => {
    await using server = await serveFile(file)
    server.faults.push(undefined, undefined, ...[1, 2, 3].map(() => breakOffAfter(100_000)))
    const { bytes } = await toSafetensorsBytes(server.url)
    expect(Buffer.compare(bytes, (await toSafetensorsBytes(file)).bytes)).toBe(0)
    expect(server.faults).toEqual([])
  })

  it("ends when the file changes midway, and nothing is left", async () => {
    await using server = await serveFile(file)
    let asked = 0
    server.always = ({ headers }) => {
      if (++asked > 3) headers["etag"] = '"two"'
    }
    const converted = toSafetensorsBytes(server.url).then(() => "converted")
    await expect(converted).rejects.toMatchObject({ code: "input-changed" })
  })

  it("is aborted when the header of a member is wrong, before that is written", async () => {
    const bytes = file.slice()
    const at = Buffer.from(bytes).lastIndexOf("PK\x03\x04", Buffer.from(bytes).indexOf("/data/11"), "latin1")
    bytes[at + 8] = 8
    await using server = await serveFile(bytes)
    const calls: string[] = []
    const sink = {
      randomAccess: true,
      write: async (at: number) => void calls.push(at === 0 ? "head" : "data"),
      close: async () => void calls.push("close"),
      abort: async () => void calls.push("abort"),
    }
    await expect(toSafetensors(server.url, sink)).rejects.toMatchObject({ code: "zip-mismatch" })
    expect(calls).not.toContain("close")
    expect(calls.at(-1)).toBe("abort")
  })

  it("is aborted at once", async () => {
    await using server = await serveFile(file)
    const controller = new AbortController()
    server.always = () => {
      if (server.asked.length > 2) controller.abort("enough")
      return server.asked.length > 2 ? "answered" : undefined
    }
    await expect(toSafetensorsBytes(server.url, { signal: controller.signal })).rejects.toBe("enough")
  })
})

describe("one pass over the file", () => {
  /** Tensors in an order that is not that of their names, as they are in most checkpoints. */
  const checkpoint = (
    count: number,
    elements: number,
    layout: "zip" | "legacy",
    deflated = false,
  ): Uint8Array =>
    writeCheckpoint(
      new Map(
        Array.from({ length: count }, (_, i) => [
          `layer.${i}.weight`,
          tensor(dtypeNamed("float32"), [elements], { seed: i }),
        ]),
      ),
      { layout, deflated: (member) => deflated && member.includes("/data/") },
    )

  it.each([
    ["20 MB, 300 tensors", 300, 17_000, "zip", 10],
    ["20 MB, 300 tensors, legacy", 300, 17_000, "legacy", 10],
    ["2,000 tensors of 400 bytes", 2000, 100, "zip", 8],
    ["2,000 tensors of 400 bytes, legacy", 2000, 100, "legacy", 5],
  ] as const)("is what a conversion takes: %s", async (_, count, elements, layout, requests) => {
    const bytes = checkpoint(count, elements, layout)
    await using server = await serveFile(bytes)
    const converted = await toSafetensorsBytes(server.url)
    expect(Buffer.compare(converted.bytes, (await toSafetensorsBytes(bytes)).bytes)).toBe(0)
    expect(server.asked.length).toBeLessThanOrEqual(requests)
    expect(server.sent).toBeLessThan(bytes.length * 1.05)
  })

  it("is no more than what is taken of it: every tenth tensor", async () => {
    const bytes = checkpoint(300, 50_000, "zip")
    await using server = await serveFile(bytes)
    const include = "layer.*0.weight"
    const converted = await toSafetensorsBytes(server.url, { include })
    expect(Buffer.compare(converted.bytes, (await toSafetensorsBytes(bytes, { include })).bytes)).toBe(0)
    expect(server.asked.length).toBeLessThanOrEqual(2 + 2 * 30)
    expect(server.sent).toBeLessThan(converted.bytes.length + 300_000)
  })

  it("and headers apart where members are deflated", async () => {
    const bytes = checkpoint(30, 5000, "zip", true)
    await using server = await serveFile(bytes)
    const converted = await toSafetensorsBytes(server.url)
    expect(Buffer.compare(converted.bytes, (await toSafetensorsBytes(bytes)).bytes)).toBe(0)
  })
})

describe("sha256", () => {
  const digest = createHash("sha256").update(SAMPLE).digest("hex")

  it("is of what is parsed: a server may answer otherwise the second time", async () => {
    await using server = await serveFile(SAMPLE)
    same((await node.toSafetensorsBytes(server.url, { sha256: digest })).bytes)
    expect(server.asked.length).toBe(1)
    const other = node.toSafetensorsBytes(server.url, { sha256: "0".repeat(64) })
    await expect(other).rejects.toMatchObject({ code: "digest-mismatch" })
    await expect(toSafetensorsBytes(server.url, { sha256: digest } as object)).rejects.toMatchObject({
      code: "invalid-argument",
    })
  })
})
