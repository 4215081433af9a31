/** Saving: the bytes are those that Node writes, whichever way they go and whatever is chosen. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { isCheckpointError, openCheckpoint, toSafetensorsBytes } from "../../dist/node.js"
import { expectSame, expectText, opened, readOwnFiles, saveAndRead, textOf } from "./browser.mjs"

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
      requireEqual(Buffer.from((await readOwnFiles(page))[0]?.bytes ?? []), expected)
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

  await check("where the rule cannot tell, the state dicts are offered with what they hold", async () => {
    const path = oracle("roots-gan.pt")
    const page = await browser.open()
    await page.setInputFiles("#picker", path)
    await opened(page)
    expectSame(await page.locator(".save .primary").isDisabled(), true, "the button is disabled")
    const choices = page.getByRole("group", { name: "Which of these is the state dict?" }).getByRole("radio")
    const offered = await page.locator(".choice").allInnerTexts()
    const checkpoint = await openCheckpoint(path)
    const candidates = candidatesOf(checkpoint)
    await checkpoint.close()
    for (const [index, { path: root, tensorCount }] of candidates.entries()) {
      expectText(offered[index], new RegExp(`^${root.join("\\.")}\\s+${tensorCount} tensors?,`))
    }
    expectText(offered.at(-1), /Everything in the file/)
    await choices.first().focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    const [, second] = candidates
    await page
      .locator(".amount")
      .getByText(`from ${second.path.join(".")}`)
      .waitFor()
    expectSame(
      await page.getByLabel("State dict", { exact: true }).inputValue(),
      "1",
      "the list in the options",
    )
    const { bytes: expected } = await toSafetensorsBytes(path, { root: second.path })
    requireEqual((await saveAndRead(page)).bytes, expected)
    await page.context().close()
    return offered.map((text) => text.replaceAll(/\s+/g, " ")).join("; ")
  })

  await check("a disk that is full is explained, and nothing is left", async () => {
    const { said, left } = await failToSave(browser, oracle("dtypes-zip-all.pt"), async (page) => {
      const session = await page.context().newCDPSession(page)
      const origin = new URL(page.url()).origin
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1024 })
    })
    expectText(
      said,
      /It was not saved: there is not enough room[\s\S]*Nothing was left behind[\s\S]*Make room/,
    )
    expectSame(left, [], "files that are left")
  })

  await check("a file that something else writes to is explained, and left as it is", async () => {
    const { said, left } = await failToSave(browser, oracle("dtypes-zip-all.pt"), (page) =>
      page.evaluate(async () => {
        const folder = await navigator.storage.getDirectory()
        const handle = await folder.getFileHandle("dtypes-zip-all.safetensors", { create: true })
        const before = await handle.createWritable()
        await before.write("before")
        await before.close()
        globalThis.holding = await handle.createWritable({ mode: "exclusive" })
      }),
    )
    expectText(said, /something else is writing to that file[\s\S]*The file that was there is as it was/)
    expectSame(left, ["dtypes-zip-all.safetensors: 6"], "files that are left")
  })

  await check("leave to write that is taken back is explained", async () => {
    const { said, left } = await failToSave(browser, oracle("dtypes-zip-all.pt"), (page) =>
      page.workers()[0].evaluate(() => {
        FileSystemFileHandle.prototype.createWritable = async () => {
          throw new DOMException("the permission was withdrawn", "NotAllowedError")
        }
      }),
    )
    expectText(
      said,
      /the browser does not let the page write there[\s\S]*Nothing was left behind[\s\S]*allow it/,
    )
    expectSame(left, [], "files that are left")
  })

  await check("a folder that is taken away is explained", async () => {
    const { said, left } = await failToSave(browser, oracle("dtypes-zip-all.pt"), (page) =>
      page.evaluate(() => {
        globalThis.showSaveFilePicker = async () => {
          const folder = await navigator.storage.getDirectory()
          const inner = await folder.getDirectoryHandle("gone", { create: true })
          const handle = await inner.getFileHandle("gone.safetensors", { create: true })
          await folder.removeEntry("gone", { recursive: true })
          return handle
        }
      }),
    )
    expectText(said, /the file or its folder is not there any more[\s\S]*Nothing was left behind/)
    expectSame(left, [], "files that are left")
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

/** What a save says that fails, in a browser where `prepare` has made it fail; and what is left of the file. */
async function failToSave(browser, path, prepare) {
  const page = await browser.open({ disk: true })
  await page.setInputFiles("#picker", path)
  await opened(page)
  await prepare(page)
  await page.locator(".save .primary").click()
  await page.locator(".outcome .refused").waitFor()
  const said = await textOf(page, ".outcome")
  const heard = await page.locator("#status").innerText()
  expectText(heard, /^It was not saved: /)
  expectSame(await page.evaluate(() => document.activeElement.className), "primary", "focus")
  expectSame(await page.locator(".save .primary").isDisabled(), false, "the button is disabled")
  await page.evaluate(() => globalThis.holding?.abort())
  const left = await ownFiles(page)
  await page.context().close()
  return { said, left }
}

/** What the rule would choose from. */
function candidatesOf(checkpoint) {
  try {
    checkpoint.plan()
  } catch (error) {
    if (isCheckpointError(error) && error.code === "root-ambiguous") return error.detail.candidates
  }
  throw new Error("the rule knows its root")
}

export function requireEqual(actual, expected) {
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  throw new Error(`${actual.length} bytes where Node has ${expected.length}; the first that differs is ${at}`)
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
