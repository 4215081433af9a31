/** Several files at once: a list of them, shards that belong together, and all of them saved one after the other. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { toSafetensorsBytes } from "../../dist/node.js"
import { drop, expectSame, expectText, opened, readOwnFiles, showFile, textOf } from "./browser.mjs"
import { writeHostile, writeNamed } from "./inputs.mjs"
import { requireEqual } from "./saving.mjs"

const shardName = (number, ending = "bin") => `pytorch_model-0000${number}-of-00003.${ending}`

/** Names that an object would put elsewhere. */
const SHARD_NAMES = [["b.weight", "10"], ["a.weight"], ["9", "__proto__"]]

/** Three shards of one checkpoint. Returns their paths. */
export function writeShards(folder) {
  return SHARD_NAMES.map((names, index) => {
    const path = join(folder, shardName(index + 1))
    writeNamed(path, names)
    return path
  })
}

export async function checkManyFiles({ browser, check, root, work }) {
  const oracle = (name) => join(root, "test/fixtures/oracle", name)
  const hostile = join(work, "hostile.pt")
  writeHostile(hostile)
  const shards = writeShards(work)

  await check("several files are listed with what each of them is", async () => {
    const page = await browser.open()
    await drop(
      page,
      hostile,
      oracle("hidden-tied.pt"),
      oracle("roots-gan.pt"),
      oracle("hidden-tied.safetensors"),
    )
    await page.locator(".overview .state.good").nth(1).waitFor()
    const rows = (await page.locator(".overview-list li").allInnerTexts()).map((row) => row.split(/\s*\n\s*/))
    expectSame(
      rows.map(([name, , state]) => [name, state]),
      [
        ["hostile.pt", "refused: this file wants to run code"],
        ["hidden-tied.pt", "can be saved"],
        ["roots-gan.pt", "needs a choice"],
        ["hidden-tied.safetensors", "safetensors already"],
      ],
    )
    expectText(await textOf(page, ".together"), /1 file can be saved as safetensors/)
    await page.getByRole("button", { name: "roots-gan.pt" }).first().click()
    await page.getByRole("radio").first().check()
    await page.locator(".file:visible .save .primary:enabled").waitFor()
    await showFile(page, "All files")
    await page.getByRole("button", { name: "Save all 2" }).waitFor()
    await page.context().close()
  })

  await check("shards are saved into a folder, with an index, and never over what is there", async () => {
    const page = await browser.open({ disk: true })
    await drop(page, ...shards)
    await page.getByRole("button", { name: "Save all 3" }).waitFor()
    expectText(
      await textOf(page, ".shard-set"),
      /pytorch_model\.bin is one checkpoint in 3 shards, which are all here: 5 tensors/,
    )
    await page.getByRole("button", { name: "Save all 3" }).click()
    await page.locator(".overview .notice.done").waitFor()
    const files = await readOwnFiles(page)
    expectSame(
      files.map(({ name }) => name),
      ["model.safetensors.index.json", ...[1, 2, 3].map((number) => shardName(number, "safetensors"))],
    )
    for (const [index, path] of shards.entries()) {
      requireEqual(Buffer.from(files[index + 1].bytes), (await toSafetensorsBytes(path)).bytes)
    }
    const index = Buffer.from(files[0].bytes).toString()
    expectSame(index, EXPECTED_INDEX, "index")
    await page.getByRole("button", { name: "Save all 3" }).click()
    await page
      .getByText(/0 of 3 files were saved\. There already, and not replaced: pytorch_model-00001/)
      .last()
      .waitFor()
    expectSame(await readOwnFiles(page), files, "files")
    await page.context().close()
  })

  await check("without folders, several files become one download after the other", async () => {
    const page = await browser.open()
    const downloads = []
    page.on("download", (download) => downloads.push(download))
    await drop(page, oracle("hidden-tied.pt"), oracle("legacy-by-torch.pth"))
    await page.getByRole("button", { name: "Save all 2" }).click()
    await page.locator(".overview .notice.done").waitFor()
    expectSame(
      downloads.map((download) => download.suggestedFilename()),
      ["hidden-tied.safetensors", "legacy-by-torch.safetensors"],
    )
    for (const [index, name] of ["hidden-tied.pt", "legacy-by-torch.pth"].entries()) {
      const { bytes } = await toSafetensorsBytes(oracle(name))
      requireEqual(readFileSync(await downloads[index].path()), bytes)
    }
    await page.context().close()
  })

  await check("a shard that is missing, and a name that is there twice, are told", async () => {
    const again = join(work, shardName(3))
    writeNamed(again, ["b.weight", "c"])
    const page = await browser.open()
    await drop(page, shards[0], again)
    await page.getByRole("button", { name: "Save all 2" }).waitFor()
    const said = await textOf(page, ".shard-set")
    expectText(said, /of which number 2 is not here/)
    expectText(said, /1 name of tensors stand in more than one shard/)
    writeShards(work)
    await page.context().close()
  })

  await check("closing files leads from one to the next, and to the beginning", async () => {
    const page = await browser.open()
    await drop(page, ...shards)
    for (const number of [1, 2, 3]) {
      if (number === 1) await showFile(page, shardName(1))
      await opened(page)
      await page.getByRole("button", { name: `Close ${shardName(number)}` }).click()
    }
    expectSame(await page.evaluate(() => document.activeElement.id), "choose", "focus")
    await page.context().close()
  })
}

const EXPECTED_INDEX = `{
  "metadata": {
    "total_size": 80
  },
  "weight_map": {
    "10": "pytorch_model-00001-of-00003.safetensors",
    "9": "pytorch_model-00003-of-00003.safetensors",
    "__proto__": "pytorch_model-00003-of-00003.safetensors",
    "a.weight": "pytorch_model-00002-of-00003.safetensors",
    "b.weight": "pytorch_model-00001-of-00003.safetensors"
  }
}
`
