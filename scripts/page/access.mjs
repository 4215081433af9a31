/** axe-core finds nothing in any state of the page, in light and dark, wide and narrow; and nothing scrolls sideways. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expectSame, opened } from "./browser.mjs"
import { writeHostile } from "./inputs.mjs"

const WIDTHS = [1280, 768, 375]

export async function checkAccess({ browser, check, root, work }) {
  const axe = readFileSync(join(root, "examples/web/node_modules/axe-core/axe.min.js"), "utf8")
  const oracle = (name) => join(root, "test/fixtures/oracle", name)
  const hostile = join(work, "hostile.pt")
  writeHostile(hostile)
  const training = oracle("hidden-training.pt")

  /** How to get into each state from a page that has just been loaded. */
  const states = {
    landing: async () => {},
    file: async (page) => {
      await page.setInputFiles("#picker", join(root, "examples/tiny-transformer.pt"))
      await opened(page)
      await page.locator(".globals-list").waitFor()
    },
    options: async (page) => {
      await page.setInputFiles("#picker", training)
      await opened(page)
      await page.getByText("Options and preview").click()
      await page.getByLabel("New names").fill("a -> b")
      await page.locator(".preview h3").first().waitFor()
    },
    zoomed: async (page) => {
      await page.setInputFiles("#picker", join(root, "examples/tiny-transformer.pt"))
      await opened(page)
      await page.locator(".tile.module").first().focus()
      await page.keyboard.press("Enter")
    },
    tensor: async (page) => {
      await page.setInputFiles("#picker", oracle("dtypes-zip-all.pt"))
      await opened(page)
      await page.locator(".grid .row[data-index]").first().click()
      await page.locator("dialog[open] .elements h3").waitFor()
    },
    refusal: async (page) => {
      await page.setInputFiles("#picker", [hostile, training])
      await page.locator(".refusal").waitFor()
    },
    saved: async (page) => {
      await page.setInputFiles("#picker", training)
      await opened(page)
      await page.locator(".save .primary").click()
      await page.locator(".notice.done").waitFor()
    },
  }

  for (const [state, reach] of Object.entries(states)) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of WIDTHS) {
        await check(`${state}, ${colorScheme}, ${width} px: axe finds nothing`, async () => {
          const page = await browser.open({ colorScheme, width, height: width < 600 ? 780 : 900 })
          await page.emulateMedia({ reducedMotion: "reduce" })
          await reach(page)
          await browser.shoot(page, `${state}-${colorScheme}-${width}`)
          await page.evaluate(axe)
          const violations = await page.evaluate(async () => (await axe.run(document)).violations)
          expectSame(violations.map(sayViolation), [], "violations")
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          if (overflow > 0) throw new Error(`${overflow} px too wide`)
          await page.context().close()
        })
      }
    }
  }
}

function sayViolation({ id, nodes }) {
  return `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`)}`
}
