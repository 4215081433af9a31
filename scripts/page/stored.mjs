/** safetensors files: shown as checkpoints are, with nothing to convert, or refused with what is wrong. */

import { copyFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openCheckpoint, toSafetensorsBytes } from "../../dist/node.js"
import { drop, expectSame, expectText, opened, textOf } from "./browser.mjs"

export const NASTY_KEY = "<b>key</b>\u202egnp"

/** A safetensors file of a header and zeros behind it. `dataBytes` beyond what is written is hole. */
export function writeStored(path, header, dataBytes) {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeUInt32LE(json.length)
  writeFileSync(path, Buffer.concat([length, json]))
  truncateSync(path, 8 + json.length + dataBytes)
}

/** One with metadata that asks for care, two small tensors and one of a gigabyte. */
export function writeStoredExample(path) {
  const start = 1032
  const end = start + 2 ** 30
  writeStored(
    path,
    {
      __metadata__: { format: "pt", [NASTY_KEY]: "value\n".repeat(40), __proto__key: "x" },
      "layers.0.weight": { dtype: "F16", shape: [4, 128], data_offsets: [0, 1024] },
      "layers.0.bias": { dtype: "F6_E2M3", shape: [8], data_offsets: [1024, 1030] },
      "layers.0.flags": { dtype: "BOOL", shape: [2], data_offsets: [1030, start] },
      "layers.1.weight": { dtype: "BF16", shape: [2 ** 14, 2 ** 15], data_offsets: [start, end] },
    },
    end,
  )
}

export async function checkStored({ browser, check, root, work }) {
  const source = join(root, "test/fixtures/oracle/dtypes-zip-all.pt")
  const converted = join(work, "dtypes.safetensors")
  writeFileSync(converted, (await toSafetensorsBytes(source)).bytes)
  const example = join(work, "stored.safetensors")
  writeStoredExample(example)

  await check("a safetensors file shows what the checkpoint shows that it was made of", async () => {
    const page = await browser.open()
    await page.setInputFiles("#picker", converted)
    await opened(page)
    expectText(await textOf(page, ".file:visible .facts"), /Format\s+safetensors/)
    expectText(await textOf(page, ".stored"), /Nothing to convert/)
    expectSame(await page.locator(".save").count(), 0, "panels for saving")
    const checkpoint = await openCheckpoint(source)
    const names = checkpoint.plan().report.tensors.map(({ name }) => name)
    await checkpoint.close()
    const before = await elementsOf(page, names)
    await page.setInputFiles("#picker", source)
    await page.getByRole("heading", { level: 1, name: "dtypes-zip-all.pt" }).waitFor()
    await opened(page)
    expectSame(await elementsOf(page, names), before, "elements")
    await page.context().close()
    return `${names.length} tensors`
  })

  await check("metadata is text, and a large tensor is shown by a sample", async () => {
    const page = await browser.open()
    await drop(page, example)
    await opened(page)
    const header = await textOf(page, ".header-card")
    expectText(header, /3 entries of metadata/)
    if (!header.includes("<b>key</b>\\u202egnp")) throw new Error(header)
    expectSame(await page.locator(".metadata .line").count(), 43, "lines")
    await inspect(page, "layers.1.weight")
    expectText(await textOf(page, "dialog[open]"), /A sample: 33\.6 MB of 1\.07 GB/)
    expectText(await textOf(page, "dialog[open]"), /BF16 \(torch\.bfloat16\)[\s\S]*Offset\s+byte 1,/)
    await page.keyboard.press("Escape")
    await inspect(page, "layers.0.bias")
    expectText(
      await textOf(page, "dialog[open]"),
      /F6_E2M3, which torch has no name for[\s\S]*no plain numbers/,
    )
    await page.context().close()
  })

  const broken = [
    ["overlap", { a: [0, 8], b: [4, 12] }, 12, /the data begins at 4, inside the data of another tensor/],
    ["short", { a: [0, 8] }, 7, /the tensors need 8 bytes of data, the file has 7/],
    ["long", { a: [0, 8] }, 9, /1 bytes follow the data of the last tensor/],
  ]
  for (const [name, ranges, dataBytes, pattern] of broken) {
    await check(`a safetensors file with a header that is wrong is refused: ${name}`, async () => {
      const path = join(work, `${name}.safetensors`)
      const tensors = Object.entries(ranges).map(([key, data_offsets]) => [
        key,
        { dtype: "F32", shape: [2], data_offsets },
      ])
      writeStored(path, Object.fromEntries(tensors), dataBytes)
      const page = await browser.open()
      await page.setInputFiles("#picker", path)
      await page.locator(".refusal").waitFor()
      expectText(await textOf(page, ".refusal"), /This safetensors file breaks the rules of its format/)
      expectText(await textOf(page, ".refusal"), pattern)
      await page.context().close()
    })
  }

  await check(
    "a name says nothing: a checkpoint called .safetensors opens, a web page does not",
    async () => {
      const page = await browser.open()
      const mistaken = join(work, "mistaken.safetensors")
      writeFileSync(mistaken, "<!doctype html><title>404</title>".padEnd(4096))
      await page.setInputFiles("#picker", mistaken)
      await page.locator(".refusal").waitFor()
      expectText(await textOf(page, ".refusal"), /the header's length is \d+ bytes/)
      const renamed = join(work, "renamed.safetensors")
      copyFileSync(source, renamed)
      await page.setInputFiles("#picker", renamed)
      await opened(page)
      expectText(await textOf(page, ".file:visible .facts"), /zip archive/)
      expectText(await textOf(page, ".file:visible .save .primary"), /renamed-converted\.safetensors/)
      await page.context().close()
    },
  )
}

/** What the sheets of these tensors say of their elements. */
async function elementsOf(page, names) {
  const said = []
  for (const name of names) {
    await inspect(page, name)
    const elements = await textOf(page, "dialog[open] .elements")
    // A header counts the halves of a byte, torch counts the bytes.
    said.push([name, elements.replace(/\s+Two values are packed into each element\.\s+/, "\n")])
    await page.keyboard.press("Escape")
  }
  return said
}

async function inspect(page, name) {
  const search = page.locator(".file:visible").getByLabel("Search")
  await search.fill(name)
  const row = page.locator(`.file:visible .grid .name-text[title="${name}"]`)
  await page
    .locator(".file:visible .section-head [aria-live]")
    .getByText(/^\d+ of/)
    .waitFor()
  await row.click()
  await page.locator("dialog[open] .elements :is(h3, .warning)").waitFor()
}
