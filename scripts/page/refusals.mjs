/** Hostile and wrong files are refused with their reasons, and the page goes on. */

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { drop, expectSame, expectText, opened, showFile, textOf } from "./browser.mjs"
import { writeHostile } from "./inputs.mjs"

export async function checkRefusals({ browser, check, root, work }) {
  const oracle = (name) => join(root, "test/fixtures/oracle", name)
  const hostile = join(work, "hostile.pt")
  writeHostile(hostile)
  const notOne = join(work, "page.html.pt")
  writeFileSync(notOne, "<!doctype html><html><body>404</body></html>".padEnd(4096))

  await check("a file that wants to run code is refused, with every global and where it is", async () => {
    const page = await browser.open()
    await drop(page, hostile)
    await page.locator(".refusal").waitFor()
    const said = await textOf(page, ".refusal")
    expectText(said, /This file wants to run code/)
    expectText(said, /Nothing in the file was run/)
    expectText(
      said,
      /dangerous\s+posix\.system[\s\S]*called by REDUCE[\s\S]*archive\/data\.pkl at \d+, byte \d+ of the file/,
    )
    await browser.shoot(page, "refusal-light-1280")
    await page.setInputFiles("#picker", join(root, "examples/tiny-transformer.pt"))
    await opened(page)
    await page.context().close()
  })

  const expected = [
    [notOne, /not a PyTorch checkpoint/],
    [oracle("layouts-tar.pt"), /cannot be converted/],
    [oracle("layouts-torchscript.pt"), /cannot be converted/],
    [oracle("globals-whole-module.pt"), /only its own code could rebuild[\s\S]*unknown\s+/],
    [oracle("globals-several.pt"), /code[\s\S]*globals that may not be used/],
  ]
  for (const [path, pattern] of expected) {
    await check(`${path.split("/").at(-1)} is refused`, async () => {
      const page = await browser.open()
      await page.setInputFiles("#picker", path)
      await page.locator(".refusal").waitFor()
      expectText(await textOf(page, ".refusal"), pattern)
      await page.context().close()
    })
  }

  await check("refused and good files stand beside one another", async () => {
    const page = await browser.open()
    await drop(page, hostile, oracle("hidden-tied.pt"), notOne)
    await page.locator(".overview .state.bad").nth(1).waitFor()
    await showFile(page, "hostile.pt")
    await page.locator(".refusal:visible").waitFor()
    await showFile(page, "hidden-tied.pt")
    await opened(page)
    expectText(await textOf(page, ".file:visible .cards"), /memory that others lie in/)
    expectSame(await page.locator(".file-list button").count(), 4, "files, and all of them")
    await page.context().close()
  })
}
