/** Chromium with the page in it, served from this machine, and a record of all that the page asks for. */

import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { chromium } from "playwright-core"
import { CHROMIUM_ARGUMENTS } from "../find-chromium.mjs"

/** An element that does not appear within this time never does. */
const PATIENCE_MS = 180_000

export class PageBrowser {
  /** URLs that any page has asked for. */
  requests = []
  /** What no page should say. */
  complaints = []
  /** Requests that have arrived. */
  served = 0
  #browser
  #server
  #options

  static async start(options) {
    const made = new PageBrowser()
    made.#options = options
    made.#server = await serve(options.file, () => {
      made.served += 1
    })
    made.#browser = await chromium.launch(made.#launching)
    return made
  }

  get #launching() {
    return { executablePath: this.#options.executablePath, args: CHROMIUM_ARGUMENTS }
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`
  }

  get fileUrl() {
    return `file://${this.#options.file}`
  }

  /**
   * A new page. `disk`: a save goes to a file of the browser's own file system, through the same streams that a picked
   * file has; nothing can press the buttons of a real picker. Without a `profile` that file system is in memory.
   */
  async open({
    disk = false,
    profile,
    url = this.url,
    width = 1280,
    height = 900,
    colorScheme = "light",
  } = {}) {
    const settings = { viewport: { width, height }, colorScheme }
    const context =
      profile === undefined
        ? await this.#browser.newContext(settings)
        : await chromium.launchPersistentContext(profile, { ...settings, ...this.#launching })
    context.setDefaultTimeout(PATIENCE_MS)
    context.on("request", (request) => this.requests.push(request.url()))
    await context.addInitScript(disk ? pickInOwnFileSystem : takePickerAway)
    const page = await context.newPage()
    page.on("pageerror", (error) => this.complaints.push(error.message))
    page.on("console", (message) => this.complaints.push(message.text()))
    await page.goto(url)
    return page
  }

  shoot(page, name) {
    return page.screenshot({ path: join(this.#options.shots, `${name}.png`), fullPage: true })
  }

  async close() {
    await this.#browser.close()
    this.#server.close()
  }
}

function pickInOwnFileSystem() {
  globalThis.showDirectoryPicker = () => navigator.storage.getDirectory()
  globalThis.showSaveFilePicker = async ({ suggestedName }) => {
    const folder = await navigator.storage.getDirectory()
    return folder.getFileHandle(suggestedName, { create: true })
  }
}

function takePickerAway() {
  delete globalThis.showSaveFilePicker
  delete globalThis.showDirectoryPicker
}

async function serve(file, onRequest) {
  const html = readFileSync(file)
  const listening = createServer((request, response) => {
    onRequest()
    if (request.url !== "/") response.statusCode = 404
    response.setHeader("Content-Type", "text/html; charset=utf-8")
    response.end(request.url === "/" ? html : "")
  })
  await new Promise((resolve) => listening.listen(0, "127.0.0.1", resolve))
  return listening
}

/** Gives files to the page as a drop does. */
export async function drop(page, ...paths) {
  await page.evaluate(() => {
    const input = document.createElement("input")
    input.type = "file"
    input.multiple = true
    input.id = "for-dropping"
    input.hidden = true
    document.body.append(input)
  })
  await page.setInputFiles("#for-dropping", paths)
  await page.evaluate(() => {
    const input = document.querySelector("#for-dropping")
    const dataTransfer = new DataTransfer()
    for (const file of input.files) dataTransfer.items.add(file)
    input.remove()
    const target = document.querySelector("main")
    for (const type of ["dragenter", "dragover", "drop"]) {
      target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }))
    }
  })
}

/** Waits until the file that is shown is open. */
export const opened = (page) => page.locator(".file:visible .grid").waitFor()

/** Shows one of several open files. */
export const showFile = (page, name) =>
  page.locator(".file-list").getByRole("button", { name, exact: true }).click()

/** Presses the button and returns the bytes that were downloaded. */
export async function saveAndRead(page) {
  const downloading = page.waitForEvent("download")
  await page.locator(".file:visible .save .primary").click()
  const download = await downloading
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}

export const textOf = async (page, selector) => (await page.locator(selector).first().innerText()).trim()

/** The files of the browser's own file system, in the order of their names. */
export function readOwnFiles(page) {
  return page.evaluate(async () => {
    const folder = await navigator.storage.getDirectory()
    const found = []
    for await (const handle of folder.values()) {
      const file = await handle.getFile()
      found.push({ name: handle.name, bytes: [...new Uint8Array(await file.arrayBuffer())] })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  })
}

/** @throws Error unless both are the same as JSON. */
export function expectSame(actual, expected, what = "value") {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`)
}

export function expectText(text, pattern) {
  if (!pattern.test(text)) throw new Error(`${JSON.stringify(text)} does not match ${pattern}`)
}
