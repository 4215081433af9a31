/** Opening files in every way, the amounts, the map, the table and a tensor. */

import { join } from "node:path"
import { drop, expectSame, expectText, opened, showFile, textOf } from "./browser.mjs"
import { writeOddNames } from "./inputs.mjs"

export async function checkInspection({ browser, check, root, work }) {
  const oracle = (name) => join(root, "test/fixtures/oracle", name)
  const odd = join(work, "odd-names.pt")
  writeOddNames(odd)

  await check("the example opens by its button", async () => {
    const page = await browser.open()
    await page.getByRole("button", { name: "Try an example" }).click()
    await opened(page)
    expectText(await textOf(page, ".file:visible .facts"), /Tensors\s+18/)
    await page.context().close()
  })

  await check("files open by a drop, one beside the other, and close", async () => {
    const page = await browser.open()
    await drop(page, oracle("hidden-training.pt"), oracle("legacy-by-torch.pth"))
    expectSame(await textOf(page, "h1:visible"), "2 files")
    await showFile(page, "hidden-training.pt")
    await opened(page)
    expectSame(await textOf(page, ".file:visible h1"), "hidden-training.pt")
    await showFile(page, "legacy-by-torch.pth")
    await opened(page)
    expectText(await textOf(page, ".file:visible .facts"), /legacy layout/)
    await page.getByRole("button", { name: "Close legacy-by-torch.pth" }).click()
    expectSame(await textOf(page, ".file:visible h1"), "hidden-training.pt")
    await page.getByRole("button", { name: "Close hidden-training.pt" }).click()
    await page.getByRole("heading", { level: 1, name: /Open a PyTorch checkpoint/ }).waitFor()
    await page.context().close()
  })

  await check("a file opens by a paste", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", [])
    await page.evaluate(() => {
      const clipboardData = new DataTransfer()
      clipboardData.items.add(new File(["no checkpoint"], "pasted.pt"))
      document.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }))
    })
    await page.locator(".refusal").waitFor()
    expectText(await textOf(page, ".refusal"), /not a PyTorch checkpoint/)
    await page.context().close()
  })

  await check("what is hidden and left out is told", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", oracle("hidden-training.pt"))
    await opened(page)
    const findings = await textOf(page, ".file:visible .cards")
    expectText(findings, /outside the state dict/)
    expectText(findings, /belong to no tensor that is saved/)
    await page.locator(".globals-list").waitFor()
    expectText(await textOf(page, ".globals"), /allowed\s+torch\._utils\._rebuild_tensor_v2/)
    await page.context().close()
  })

  await check("names from the file are text and nothing else", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", odd)
    await opened(page)
    const rows = await page.locator(".grid .row[data-index] .name-text").allInnerTexts()
    expectSame(
      rows.map((row) => row.replaceAll(/\s*\n\s*/g, "")),
      ["<img src=x onerror=alert(1)>\\u202egnp", "__proto__.constructor", '""', "a\\u000ab"],
    )
    expectSame(await page.locator("img").count(), 0, "images")
    await page.context().close()
  })

  await check("a tensor shows its facts and the spread of its elements", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", odd)
    await opened(page)
    await page.getByLabel("Search").fill("__proto__")
    await page.getByText("1 of 4").waitFor()
    await page.locator(".grid").focus()
    await page.keyboard.press("Enter")
    await page.locator(".histogram").waitFor()
    const sheet = await textOf(page, "dialog[open]")
    expectText(sheet, /Shape\s+\[4\][\s\S]*F32 \(torch\.float32\)[\s\S]*Strides\s+\[1\]/)
    expectText(sheet, /1 of the values are not finite[\s\S]*Min\s+−1[\s\S]*Max\s+2[\s\S]*NaN\s+1 \(25\.0 %\)/)
    await page.keyboard.press("Escape")
    expectSame(await page.locator("dialog[open]").count(), 0, "open sheets")
    expectSame(await page.evaluate(() => document.activeElement.className), "grid", "focus")
    await page.context().close()
  })

  await check("the map is zoomed and left by keys", async () => {
    const page = await browser.open()
    await page.getByRole("button", { name: "Try an example" }).click()
    await opened(page)
    const before = await textOf(page, ".crumbs")
    await page.locator(".map .tile[tabindex='0']").focus()
    while ((await page.evaluate(() => document.activeElement.classList.contains("module"))) === false) {
      await page.keyboard.press("ArrowRight")
    }
    await page.keyboard.press("Enter")
    const inside = await textOf(page, ".crumbs")
    if (inside === before) throw new Error("nothing was looked into")
    expectSame(
      await page.evaluate(() => document.activeElement.classList.contains("tile")),
      true,
      "focus on a tile",
    )
    await page.keyboard.press("Escape")
    expectSame(await textOf(page, ".crumbs"), before)
    await page.context().close()
  })

  await check("the page works from the disk, without a server", async () => {
    const page = await browser.open({ url: browser.fileUrl })
    await page.setInputFiles("#picker", oracle("dtypes-zip-all.pt"))
    await opened(page)
    await page.context().close()
  })

  await check("every dtype can be looked at", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", oracle("dtypes-zip-all.pt"))
    await opened(page)
    const count = Number(await page.locator(".grid").getAttribute("aria-rowcount")) - 1
    for (let row = 0; row < count; row++) {
      await page.locator(".grid").focus()
      if (row > 0) await page.keyboard.press("ArrowDown")
      await page.keyboard.press("Enter")
      await page.locator("dialog[open] .elements h3").waitFor()
      await page.keyboard.press("Escape")
    }
    await page.context().close()
    return `${count} tensors`
  })
}
