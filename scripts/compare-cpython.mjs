/**
 * Compares what the lister lists with what CPython's two unpicklers look up, in random pickles, several in a row.
 *
 *     npm run compare:cpython -- --count 20000 --seed 1 [--python python3]
 *
 * Needs a Python 3.8 or newer and nothing else; `npm run test:oracle` runs 5,000.
 */

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { bundleForNode } from "./bundle-for-node.mjs"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const SHOWN = 20

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    python: { type: "string", default: "python3" },
  },
})

const work = mkdtempSync(join(tmpdir(), "tosafetensors-compare-"))
try {
  const bundle = join(work, "compare.mjs")
  await bundleForNode("test/oracle/compare-cpython.ts", bundle)
  const { compareWithCPython } = await import(pathToFileURL(bundle).href)
  const script = join(ROOT, "test/oracle/record_globals.py")
  const { files, lookups, laterLookups, differences } = compareWithCPython(
    options.python,
    script,
    Number(options.count),
    Number(options.seed),
  )
  for (const difference of differences.slice(0, SHOWN)) console.log(difference)
  console.log(
    `compare: ${files} files, seed ${options.seed}, ${lookups} lookups, ${laterLookups} of them in later pickles, ${differences.length} differences`,
  )
  process.exitCode = differences.length === 0 ? 0 : 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
