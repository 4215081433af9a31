/**
 * Reads a checkpoint from a server of another site in Chromium: which requests need the server's leave (CORS), and what
 * is said where it does not give it.
 *
 * Without Chromium it says so and stops; where `CI` is set, that is a failure.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { CHROMIUM_ARGUMENTS, CHROMIUM_NAMES, findChromium } from "./find-chromium.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))

const file = readFileSync(join(root, "examples/tiny-transformer.pt"))
const OPEN = { "access-control-allow-origin": "*" }
const EXPOSED = { ...OPEN, "access-control-expose-headers": "content-range, etag" }

/** What each path of the file server sends along, and what opening it has to come to. */
const CASES = [
  { path: "/open", headers: EXPOSED, gives: "18 tensors", asked: ["GET"] },
  { path: "/own-fetch", headers: EXPOSED, gives: "18 tensors", asked: ["GET"], http: "fetch" },
  { path: "/token", headers: EXPOSED, gives: "18 tensors", asked: ["OPTIONS", "GET"], http: "token" },
  { path: "/hidden-range", headers: OPEN, gives: "Access-Control-Expose-Headers", asked: ["GET"] },
  { path: "/closed", headers: {}, gives: "CORS", asked: ["GET", "GET"] },
  { path: "/moved", headers: EXPOSED, moved: true, gives: "18 tensors", asked: ["GET"] },
  {
    path: "/moved-key",
    headers: EXPOSED,
    moved: true,
    gives: "redirects",
    asked: ["OPTIONS", "GET"],
    http: "key",
  },
]

const executablePath = findChromium()
if (executablePath === undefined) {
  const inCi = process.env.CI === "true"
  console.log(`url: ${inCi ? "failed" : "skipped"}, there is no ${CHROMIUM_NAMES.join(", ")} in PATH`)
  process.exit(inCi ? 1 : 0)
}

const asked = new Map()
const files = await listen(serveFile)
const pages = await listen(servePage(await bundle()))
const profile = mkdtempSync(join(tmpdir(), "tosafetensors-chromium-"))
let failed = 0
try {
  await inPage(executablePath, async (page) => {
    for (const each of CASES) {
      const said = await page.evaluate(open, { url: addressOf(files) + each.path, http: each.http })
      const methods = asked.get(each.path) ?? []
      const right = said.includes(each.gives) && String(methods) === String(each.asked)
      if (!right) failed += 1
      console.log(`${right ? "ok    " : "FAILED"} ${each.path}: ${said} [${methods}]`)
    }
  })
} finally {
  for (const server of [files, pages]) server.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`url: ${CASES.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

/** Runs in the page. */
async function open({ url, http }) {
  const options = {
    fetch: { fetch: window.fetch },
    token: { headers: { authorization: "Bearer secret" } },
    key: { headers: { "x-key": "secret" } },
  }
  try {
    const checkpoint = await globalThis.openCheckpoint(new URL(url), { http: options[http] })
    return `${checkpoint.tensors.size} tensors`
  } catch (error) {
    return error.message
  }
}

function serveFile(request, response) {
  const { method, url, headers } = request
  const found = CASES.find(({ path }) => path === url)
  asked.set(url, [...(asked.get(url) ?? []), method])
  const cors = found?.headers ?? EXPOSED
  if (method === "OPTIONS") {
    response.writeHead(204, { ...cors, "access-control-allow-headers": "authorization, range, x-key" }).end()
    return
  }
  if (found?.moved) {
    response.writeHead(302, { ...cors, location: "/elsewhere" }).end()
    return
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range)
  const body = file.subarray(Number(first), Number(last) + 1)
  const range = `bytes ${first}-${Number(first) + body.length - 1}/${file.length}`
  response.writeHead(206, { ...cors, etag: '"one"', "content-range": range }).end(body)
}

function servePage(script) {
  return ({ url }, response) => {
    response.setHeader("content-type", url === "/" ? "text/html" : "text/javascript")
    response.end(url === "/" ? '<!doctype html><script type="module" src="/page.js"></script>' : script)
  }
}

async function bundle() {
  const { outputFiles } = await build({
    stdin: {
      contents: 'import { openCheckpoint } from "./src/index.ts"; globalThis.openCheckpoint = openCheckpoint',
      resolveDir: root,
    },
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "error",
  })
  return outputFiles[0].contents
}

async function inPage(program, use) {
  const { chromium } = await import("playwright-core")
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    args: CHROMIUM_ARGUMENTS,
  })
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(180_000)
    await page.goto(addressOf(pages))
    await page.waitForFunction(() => globalThis.openCheckpoint !== undefined)
    await use(page)
  } finally {
    await context.close()
  }
}

async function listen(answer) {
  const server = createServer(answer)
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

function addressOf(server) {
  return `http://127.0.0.1:${server.address().port}`
}
