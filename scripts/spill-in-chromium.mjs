/**
 * Converts a checkpoint of which 144 MiB have to be made to a Blob, in a page and in a worker of Chromium: the bytes have to
 * be those of Node and lie in a file, which goes when it is to go; what fails leaves nothing. Tells what was held.
 *
 * Without Chromium it says so and stops; where `CI` is set, that is a failure. Run `npm run build` first.
 */

import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { toSafetensorsBytes } from "../dist/node.js"
import { CHROMIUM_ARGUMENTS, CHROMIUM_NAMES, findChromium } from "./find-chromium.mjs"
import { expectSame, expectText } from "./page/browser.mjs"
import { writeSpilling } from "./page/inputs.mjs"
import { WorkerHeap } from "./page/worker-heap.mjs"

const MiB = 2 ** 20
const MADE_BYTES = 144 * MiB

/** A window of 64 MiB for the transposed matrix, and chunks under way. Without spilling there are 144 MiB more. */
const MOST_HELD_BYTES = 100 * MiB

/** Bytes that are compared at a time. */
const PIECE_BYTES = 4 * MiB

const root = fileURLToPath(new URL("..", import.meta.url))

const executablePath = findChromium()
if (executablePath === undefined) {
  const inCi = process.env.CI === "true"
  console.log(`spill: ${inCi ? "failed" : "skipped"}, there is no ${CHROMIUM_NAMES.join(", ")} in PATH`)
  process.exit(inCi ? 1 : 0)
}

const folder = mkdtempSync(join(tmpdir(), "tosafetensors-spill-"))
const checkpoint = join(folder, "model.pt")
let passed = 0
let failed = 0
try {
  writeSpilling(checkpoint)
  const script = await bundleConverter()
  const server = await serve(script)
  const { chromium } = await import("playwright-core")
  const profile = join(folder, "profile")
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: CHROMIUM_ARGUMENTS,
  })
  try {
    await checkAll(context, `http://127.0.0.1:${server.address().port}/`)
  } finally {
    await context.close()
    server.close()
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`spill: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

async function bundleConverter() {
  const { outputFiles } = await build({
    entryPoints: { convert: join(root, "scripts/page/spilling.js") },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: "/",
    write: false,
    logLevel: "error",
  })
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]))
}

async function serve(scripts) {
  const page =
    '<!doctype html><title>spill</title><input type="file"><script type="module" src="/convert.js"></script>'
  const server = createServer(({ url }, response) => {
    const script = scripts.get(url)
    response.setHeader("Content-Type", script === undefined ? "text/html" : "text/javascript")
    response.end(script ?? page)
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

async function checkAll(context, url) {
  const { bytes } = await toSafetensorsBytes(checkpoint)
  const expected = []
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    expected.push(
      createHash("sha256")
        .update(bytes.subarray(at, at + PIECE_BYTES))
        .digest("hex"),
    )
  }

  for (const place of ["page", "worker"]) {
    await check(`in a ${place}, most of it spills, and it is what Node makes`, async () => {
      const { page, heap } = await openPage(context, url)
      const converted = await heap.watchUntil(page.evaluate((where) => globalThis.convert(where), place))
      expectSame(converted.size, bytes.length, "bytes")
      if (converted.spilledBytes < MADE_BYTES || converted.spilledBytes > MADE_BYTES + MiB) {
        throw new Error(`${converted.spilledBytes} bytes were spilled`)
      }
      expectSame(await page.evaluate(() => globalThis.fileSizes()), [converted.spilledBytes], "files")
      const { most } = heap
      if (most.held > MOST_HELD_BYTES) throw new Error(JSON.stringify(most))
      expectSame(
        await page.evaluate((length) => globalThis.digests(length), PIECE_BYTES),
        expected,
        "digests",
      )
      expectSame(await page.evaluate(() => globalThis.close()), [], "files after closing")
      await page.close()
      const say = (amount) => `${(amount / MiB).toFixed(1)} MiB`
      return `held ${say(most.held)}, before it was collected ${say(most.uncollected)}`
    })
  }

  await check("a Blob of a worker that has ended can be read", async () => {
    const { page } = await openPage(context, url)
    await page.evaluate(() => globalThis.convert("worker"))
    await page.evaluate(() => globalThis.endWorker())
    expectSame(await page.evaluate((length) => globalThis.digests(length), PIECE_BYTES), expected, "digests")
    await page.evaluate(() => globalThis.removeFiles())
    await page.close()
  })

  await check("a conversion that is aborted leaves nothing", async () => {
    const { page } = await openPage(context, url)
    const end = await page.evaluate(() => globalThis.convert("page", { abortAt: 0.5 }))
    expectSame(end.refused?.message, "enough")
    expectSame(await page.evaluate(() => globalThis.fileSizes()), [], "files")
    await page.close()
  })

  await check("too little room is told before anything is made, and leaves nothing", async () => {
    const { page } = await openPage(context, url)
    const session = await context.newCDPSession(page)
    const origin = url.slice(0, -1)
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100 * MiB })
    const { refused, written } = await page.evaluate(() => globalThis.convert("page"))
    await session.send("Storage.overrideQuotaForOrigin", { origin })
    expectSame([refused?.code, written], ["blob-memory", 0])
    expectText(
      refused.message,
      /`maxMemoryBytes` \(67108864\), and they cannot be written to a file: QuotaExceededError/,
    )
    expectSame(await page.evaluate(() => globalThis.fileSizes()), [], "files")
    await page.close()
    return refused.message
  })
}

async function openPage(context, url) {
  const page = await context.newPage()
  page.setDefaultTimeout(180_000)
  await page.goto(url)
  const heap = await WorkerHeap.of(page)
  await page.setInputFiles("input", checkpoint)
  return { page, heap }
}

async function check(what, work) {
  try {
    const said = await work()
    passed += 1
    console.log(`spill: ${what}${said === undefined ? "" : `: ${said}`}`)
  } catch (error) {
    failed += 1
    console.error(`spill: ${what} failed\n  ${String(error?.stack ?? error).replaceAll("\n", "\n  ")}`)
  }
}
