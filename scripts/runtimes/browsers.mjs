/**
 * Runs scripts in a page of a browser, under a content security policy that allows this server's own scripts and nothing
 * else, and returns what the page puts into `globalThis.outcomes`.
 */

import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CHROMIUM_ARGUMENTS } from "../find-chromium.mjs"
import { loadPuppeteer } from "./found.mjs"

const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"

/** A suite that takes longer than this hangs. */
const LONGEST_MS = 15 * 60_000

/** `scripts` by their path; the page loads `/page.js`. */
export async function runInBrowser({ name, program }, scripts) {
  const server = await serve(scripts)
  const profile = mkdtempSync(join(tmpdir(), "tosafetensors-browser-"))
  const url = `http://127.0.0.1:${server.address().port}/`
  const browser = await (name === "Firefox" ? openFirefox(program, profile) : openChromium(program, profile))
  const timer = setTimeout(() => browser.close(), LONGEST_MS)
  try {
    const page = await browser.newPage()
    page.on("pageerror", ({ message }) => {
      // Firefox calls whatever the policy stops an error of the page. The suite asks for one such case.
      if (!message.startsWith("Content-Security-Policy: ")) console.error(`${name}: ${message}`)
    })
    await page.goto(url)
    return await page.evaluate(() => globalThis.outcomes)
  } finally {
    clearTimeout(timer)
    await browser.close()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function openChromium(executablePath, profile) {
  const { chromium } = await import("playwright-core")
  return chromium.launchPersistentContext(profile, { executablePath, args: CHROMIUM_ARGUMENTS })
}

async function openFirefox(executablePath, userDataDir) {
  const puppeteer = await loadPuppeteer()
  return puppeteer.launch({
    browser: "firefox",
    executablePath,
    userDataDir,
    headless: true,
    protocolTimeout: LONGEST_MS,
    extraPrefsFirefox: { "network.captive-portal-service.enabled": false, "app.update.enabled": false },
  })
}

async function serve(scripts) {
  const page =
    '<!doctype html><meta charset="utf-8"><title>suite</title><script type="module" src="/page.js"></script>'
  const server = createServer((request, response) => {
    response.setHeader("Content-Security-Policy", POLICY)
    const script = scripts.get(request.url)
    if (script === undefined && request.url !== "/") response.statusCode = 404
    response.setHeader("Content-Type", script === undefined ? "text/html" : "text/javascript")
    response.end(script ?? page)
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}
