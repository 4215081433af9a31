/** A process of the caller's that ends in the middle of a conversion: nothing of that outlives it. */

import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { beforeAll, expect, it } from "vitest"
import { largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"

const newFolder = temporaryFolders()
let library = ""
beforeAll(async () => {
  library = join(newFolder(), "node.mjs")
  const entry = fileURLToPath(new URL("../../src/node/index.ts", import.meta.url))
  await build({ entryPoints: [entry], bundle: true, platform: "node", format: "esm", outfile: library })
})

it.each([
  ["exits", "process.exit(7)", 7],
  ["throws where nobody catches", "setImmediate(() => { throw new Error('mine') })", 1],
  ["exits from another folder", "process.chdir('elsewhere'); process.exit(7)", 7],
])("a process that %s leaves no temporary file", (_, act, code) => {
  const folder = newFolder()
  mkdirSync(join(folder, "elsewhere"))
  writeFileSync(join(folder, "model.pt"), largeCheckpoint(12))
  const script = `
    import { toSafetensors } from ${JSON.stringify(library)}
    let done = false
    const onProgress = () => { if (!done) { done = true; ${act} } }
    await toSafetensors("model.pt", "model.safetensors", { onProgress })
    await new Promise((resolve) => setTimeout(resolve, 1000))`
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: folder,
  })
  expect(status, stderr.toString()).toBe(code)
  const left = readdirSync(folder).filter((name) => name.endsWith(".tmp"))
  expect(left).toEqual([])
})
