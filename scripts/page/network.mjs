/** Nothing leaves the page, and nothing could. */

import { join } from "node:path"
import { expectSame, opened } from "./browser.mjs"

export async function checkNetwork({ browser, check, root }) {
  await check("nothing can connect: not the page, not its worker", async () => {
    const page = await browser.open()
    const [complaints, requests] = [browser.complaints.length, browser.requests.length]
    const before = browser.served
    await page.setInputFiles("#picker", join(root, "examples/tiny-transformer.pt"))
    await opened(page)
    const [worker] = page.workers()
    const ways = []
    for (const place of [page, worker]) ways.push(await place.evaluate(tryToConnect, browser.url))
    const forbidden = await page.evaluate(tryToMakeMarkup)
    await page.context().close()
    // The browser speaks of each attempt, as it should.
    browser.complaints.splice(complaints)
    browser.requests.splice(requests)
    expectSame(ways, [[], []], "ways out")
    expectSame(browser.served - before, 0, "requests that arrived")
    expectSame(forbidden, ["markup", "script", "style", "eval"], "what is forbidden")
  })
}

/** To be asked when all else is done. */
export async function checkQuiet({ browser, check }) {
  await check("no page has asked for anything but itself", () => {
    const others = browser.requests.filter((url) => {
      return url !== browser.url && url !== browser.fileUrl && !/^(blob|data):/.test(url)
    })
    expectSame(others, [], "requests")
    return `${browser.requests.length} requests`
  })

  await check("no page has complained of an error", () => expectSame(browser.complaints, [], "complaints"))
}

/** Names of the ways that are open. Runs in the page or in the worker. */
async function tryToConnect(url) {
  const open = []
  const attempts = {
    fetch: () => fetch(`${url}?fetch`),
    request: () =>
      new Promise((resolve, reject) => {
        const request = new XMLHttpRequest()
        request.onload = resolve
        request.onerror = reject
        request.open("GET", `${url}?request`)
        request.send()
      }),
    socket: () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url.replace("http", "ws"))
        socket.onopen = resolve
        socket.onerror = reject
      }),
    events: () =>
      new Promise((resolve, reject) => {
        const events = new EventSource(`${url}?events`)
        events.onopen = resolve
        events.onerror = reject
      }),
    script: () => import(`${url}?script`),
  }
  if (typeof document === "undefined") attempts.scripts = async () => importScripts(`${url}?scripts`)
  else {
    attempts.image = () =>
      new Promise((resolve, reject) => {
        const image = new Image()
        image.onload = resolve
        image.onerror = reject
        image.src = `${url}?image`
      })
  }
  for (const [name, attempt] of Object.entries(attempts)) {
    await attempt().then(
      () => open.push(name),
      () => {},
    )
  }
  return open
}

/** What the policy forbids. */
async function tryToMakeMarkup() {
  const forbidden = []
  try {
    document.createElement("div").innerHTML = "<b>markup</b>"
  } catch {
    forbidden.push("markup")
  }
  const script = document.createElement("script")
  try {
    script.text = "globalThis.scriptRan = true"
    document.head.append(script)
  } catch {
    // Refused before it was put in.
  }
  if (!("scriptRan" in globalThis)) forbidden.push("script")
  const style = document.createElement("style")
  style.textContent = "html { outline: 1px solid }"
  document.head.append(style)
  if (style.sheet === null || style.sheet.cssRules.length === 0) forbidden.push("style")
  // Not at once: what the debugger runs may do what a page may not.
  await new Promise((resolve) => setTimeout(resolve))
  try {
    new Function("return 1")()
  } catch {
    forbidden.push("eval")
  }
  return forbidden
}
