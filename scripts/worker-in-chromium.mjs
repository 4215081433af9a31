/**
 * Builds examples/worker as its README says and uses it in Chromium: what it saves has to be what Node gives, and a file
 * that is refused has to be said to be.
 *
 * Without Chromium it says so and stops; where `CI` is set, that is a failure. Run `npm run build` first.
 */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { toSafetensorsBytes } from "../dist/node.js"
import { CHROMIUM_ARGUMENTS, CHROMIUM_NAMES, findChromium } from "./find-chromium.mjs"

const TYPES = { ".html": "text/html", ".js": "text/javascript" }

const root = fileURLToPath(new URL("..", import.meta.url))
const example = join(root, "examples/worker")
const checkpoint = join(root, "examples/tiny-transformer.pt")

const executablePath = findChromium()
if (executablePath === undefined) {
  const inCi = process.env.CI === "true"
  console.log(`worker: ${inCi ? "failed" : "skipped"}, there is no ${CHROMIUM_NAMES.join(", ")} in PATH`)
  process.exit(inCi ? 1 : 0)
}

const folder = mkdtempSync(join(tmpdir(), "tosafetensors-worker-"))
let passed = 0
let failed = 0
try {
  await buildExample()
  await useExample()
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`worker: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

async function buildExample() {
  await build({
    entryPoints: [join(example, "page.js"), join(example, "worker.js")],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: folder,
    logLevel: "error",
  })
  copyFileSync(join(example, "index.html"), join(folder, "index.html"))
  writeFileSync(join(folder, "bad.pt"), "not a checkpoint")
}

async function useExample() {
  const server = createServer(({ url }, response) => {
    const name = url === "/" ? "index.html" : url.slice(1)
    try {
      const body = readFileSync(join(folder, name))
      response
        .writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" })
        .end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { chromium } = await import("playwright-core")
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS })
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(180_000)
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    await page.setInputFiles("input", checkpoint)
    const link = page.locator("output a")
    await link.waitFor()
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()])
    const { bytes } = await toSafetensorsBytes(checkpoint)
    const saved = readFileSync(await download.path())
    check("saves what Node gives", Buffer.compare(saved, bytes) === 0)
    check("under the file's name", download.suggestedFilename() === "tiny-transformer.safetensors")
    await page.setInputFiles("input", join(folder, "bad.pt"))
    const refusal = page.getByText("(not-a-checkpoint)")
    await refusal.waitFor()
    check("says why a file is refused", (await page.locator("output a").count()) === 0)
  } finally {
    await browser.close()
    server.close()
  }
}

function check(what, holds) {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}`)
  if (holds) passed += 1
  else failed += 1
}
