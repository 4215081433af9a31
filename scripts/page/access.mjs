/** axe-core finds nothing in any state of the page, in light and dark, wide and narrow; and nothing scrolls sideways. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expectSame, opened } from "./browser.mjs"
import { writeHostile, writeSparse } from "./inputs.mjs"
import { writeShards } from "./many-files.mjs"
import { writeStoredExample } from "./stored.mjs"

const LOOKS = [
  ["light", 1280],
  ["dark", 1280],
  ["light", 768],
  ["light", 360],
  ["dark", 360],
]

export async function checkAccess({ browser, check, root, work }) {
  const axe = readFileSync(join(root, "examples/web/node_modules/axe-core/axe.min.js"), "utf8")
  const oracle = (name) => join(root, "test/fixtures/oracle", name)
  const hostile = join(work, "hostile.pt")
  writeHostile(hostile)
  const training = oracle("hidden-training.pt")
  const stored = join(work, "stored.safetensors")
  writeStoredExample(stored)
  const shards = writeShards(work)
  const sparse = join(work, "sparse-access.pt")
  writeSparse(sparse)

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
      await page.setInputFiles("#picker", hostile)
      await page.locator(".refusal").waitFor()
    },
    stored: async (page) => {
      await page.setInputFiles("#picker", stored)
      await opened(page)
      await page.locator(".header-card").waitFor()
    },
    storedTensor: async (page) => {
      await page.setInputFiles("#picker", stored)
      await opened(page)
      await page.locator(".grid .row[data-index]").last().click()
      await page.locator("dialog[open] .elements h3").waitFor()
    },
    undecided: async (page) => {
      await page.setInputFiles("#picker", oracle("roots-gan.pt"))
      await opened(page)
      await page.getByRole("radio").first().focus()
    },
    overview: async (page) => {
      await page.setInputFiles("#picker", [
        hostile,
        training,
        oracle("roots-gan.pt"),
        stored,
        shards[0],
        shards[2],
      ])
      await page.locator(".overview .state.good").nth(3).waitFor()
    },
    savedAll: async (page) => {
      await page.setInputFiles("#picker", shards)
      await page.getByRole("button", { name: "Save all 3" }).click()
      await page.locator(".overview .notice.done").waitFor()
    },
    saving: async (page) => {
      await page.setInputFiles("#picker", sparse)
      await opened(page)
      await page.locator(".save .primary").click()
      await page.getByText(/ of 3\.22 GB, .*\/s/).waitFor()
    },
    failed: async (page) => {
      const session = await page.context().newCDPSession(page)
      await session.send("Storage.overrideQuotaForOrigin", {
        origin: new URL(page.url()).origin,
        quotaSize: 256,
      })
      await page.setInputFiles("#picker", training)
      await opened(page)
      await page.locator(".save .primary").click()
      await page.locator(".outcome .refused").waitFor()
    },
    saved: async (page) => {
      await page.setInputFiles("#picker", training)
      await opened(page)
      await page.locator(".save .primary").click()
      await page.locator(".notice.done").waitFor()
    },
  }

  for (const [state, reach] of Object.entries(states)) {
    for (const [colorScheme, width] of LOOKS) {
      await check(`${state}, ${colorScheme}, ${width} px: axe finds nothing`, async () => {
        const page = await browser.open({
          colorScheme,
          width,
          height: width < 600 ? 780 : 900,
          disk: ON_DISK.has(state),
        })
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

/** States in which something is written to a file and not handed to the downloads. */
const ON_DISK = new Set(["saving", "savedAll", "failed"])

function sayViolation({ id, nodes }) {
  return `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`)}`
}
