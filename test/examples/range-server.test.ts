/** The example that serves a checkpoint as safetensors: by hand, and by readers that fetch ranges. */

import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseSafetensorsMetadata } from "@huggingface/hub"
import { describe, expect, it, vi } from "vitest"
import { readSafetensorsHeader, toSafetensorsBytes } from "../../src/node/index.ts"
import { serveFile } from "../http/file-server.ts"
import { largeCheckpoint } from "../http/large-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { startServer } from "./range-server.ts"

const temporaryFolder = temporaryFolders()
const EXAMPLE = fileURLToPath(new URL("../../examples/tiny-transformer.pt", import.meta.url))
const { bytes: FILE, report } = await toSafetensorsBytes(EXAMPLE)

async function get(url: URL, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return fetch(url, { method, headers })
}

async function expectBody(response: Response, start: number, end: number): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  expect(Buffer.compare(body, FILE.subarray(start, end))).toBe(0)
}

describe("the range server", () => {
  it("sends the whole, and tells of it without a body", async () => {
    await using server = await startServer(EXAMPLE)
    const whole = await get(server.url)
    expect(whole.status).toBe(200)
    expect(whole.headers.get("accept-ranges")).toBe("bytes")
    await expectBody(whole, 0, FILE.length)
    const head = await get(server.url, {}, "HEAD")
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
      200,
      String(FILE.length),
      "",
    ])
    expect(head.headers.get("etag")).toBe(whole.headers.get("etag"))
  })

  const end = FILE.length
  it.each([
    ["bytes=0-7", 0, 8],
    ["bytes=100-100", 100, 101],
    ["bytes=5000-", 5000, end],
    ["bytes=-300", end - 300, end],
    [`bytes=-${end + 9}`, 0, end],
    [`bytes=${end - 5}-${end + 100}`, end - 5, end],
  ])("answers %s with that part", async (range, start, stop) => {
    await using server = await startServer(EXAMPLE)
    const response = await get(server.url, { range })
    expect(response.status).toBe(206)
    expect(response.headers.get("content-range")).toBe(`bytes ${start}-${stop - 1}/${end}`)
    await expectBody(response, start, stop)
  })

  it.each(["bytes=5-2", "bytes=a-b", "bytes=-", "bytes=0-1,5-6", "lines=0-9"])(
    "takes no notice of %s",
    async (range) => {
      await using server = await startServer(EXAMPLE)
      const response = await get(server.url, { range })
      expect(response.status).toBe(200)
      await expectBody(response, 0, end)
    },
  )

  it.each([`bytes=${end}-`, `bytes=${end + 5}-${end + 9}`, "bytes=-0"])("refuses %s", async (range) => {
    await using server = await startServer(EXAMPLE)
    const response = await get(server.url, { range })
    expect([response.status, response.headers.get("content-range")]).toEqual([416, `bytes */${end}`])
  })

  it("knows other versions, paths and methods", async () => {
    await using server = await startServer(EXAMPLE)
    const etag = (await get(server.url, {}, "HEAD")).headers.get("etag") ?? ""
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    const range = "bytes=0-7"
    expect((await get(server.url, { range, "if-range": etag })).status).toBe(206)
    expect((await get(server.url, { range, "if-range": '"other"' })).status).toBe(200)
    expect((await get(server.url, { "if-none-match": `"a", ${etag}` })).status).toBe(304)
    expect((await get(new URL("/other", server.url))).status).toBe(404)
    expect((await get(server.url, {}, "DELETE")).status).toBe(405)
  })

  it("has another version for other bytes, and the same for the same", async () => {
    const folder = temporaryFolder()
    const versions: string[] = []
    for (const [layout, seed] of [
      ["zip", 1],
      ["zip", 1],
      ["zip", 2],
      ["legacy", 1],
      ["legacy", 2],
    ] as const) {
      const path = join(folder, `${versions.length}.pt`)
      writeFileSync(
        path,
        writeCheckpoint(new Map([["w", tensor(dtypeNamed("float32"), [9], { seed })]]), { layout }),
      )
      await using server = await startServer(path)
      versions.push((await get(server.url, {}, "HEAD")).headers.get("etag") ?? "")
    }
    expect(versions[0]).toBe(versions[1])
    expect(new Set(versions).size).toBe(4)
  })

  it("is read by @huggingface/hub", async () => {
    await using server = await startServer(EXAMPLE)
    const asked: string[] = []
    const ask = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      asked.push(pathname)
      if (!pathname.endsWith("/model.safetensors")) {
        return new Response(null, { status: 404, headers: { "x-error-code": "EntryNotFound" } })
      }
      return fetch(server.url, init)
    }
    const parsed = await parseSafetensorsMetadata({
      repo: "some/model",
      hubUrl: server.url.origin,
      fetch: ask,
    })
    expect(asked.length).toBeGreaterThan(2)
    if (parsed.sharded) expect.unreachable()
    const { __metadata__: metadata, ...tensors } = parsed.header
    expect(metadata).toEqual(report.metadata)
    expect(Object.keys(tensors).sort()).toEqual(report.tensors.map(({ name }) => name).sort())
  })

  it("asks a server for no more than it is asked for", async () => {
    await using origin = await serveFile(largeCheckpoint(300, 7_700_000))
    await using server = await startServer(origin.url)
    const header = await readSafetensorsHeader(server.url)
    expect(header.tensors.size).toBe(300)
    expect(origin.sent).toBeLessThan(200_000)
    const response = await get(server.url, { range: "bytes=1000000000-1000000999" })
    expect((await response.arrayBuffer()).byteLength).toBe(1000)
    expect(origin.sent).toBeLessThan(200_000)
  })

  it("breaks off when a storage turns out to be damaged", async () => {
    const broken = readFileSync(EXAMPLE)
    const { tensors } = report
    const at = tensors[Math.floor(tensors.length / 2)]?.start ?? 0
    const needle = Buffer.from(FILE.subarray(at, at + 64))
    broken.writeUInt8((broken.readUInt8(broken.indexOf(needle)) ^ 1) & 0xff, broken.indexOf(needle))
    const path = join(temporaryFolder(), "broken.pt")
    writeFileSync(path, broken)
    await using server = await startServer(path)
    const said = vi.spyOn(console, "error").mockImplementation(() => {})
    await expect(get(server.url).then((response) => response.arrayBuffer())).rejects.toThrow()
    expect(said.mock.lastCall?.[0]).toContain("do not match their checksum")
    said.mockRestore()
  })
})
