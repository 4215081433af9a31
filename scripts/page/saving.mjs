/** Saving: the bytes are those that Node writes, whichever way they go and whatever is chosen. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { toSafetensorsBytes } from "../../dist/node.js"
import { expectSame, expectText, opened, saveAndRead, textOf } from "./browser.mjs"

const FIXTURES = [
  "dtypes-zip-all.pt",
  "dtypes-legacy-all.pt",
  "hidden-columns.pt",
  "hidden-tied.pt",
  "hidden-training.pt",
  "legacy-by-torch.pth",
]

export async function checkSaving({ browser, check, root }) {
  const oracle = (name) => join(root, "test/fixtures/oracle", name)
  const example = join(root, "examples/tiny-transformer.pt")

  for (const path of [example, ...FIXTURES.map(oracle)]) {
    await check(`${path.split("/").at(-1)} is saved as Node saves it`, async () => {
      const { bytes: expected } = await toSafetensorsBytes(path)
      const page = await browser.open()
      await page.setInputFiles("#picker", path)
      await opened(page)
      const { name, bytes } = await saveAndRead(page)
      expectText(name, /^[^.]+\.safetensors$/)
      requireEqual(bytes, expected)
      await page.locator(".notice.done").waitFor()
      await page.context().close()
      return `${bytes.length} bytes`
    })
    await check(`${path.split("/").at(-1)} is saved straight to a file as Node saves it`, async () => {
      const { bytes: expected } = await toSafetensorsBytes(path)
      const page = await browser.open({ disk: true })
      await page.setInputFiles("#picker", path)
      await opened(page)
      await page.locator(".save .primary").click()
      await page.locator(".notice.done").waitFor()
      requireEqual(Buffer.from(await readOwnFile(page)), expected)
      await page.context().close()
    })
  }

  await check("what is chosen is previewed and saved", async () => {
    const rename = (name) => name.replaceAll(/^blocks\.(\d+)\./gu, "layer_$1/").replaceAll(/weight$/gu, "w")
    const options = { include: ["*weight*"], exclude: ["*norm*"], shared: "copy", rename }
    const { bytes: expected, report } = await toSafetensorsBytes(example, options)
    const page = await browser.open()
    await page.setInputFiles("#picker", example)
    await opened(page)
    await page.getByText("Options and preview").click()
    await page.getByLabel("Only").fill("*weight*")
    await page.getByLabel("Leave out").fill("*norm*")
    await page.getByLabel("Tied tensors").selectOption("copy")
    await page.getByLabel("New names").fill("^blocks\\.(\\d+)\\. -> layer_$1/\nweight$ → w")
    await page.getByText(`${report.tensorCount} tensors`).first().waitFor()
    await page.locator(".preview").getByText(report.tensors[0].name, { exact: true }).waitFor()
    requireEqual((await saveAndRead(page)).bytes, expected)
    await page.context().close()
    return `${report.tensorCount} tensors`
  })

  await check("a rule that is none, and a filter that leaves nothing, are explained", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", example)
    await opened(page)
    await page.getByText("Options and preview").click()
    await page.getByLabel("New names").fill("(unclosed -> x")
    await page.getByText(/Line 1: Invalid regular expression/).waitFor()
    expectSame(await page.locator(".save .primary").isDisabled(), true, "the button is disabled")
    await page.getByLabel("New names").fill("")
    await page.getByLabel("Only").fill("nothing-has-this-name")
    await page.getByText(/none of the \d+ tensors/).waitFor()
    await page.getByLabel("Only").fill("")
    await page.locator(".save .primary:enabled").waitFor()
    await page.context().close()
  })

  await check("a state dict is chosen where there are several", async () => {
    const path = oracle("hidden-training.pt")
    const { bytes: expected } = await toSafetensorsBytes(path, { root: "all" })
    const page = await browser.open()
    await page.setInputFiles("#picker", path)
    await opened(page)
    const before = await textOf(page, ".amount")
    await page.getByText("Options and preview").click()
    await page.getByLabel("State dict").selectOption("all")
    await page.waitForFunction((text) => document.querySelector(".amount").innerText.trim() !== text, before)
    requireEqual((await saveAndRead(page)).bytes, expected)
    await page.context().close()
  })

  await check("a file that is damaged is found out while it is saved", async () => {
    const damaged = readFileSync(example)
    // In the middle of the weights.
    damaged[damaged.length >> 1] ^= 0xff
    const page = await browser.open({ disk: true })
    await page.setInputFiles("#picker", { name: "damaged.pt", mimeType: "", buffer: damaged })
    await opened(page)
    await page.locator(".save .primary").click()
    await page.locator(".outcome .refused").waitFor()
    expectText(await textOf(page, ".outcome"), /do not match their checksum/)
    expectSame(await ownFiles(page), [], "files that are left")
    await page.context().close()
  })
}

function requireEqual(actual, expected) {
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  throw new Error(`${actual.length} bytes where Node has ${expected.length}; the first that differs is ${at}`)
}

/** The only file in the browser's own file system. */
function readOwnFile(page) {
  return page.evaluate(async () => {
    const folder = await navigator.storage.getDirectory()
    for await (const handle of folder.values()) {
      const file = await handle.getFile()
      return [...new Uint8Array(await file.arrayBuffer())]
    }
    return []
  })
}

/** Names and sizes. */
export function ownFiles(page) {
  return page.evaluate(async () => {
    const folder = await navigator.storage.getDirectory()
    const found = []
    for await (const handle of folder.values()) found.push(`${handle.name}: ${(await handle.getFile()).size}`)
    return found
  })
}
