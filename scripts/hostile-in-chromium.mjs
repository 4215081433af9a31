/**
 * Runs the corpus of hostile and odd files (test/hostile) in Chromium: in a page and in a worker, under a content
 * security policy that allows this server's own scripts and nothing else.
 *
 * Without Chromium it says so and stops; where `CI` is set, that is a failure.
 */

import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { CHROMIUM_ARGUMENTS, CHROMIUM_NAMES, findChromium } from "./find-chromium.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))

const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"

/** A corpus that takes longer than this hangs. */
const LONGEST_MS = 15 * 60_000

const executablePath = findChromium()
if (executablePath === undefined) {
  const inCi = process.env.CI === "true"
  console.log(`chromium: ${inCi ? "failed" : "skipped"}, there is no ${CHROMIUM_NAMES.join(", ")} in PATH`)
  process.exit(inCi ? 1 : 0)
}

const server = await serve(await bundle())
const profile = mkdtempSync(join(tmpdir(), "tosafetensors-chromium-"))
let passed = 0
let failed = 0
try {
  for (const outcome of await runIn(executablePath, `http://127.0.0.1:${server.address().port}/`)) {
    console.log(`${outcome.place}: ${outcome.passed} passed, ${outcome.failed.length} failed`)
    for (const { name, problems } of outcome.failed) console.log(`  ${name}\n    ${problems.join("\n    ")}`)
    passed += outcome.passed
    failed += outcome.failed.length
  }
} catch (error) {
  console.error(error)
  failed += 1
} finally {
  server.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`chromium: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

/** The scripts by name. What the library loads when it is needed is a file of its own, as in a real page. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: { corpus: join(root, "test/hostile/in-browser.ts") },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    outdir: "/",
    write: false,
    logLevel: "error",
  })
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]))
}

async function serve(scripts) {
  const page =
    '<!doctype html><meta charset="utf-8"><title>corpus</title><script type="module" src="/corpus.js"></script>'
  const listening = createServer((request, response) => {
    response.setHeader("Content-Security-Policy", POLICY)
    const script = scripts.get(request.url)
    if (script === undefined && request.url !== "/") response.statusCode = 404
    response.setHeader("Content-Type", script === undefined ? "text/html" : "text/javascript")
    response.end(script ?? page)
  })
  await new Promise((resolve) => listening.listen(0, "127.0.0.1", resolve))
  return listening
}

async function runIn(program, url) {
  const { chromium } = await import("playwright-core")
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    args: CHROMIUM_ARGUMENTS,
  })
  const timer = setTimeout(() => context.close(), LONGEST_MS)
  try {
    const page = await context.newPage()
    page.on("pageerror", (error) => console.error(`page: ${error.message}`))
    page.on("console", (message) => console.error(`page: ${message.text()}`))
    await page.goto(url)
    return await page.evaluate(() => globalThis.hostileResults)
  } finally {
    clearTimeout(timer)
    await context.close()
  }
}
