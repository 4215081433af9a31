/** The examples that are scripts, run as somebody would run them who has built the package. */

import { spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { buffer, text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { toSafetensorsBytes } from "../../src/node/index.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url))
const CHECKPOINT = join(EXAMPLES, "tiny-transformer.pt")

const newFolder = temporaryFolders()

async function run(
  script: string,
  ...argv: string[]
): Promise<{ readonly code: number; readonly out: Buffer; readonly err: string }> {
  const { HF_TOKEN: _, ...env } = process.env
  const child = spawn(process.execPath, [join(EXAMPLES, script), ...argv], {
    env: { ...env, HF_TOKEN: "hf_test" },
  })
  const [out, err, [code]] = await Promise.all([
    buffer(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ])
  return { code, out, err }
}

describe("the example", () => {
  it("that converts a folder converts what it can, and names what it cannot", async () => {
    const folder = newFolder()
    copyFileSync(CHECKPOINT, join(folder, "good.pt"))
    writeFileSync(join(folder, "bad.bin"), "not a checkpoint")
    writeFileSync(join(folder, "other.txt"), "")
    const { code, out, err } = await run("node/convert-folder.mjs", folder)
    expect([code, err]).toEqual([1, ""])
    expect(readdirSync(folder).sort()).toEqual(["bad.bin", "good.pt", "good.safetensors", "other.txt"])
    const { bytes, report } = await toSafetensorsBytes(CHECKPOINT)
    expect(Buffer.compare(readFileSync(join(folder, "good.safetensors")), bytes)).toBe(0)
    const [bad, good] = out.toString().split("\n")
    expect(bad).toMatch(/^bad\.bin: .+ \(not-a-checkpoint\)$/)
    expect(good).toBe(`good.pt: ${report.tensorCount} tensors, ${report.byteLength} bytes`)
  })

  it("that fetches and streams gives what a conversion gives, by ranges and with its token", async () => {
    const file = readFileSync(CHECKPOINT)
    const asked: (string | undefined)[] = []
    const server = createServer(({ headers }, response) => {
      asked.push(headers.authorization)
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? []
      const end = Math.min(Number(last) + 1, file.length)
      const range = `bytes ${first}-${end - 1}/${file.length}`
      response.writeHead(206, { etag: '"1"', "content-range": range }).end(file.subarray(Number(first), end))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    try {
      const { port } = server.address() as AddressInfo
      const { code, out, err } = await run("fetch/fetch-and-stream.mjs", `http://127.0.0.1:${port}/model.pt`)
      const { bytes, report } = await toSafetensorsBytes(CHECKPOINT)
      expect([code, err]).toEqual([0, `${report.tensorCount} tensors, ${report.byteLength} bytes\n`])
      expect(Buffer.compare(out, bytes)).toBe(0)
      expect(new Set(asked)).toEqual(new Set(["Bearer hf_test"]))
    } finally {
      server.close()
    }
  })
})
