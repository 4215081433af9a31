/**
 * Measures what a page that imports the package ends up with: minified by esbuild, then gzip -9, and fails above the
 * limits below. Run `npm run build` first: it is dist/ that is measured, by the name and the conditions that a user's
 * bundler goes by.
 *
 * "at once" is what is fetched before the import is there. "later" is what the library fetches itself when a file turns
 * out to need it, "in all" is both. "inflate" is pako, which only deflated members need, and is not counted in "in all".
 *
 * `node scripts/sizes.mjs --modules everything` lists where the bytes of a part are.
 */

import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

const root = fileURLToPath(new URL("..", import.meta.url))

/** What is exported to the page, and the most KiB at once and altogether. */
const PARTS = [
  { name: "everything", exports: "*", atOnce: 76.5, inAll: 116 },
  { name: "toSafetensorsBlob", exports: "{ toSafetensorsBlob }", atOnce: 61.5, inAll: 87 },
  { name: "openCheckpoint", exports: "{ openCheckpoint }", atOnce: 65.5, inAll: 93.5 },
  { name: "scan", exports: "{ scan }", atOnce: 58, inAll: 95 },
  { name: "readSafetensorsHeader", exports: "{ readSafetensorsHeader }", atOnce: 10.3, inAll: 17 },
  { name: "parseSafetensorsHeader", exports: "{ parseSafetensorsHeader }", atOnce: 7.5, inAll: 7.5 },
  { name: "isCheckpointError", exports: "{ isCheckpointError }", atOnce: 1, inAll: 1 },
]

const INFLATE = /(?:^|\/)node_modules\/pako\//

if (process.argv[2] === "--modules") {
  await listModules(PARTS.find(({ name }) => name === (process.argv[3] ?? "everything")))
  process.exit()
}

let passed = 0
let failed = 0
console.log(
  `${"import".padEnd(24)}${["at once", "limit", "in all", "limit", "inflate"].map(column).join("")}  KiB`,
)
for (const part of PARTS) {
  const { atOnce, inAll, inflate } = await measure(part)
  const cells = [kib(atOnce), String(part.atOnce), kib(inAll), String(part.inAll), kib(inflate)]
  console.log(part.name.padEnd(24) + cells.map(column).join(""))
  for (const holds of [atOnce <= part.atOnce * 1024, inAll <= part.inAll * 1024]) {
    if (holds) passed += 1
    else failed += 1
  }
}
console.log(`sizes: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

function column(text) {
  return text.padStart(9)
}

function kib(bytes) {
  return (bytes / 1024).toFixed(1)
}

function bundle({ exports }, from) {
  return build({
    stdin: { contents: `export ${exports} from "${from}"`, resolveDir: root },
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: "esm",
    platform: "browser",
    absWorkingDir: root,
    outdir: ".",
    write: false,
    logLevel: "error",
  })
}

/** Bytes gzipped. */
async function measure(part) {
  const { metafile, outputFiles } = await bundle(part, "tosafetensors")
  const outputs = Object.entries(metafile.outputs)
  const [entry] = outputs.find(([, { entryPoint }]) => entryPoint === "<stdin>")
  const atOnce = importedBy(entry, metafile.outputs, ["import-statement"])
  const reachable = importedBy(entry, metafile.outputs, ["import-statement", "dynamic-import"])
  const sums = { atOnce: 0, inAll: 0, inflate: 0 }
  for (const [i, [path, { inputs }]] of outputs.entries()) {
    if (!reachable.has(path)) continue
    const bytes = gzipSync(outputFiles[i].contents, { level: 9 }).length
    if (atOnce.has(path)) sums.atOnce += bytes
    if (Object.keys(inputs).some((input) => INFLATE.test(input))) sums.inflate += bytes
    else sums.inAll += bytes
  }
  return sums
}

/** The files that `entry` comes to by these kinds of import, itself too. */
function importedBy(entry, outputs, kinds) {
  const files = new Set([entry])
  for (const file of files) {
    for (const { path, kind } of outputs[file].imports) if (kinds.includes(kind)) files.add(path)
  }
  return files
}

/** Where the bytes of a part are, bundled from the source: minified bytes of each module, those fetched later marked. */
async function listModules(part) {
  const { metafile } = await bundle(part, "./src/index.ts")
  const outputs = Object.entries(metafile.outputs)
  const [entry] = outputs.find(([, { entryPoint }]) => entryPoint === "<stdin>")
  const atOnce = importedBy(entry, metafile.outputs, ["import-statement"])
  const rows = outputs.flatMap(([path, { inputs }]) =>
    Object.entries(inputs).map(([module, { bytesInOutput }]) => [
      bytesInOutput,
      `${module}${atOnce.has(path) ? "" : "  (later)"}`,
    ]),
  )
  for (const [bytes, module] of rows.sort((a, b) => b[0] - a[0]))
    console.log(`${String(bytes).padStart(8)}  ${module}`)
}
