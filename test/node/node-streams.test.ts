/** Node's own streams and texts that are URLs, as inputs and outputs. */

import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PassThrough, Readable, Writable } from "node:stream"
import { pathToFileURL } from "node:url"
import { createGzip, gunzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import * as universal from "../../src/index.ts"
import { scan, toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import { serveFile } from "../http/file-server.ts"
import { largeCheckpoint } from "./legacy-checkpoint.ts"
import { refusal } from "./refusal.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()
const CHECKPOINT = largeCheckpoint(1)
const { bytes: EXPECTED } = await toSafetensorsBytes(CHECKPOINT)

function written(): { input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, CHECKPOINT)
  return { input, output: join(folder, "model.safetensors") }
}

describe("a Readable", () => {
  it("is an input: a file's, one of pieces, one that passes through", async () => {
    const { input } = written()
    const through = new PassThrough()
    through.end(CHECKPOINT)
    const pieces = [CHECKPOINT.subarray(0, 7), CHECKPOINT.subarray(7)]
    for (const readable of [createReadStream(input), Readable.from(pieces), through]) {
      expect(Buffer.compare((await toSafetensorsBytes(readable)).bytes, EXPECTED)).toBe(0)
    }
    expect((await scan(createReadStream(input))).verdict).toBe("clean")
  })

  it("that fails is a failure to read, and is destroyed", async () => {
    const readable = new Readable({
      read() {
        this.destroy(new Error("the socket has gone"))
      },
    })
    const error = await refusal(toSafetensorsBytes(readable))
    expect([error.code, error.message]).toEqual([
      "read-failed",
      expect.stringContaining("the socket has gone"),
    ])
    const objects = Readable.from(["text", 7])
    expect((await refusal(toSafetensorsBytes(objects))).code).toBe("read-failed")
    expect(objects.destroyed).toBe(true)
  })

  it("is left with the signal", async () => {
    const controller = new AbortController()
    const readable = new Readable({ read: () => void setImmediate(() => controller.abort("enough")) })
    await expect(toSafetensorsBytes(readable, { signal: controller.signal })).rejects.toBe("enough")
    expect(readable.destroyed).toBe(true)
  })
})

describe("a Writable", () => {
  it("is an output, and is ended: a file's, a compressor", async () => {
    const { input, output } = written()
    await toSafetensors(input, createWriteStream(output))
    expect(Buffer.compare(readFileSync(output), EXPECTED)).toBe(0)
    const gzip = createGzip()
    const packed: Buffer[] = []
    gzip.on("data", (part: Buffer) => packed.push(part))
    await toSafetensors(input, gzip)
    expect(Buffer.compare(gunzipSync(Buffer.concat(packed)), EXPECTED)).toBe(0)
  })

  it("that fails ends the conversion with why, and is destroyed", async () => {
    const failure = new Error("the socket has gone")
    const writable = new Writable({ write: (_chunk, _encoding, done) => done(failure) })
    writable.on("error", () => {})
    await expect(toSafetensors(CHECKPOINT, writable)).rejects.toThrow("the socket has gone")
    expect(writable.destroyed).toBe(true)
  })

  it("is destroyed where the checkpoint is refused", async () => {
    const writable = new PassThrough()
    writable.on("error", () => {})
    expect((await refusal(toSafetensors(new Uint8Array(9), writable))).code).toBe("not-a-checkpoint")
    expect(writable.destroyed).toBe(true)
  })
})

describe("a text that is a URL", () => {
  it("is fetched where it begins with http, in both builds", async () => {
    await using server = await serveFile(CHECKPOINT)
    for (const build of [{ toSafetensorsBytes }, universal]) {
      const { bytes } = await build.toSafetensorsBytes(server.url.href)
      expect(Buffer.compare(bytes, EXPECTED)).toBe(0)
      expect((await build.toSafetensorsBytes(server.url.href.replace("http:", "HTTP:"))).bytes.length).toBe(
        EXPECTED.length,
      )
    }
  })

  it("is a path where it begins with file, for inputs and outputs", async () => {
    const { input, output } = written()
    await toSafetensors(pathToFileURL(input).href, pathToFileURL(output).href)
    expect(Buffer.compare(readFileSync(output), EXPECTED)).toBe(0)
  })

  it("of a server is no output, and a path is nothing to the universal build", async () => {
    const error = await refusal(toSafetensors(CHECKPOINT, "https://a.example/model.safetensors"))
    expect([error.code, error.message]).toEqual(["invalid-argument", expect.stringContaining("https:")])
    for (const path of ["model.pt", "file:///model.pt", ""]) {
      expect((await refusal(universal.toSafetensorsBytes(path))).code).toBe("invalid-argument")
    }
  })
})
