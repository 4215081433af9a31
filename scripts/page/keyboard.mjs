/** Everything can be reached and done by keys, the focus is seen wherever it is, and what moves stands still on request. */

import { join } from "node:path"
import { expectSame, expectText, opened, showFile, textOf } from "./browser.mjs"
import { writeShards } from "./many-files.mjs"

/** More stops than that, and the focus goes round in circles. */
const MOST_STOPS = 200

export async function checkKeyboard({ browser, check, root, work }) {
  const example = join(root, "examples/tiny-transformer.pt")
  const gan = join(root, "test/fixtures/oracle/roots-gan.pt")

  await check("the page is used from its beginning to its end by keys", async () => {
    const page = await browser.open()
    await page.keyboard.press("Tab")
    expectText(await focusedText(page), /Skip to the content/)
    await page.keyboard.press("Tab")
    expectText(await focusedText(page), /Choose files/)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await opened(page)
    expectText(await page.locator("#status").innerText(), /tiny-transformer\.pt is open: 18 tensors/)
    expectSame(await focusedText(page), "tiny-transformer.pt", "focus")
    const stops = await stopsOf(page)
    await page.context().close()
    return `${stops} stops`
  })

  for (const [name, paths] of [
    ["a file that needs a choice", () => [gan]],
    ["a list of files", () => writeShards(work)],
  ]) {
    await check(`every control is reached by keys, and the focus is seen: ${name}`, async () => {
      const page = await browser.open()
      const given = paths()
      await page.setInputFiles("#picker", given)
      if (given.length === 1) await opened(page)
      else await page.getByRole("button", { name: "Save all 3" }).waitFor()
      const stops = await stopsOf(page)
      await page.context().close()
      return `${stops} stops`
    })
  }

  await check("the table is moved through, sorted and opened by keys", async () => {
    const page = await browser.open({ height: 500 })
    await page.setInputFiles("#picker", example)
    await opened(page)
    const grid = page.locator(".grid")
    await grid.focus()
    await page.keyboard.press("End")
    const last = await activeRow(page)
    expectSame([last.index, last.isSeen, last.isMarked], [18, true, true], "the last row")
    await page.keyboard.press(" ")
    await page.locator("dialog[open] .elements h3").waitFor()
    await page.keyboard.press("Escape")
    expectSame(await page.evaluate(() => document.activeElement.className), "grid", "focus")
    await page.getByRole("button", { name: "Size", exact: true }).focus()
    await page.keyboard.press("Enter")
    expectSame(await page.locator("#status").innerText(), "Sorted by Size, descending.")
    await grid.focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.locator("dialog[open] .elements h3").waitFor()
    await page.context().close()
  })

  await check("every piece of the map is reached by keys, and is seen to be", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", example)
    await opened(page)
    await page.locator(".map .tile[tabindex='0']").focus()
    await page.keyboard.press("Home")
    const count = await page.locator(".map .tile").count()
    for (let tile = 0; tile < count; tile++) {
      const focused = await page.evaluate(lookAtFocus)
      expectSame(focused.isSeen, true, `the focus on ${focused.text} is seen`)
      expectSame(await page.evaluate(indexOfTile), tile, "tile")
      await page.keyboard.press("ArrowRight")
    }
    await page.keyboard.press("Enter")
    await page.context().close()
    return `${count} pieces`
  })

  await check("files are changed and closed by keys, and it is said", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", [example, gan])
    await showFile(page, "roots-gan.pt")
    await opened(page)
    await page.getByRole("button", { name: "Close roots-gan.pt" }).focus()
    await page.keyboard.press("Enter")
    expectSame(await page.locator("#status").innerText(), "roots-gan.pt is closed.")
    expectSame(await textOf(page, "h1:focus"), "tiny-transformer.pt", "focus")
    await page.context().close()
  })

  await check("nothing moves for those who do not want it to", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", example)
    await opened(page)
    const moving = []
    for (const reducedMotion of ["no-preference", "reduce"]) {
      await page.emulateMedia({ reducedMotion })
      const names = page.evaluate(
        () =>
          new Promise((resolve) => {
            document.querySelector("dialog").addEventListener("animationstart", () => resolve("moves"))
            document.querySelector(".grid .row[data-index]").click()
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve("stands"), 200)))
          }),
      )
      moving.push(await names)
      await page.keyboard.press("Escape")
    }
    expectSame(moving, ["moves", "stands"], "the sheet")
    await page.context().close()
  })
}

const focusedText = (page) => page.evaluate(() => document.activeElement.innerText.trim())

/** Goes through the page with Tab. @throws Error where the focus is not seen, or a control is never reached. */
async function stopsOf(page) {
  await page.evaluate(() => {
    // What comes first on the page, and is seen there by the check above.
    document.querySelector(".skip").focus()
    const reachable = "a[href], button, input, select, textarea, summary, [tabindex='0']"
    globalThis.waiting = new Set(
      [...document.querySelectorAll(reachable)].filter((control) => {
        const isShown = control.checkVisibility({ visibilityProperty: true }) && !control.disabled
        return isShown && control.tabIndex >= 0 && control !== document.activeElement
      }),
    )
  })
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    await page.keyboard.press("Tab")
    const focused = await page.evaluate(lookAtFocus)
    if (focused.text === undefined) {
      const missed = await page.evaluate(() =>
        [...globalThis.waiting].map((control) => control.outerHTML.slice(0, 200)),
      )
      expectSame(missed, [], "controls that were not reached")
      return stops
    }
    if (!focused.isSeen) throw new Error(`the focus on ${focused.text} is not seen`)
  }
  throw new Error("the focus does not leave the page")
}

/** What has the focus, and whether that can be seen. Text is undefined where nothing has it. Runs in the page. */
function lookAtFocus() {
  const focused = document.activeElement
  if (focused === document.body || focused === null) return { text: undefined, isSeen: false }
  // One of several choices stands for all of them.
  for (const control of globalThis.waiting ?? []) {
    if (control === focused || (control.type === "radio" && control.name === focused.name)) {
      globalThis.waiting.delete(control)
    }
  }
  const style = getComputedStyle(focused)
  const { width, height, top, bottom } = focused.getBoundingClientRect()
  const isOnScreen = width > 0 && height > 0 && bottom > 0 && top < innerHeight
  const isSeen = style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2 && isOnScreen
  return { text: focused.outerHTML.slice(0, 120), isSeen }
}

function indexOfTile() {
  return [...document.querySelectorAll(".map .tile")].indexOf(document.activeElement)
}

/** The row that keys move: its number from 1, whether it lies in sight, and whether it looks unlike the others. */
function activeRow(page) {
  return page.evaluate(() => {
    const grid = document.querySelector(".grid")
    const row = document.getElementById(grid.getAttribute("aria-activedescendant"))
    const other = grid.querySelector(".row[data-index]:not(.active)")
    const [outer, inner] = [grid.getBoundingClientRect(), row.getBoundingClientRect()]
    return {
      index: Number(row.getAttribute("aria-rowindex")) - 1,
      isSeen: inner.top >= outer.top && inner.bottom <= outer.bottom + 1,
      isMarked: getComputedStyle(row).backgroundColor !== getComputedStyle(other).backgroundColor,
    }
  })
}
