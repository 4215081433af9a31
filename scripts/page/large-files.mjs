/** Three gigabytes go through the page without being held; 200,000 tensors are searched, sorted and scrolled. */

import { join } from "node:path"
import { openCheckpoint, toSafetensorsBytes } from "../../dist/node.js"
import { expectSame, expectText, opened, saveAndRead, textOf } from "./browser.mjs"
import {
  markOf,
  SPARSE_TENSOR_BYTES,
  SPARSE_TENSORS,
  TRANSPOSED_SIDE,
  writeMany,
  writeSparse,
  writeSpilling,
  writeTransposed,
} from "./inputs.mjs"
import { ownFiles } from "./saving.mjs"
import { WorkerHeap } from "./worker-heap.mjs"

const MiB = 2 ** 20
const MOST_HEAP_BYTES = 100 * MiB
/** While elements are looked at, with what waits to be collected. */
const MOST_LOOKING_BYTES = 64 * MiB
const LARGE_TRANSPOSED_SIDE = 16_384
const MANY = 200_000

/** Rows that are elements at a time, however many there are. */
const MOST_ROWS = 60

export async function checkLargeFiles({ browser, check, work }) {
  const sparse = join(work, "sparse.pt")
  const sparseBytes = writeSparse(sparse)
  const many = join(work, "many.pt")
  writeMany(many, MANY)

  await check(`${sparseBytes} bytes are saved to a file without being held`, async () => {
    const page = await browser.open({ disk: true, profile: join(work, "profile") })
    const heap = await WorkerHeap.of(page)
    await page.setInputFiles("#picker", sparse)
    await opened(page)
    await page.locator(".save .primary").click()
    await heap.watchUntil(page.locator(".notice.done").waitFor({ timeout: 300_000 }))
    const expected = await plannedPieces(sparse)
    expectSame(await readPieces(page, expected), expected.pieces, "pieces")
    await page.context().close()
    return requireSmall(heap)
  })

  await check(`${sparseBytes} bytes are handed to the downloads without being held`, async () => {
    const page = await browser.open()
    const heap = await WorkerHeap.of(page)
    await page.setInputFiles("#picker", sparse)
    await opened(page)
    const downloading = page.waitForEvent("download", { timeout: 300_000 })
    await page.locator(".save .primary").click()
    // Slices are in their place at once; what takes its time is to check them.
    await page.getByText(/^Checked \d.* of 3\.22 GB$/).waitFor()
    const download = await heap.watchUntil(downloading)
    // That it would be copied is the browser's business.
    await download.cancel()
    await page.context().close()
    return requireSmall(heap)
  })

  const spilling = join(work, "spilling.pt")
  writeSpilling(spilling)
  for (const [where, url] of [
    ["in the browser's own files", browser.url],
    ["in memory, where a page from the disk has none", browser.fileUrl],
  ]) {
    await check(`what has to be made for a download is held ${where}`, async () => {
      const { bytes: expected } = await toSafetensorsBytes(spilling)
      const page = await browser.open({ url })
      await page.setInputFiles("#picker", spilling)
      await opened(page)
      const { bytes } = await saveAndRead(page)
      expectSame(Buffer.compare(bytes, expected), 0, "what differs")
      expectSame(await page.evaluate(countSpilled), url === browser.url ? 1 : 0, "files that were spilled to")
      await page.context().close()
      return `${bytes.length} bytes`
    })
  }

  await check("a save is cancelled, leaves nothing, and can be done again", async () => {
    const page = await browser.open({ disk: true })
    await page.setInputFiles("#picker", sparse)
    await opened(page)
    await page.locator(".save .primary").click()
    await page.getByText(/ of 3\.22 GB/).waitFor()
    await browser.shoot(page, "saving-light-1280")
    await page.getByRole("button", { name: "Cancel" }).click()
    await page.getByText("Cancelled. Nothing was saved.").first().waitFor()
    expectSame(await ownFiles(page), [], "files that are left")
    await page.getByLabel("Only").evaluate((field) => field.closest("details").setAttribute("open", ""))
    await page.getByLabel("Only").fill("layers.0.*")
    await page.getByText(/^1 tensor from /).waitFor()
    await page.locator(".save .primary").click()
    await page.locator(".notice.done").waitFor()
    await page.context().close()
  })

  await check("a disk that becomes full in the midst of a save leaves nothing", async () => {
    const page = await browser.open({ disk: true })
    await page.setInputFiles("#picker", sparse)
    await opened(page)
    const session = await page.context().newCDPSession(page)
    const { origin } = new URL(page.url())
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100 * MiB })
    await page.locator(".save .primary").click()
    await page.getByText(/[1-9] MB of 3\.22 GB/).waitFor()
    await page.locator(".outcome .refused").waitFor()
    expectText(await textOf(page, ".outcome"), /there is not enough room[\s\S]*Nothing was left behind/)
    expectSame(await ownFiles(page), [], "files that are left")
    await page.context().close()
  })

  await check("a large tensor is looked at by a sample, which says so", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", sparse)
    await opened(page)
    await page.locator(".grid .row[data-index]").first().click()
    await page.locator(".histogram").waitFor()
    expectText(await textOf(page, "dialog[open]"), /A sample: 33\.6 MB of 268 MB/)
    await page.context().close()
  })

  await check("a tensor that is not in order is looked at whole, and a large one by a sample", async () => {
    const said = []
    for (const side of [TRANSPOSED_SIDE, LARGE_TRANSPOSED_SIDE]) {
      const transposed = join(work, `transposed-${side}.pt`)
      writeTransposed(transposed, side)
      const page = await browser.open()
      const heap = await WorkerHeap.of(page)
      await page.setInputFiles("#picker", transposed)
      await opened(page)
      await page.locator(".grid .row[data-index]").first().click()
      await heap.watchUntil(page.locator(".histogram").waitFor())
      const sheet = await textOf(page, "dialog[open]")
      expectText(sheet, /picked element by element/)
      const isLarge = side === LARGE_TRANSPOSED_SIDE
      expectSame(/A sample: 33\.6 MB of 1\.07 GB/.test(sheet), isLarge, "a sample")
      // Each mark is 32 bytes, none of them zero, and both ends are part of a sample.
      const elements = isLarge ? (32 * MiB) / 4 : side ** 2
      expectText(
        sheet,
        new RegExp(`Zeros\\s+${(elements - (2 * markOf(0).length) / 4).toLocaleString("en")} `),
      )
      await page.context().close()
      said.push(requireSmall(heap, MOST_LOOKING_BYTES))
    }
    return said.join("; ")
  })

  await check("looking at a large tensor ends when another one is asked for", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", sparse)
    await opened(page)
    await page.locator(".grid .row[data-index]").first().click()
    await page.locator("dialog[open] progress").waitFor()
    await page.keyboard.press("Escape")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.locator(".histogram").waitFor()
    expectText(await textOf(page, "dialog[open] h2"), /layers\.1\.weight/)
    await page.context().close()
  })

  await check(`${MANY} tensors are listed, searched, sorted and scrolled`, async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", many)
    await opened(page)
    const grid = page.locator(".grid")
    expectSame(await grid.getAttribute("aria-rowcount"), String(MANY + 1), "aria-rowcount")
    const rows = page.locator(".grid .row[data-index]")
    for (const part of [0.25, 0.5, 0.99, 1]) {
      await grid.evaluate((element, at) => element.scrollTo(0, at * element.scrollHeight), part)
      await page.waitForFunction(isFilled)
      const drawn = await rows.count()
      if (drawn > MOST_ROWS) throw new Error(`${drawn} rows are elements`)
    }
    expectText(await rows.last().innerText(), /blocks\.1999\.part\.\s*99\.weight/)
    await grid.focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("PageDown")
    await page.keyboard.press("End")
    const active = await grid.getAttribute("aria-activedescendant")
    expectSame(
      await page.locator(`#${active}`).getAttribute("aria-rowindex"),
      String(MANY + 1),
      "the last row",
    )
    await page.getByRole("button", { name: "Tensor", exact: true }).click()
    await page.getByRole("button", { name: "Tensor", exact: true }).click()
    expectText(await rows.first().innerText(), /blocks\.1999\.part\.\s*99\.weight/)
    await page.getByLabel("Search").fill("blocks.77. part.5.")
    await page.getByText("1 of 200,000").waitFor()
    await browser.shoot(page, "many-light-1280")
    await page.getByLabel("Search").fill("")
    await page.getByText("200,000", { exact: true }).nth(1).waitFor()
    const { median, longest } = await framesOfScroll(page)
    await page.context().close()
    return `frames of a scroll take ${median} ms, at most ${longest} ms`
  })
}

/** The files that a conversion has made for itself; none where the page may have none. */
async function countSpilled() {
  try {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle("tosafetensors-spill")
    let count = 0
    for await (const _ of folder.keys()) count += 1
    return count
  } catch {
    return 0
  }
}

/** What is held must be small; what waits to be collected is only told, unless there is a bound for it. */
function requireSmall({ most }, mostUncollected = Number.POSITIVE_INFINITY) {
  if (most.uncollected > mostUncollected) throw new Error(JSON.stringify(most))
  if (Math.max(most.objects, most.held) > MOST_HEAP_BYTES) throw new Error(JSON.stringify(most))
  const say = (bytes) => `${(bytes / MiB).toFixed(1)} MiB`
  return `objects ${say(most.objects)}, with arrays ${say(most.held)}, before they were collected ${say(most.uncollected)}`
}

/** Where in the output the marks stand, by the plan that Node makes, and what is there. */
async function plannedPieces(path) {
  const checkpoint = await openCheckpoint(path)
  const { report } = checkpoint.plan()
  await checkpoint.close()
  const length = markOf(0).length
  const places = report.tensors.flatMap(({ start }) => [start, start + SPARSE_TENSOR_BYTES - length])
  const numbers = report.tensors.map(({ name }) => Number(name.split(".")[1]))
  expectSame(numbers.length, SPARSE_TENSORS, "tensors")
  const pieces = numbers.flatMap((number) => [markOf(number).toString(), markOf(number).toString()])
  return { byteLength: report.byteLength, places, length, pieces }
}

function readPieces(page, { byteLength, places, length }) {
  return page.evaluate(
    async (wanted) => {
      const folder = await navigator.storage.getDirectory()
      const handle = await folder.getFileHandle("sparse.safetensors")
      const file = await handle.getFile()
      if (file.size !== wanted.byteLength) return [`${file.size} bytes`]
      return Promise.all(wanted.places.map((at) => file.slice(at, at + wanted.length).text()))
    },
    { byteLength, places, length },
  )
}

/** Whether rows cover all of the table that is in sight. */
function isFilled() {
  const grid = document.querySelector(".grid").getBoundingClientRect()
  const rows = [...document.querySelectorAll(".grid .row[data-index]")].map((row) =>
    row.getBoundingClientRect(),
  )
  return rows.some(({ top }) => top <= grid.top + 40) && rows.some(({ bottom }) => bottom >= grid.bottom - 4)
}

/** Milliseconds. For whoever reads the log: nothing is held against them. */
function framesOfScroll(page) {
  return page.evaluate(async () => {
    const grid = document.querySelector(".grid")
    const frames = []
    let last = await new Promise(requestAnimationFrame)
    for (let frame = 0; frame < 120; frame++) {
      grid.scrollTop += 997
      const now = await new Promise(requestAnimationFrame)
      frames.push(Math.round(now - last))
      last = now
    }
    frames.sort((a, b) => a - b)
    return { median: frames[60], longest: frames.at(-1) }
  })
}
