/**
 * Times whole processes in turn: this library's command line, `cp`, and Python with torch and safetensors; and, from
 * inside, the parts of a conversion. Prints medians and ratios, writes .bench/results.json and .bench/benchmark.svg;
 * asserts nothing.
 *
 *   npm run bench [-- --runs 5] [--quick] [--only 20MB,commands] [--no-python]
 *
 * --quick leaves out what is large; --only takes parts of names of inputs, and of `commands`, `library` and `sparse`.
 * Needs Linux (peak memory and bytes read are from /proc) and the virtual environment that scripts/oracle.sh prepares:
 * torch writes the inputs. They are made once, in .bench/.
 */

import { spawnSync } from "node:child_process"
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { chart } from "./chart.mjs"
import { commandsOn, contendersFor, inside, output } from "./contenders.mjs"
import { folder, IN_MEMORY, MANY_TENSORS, makeInputs, pathOf, python, root, SHAPES } from "./inputs.mjs"
import { convertSparse } from "./sparse.mjs"
import { sayOthers, shapesTable } from "./table.mjs"
import { inTurn, middle, middles, time } from "./timing.mjs"

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    "no-python": { type: "boolean", default: false },
  },
})
const runs = Number(values.runs)
const asked = (name) => values.only.split(",").some((part) => name.includes(part))

if (!existsSync(python)) {
  console.log("bench: skipped, there is no torch to make the inputs (run scripts/oracle.sh first)")
  process.exit(0)
}
if (!existsSync(join(root, "dist/cli.js"))) {
  console.error("bench: there is no dist/ (run npm run build first)")
  process.exit(1)
}
// However it ends: gigabytes must not stay.
process.on("exit", () => rmSync(output, { force: true }))
const results = { machine: describeMachine(), runs, shapes: [] }
for (const shape of SHAPES.filter(({ file, large }) => asked(file) && !(large && values.quick))) {
  results.shapes.push(await measureShape(shape))
  const { title, ours, cp } = results.shapes.at(-1)
  console.log(`bench: ${title}: ${ours.seconds.toFixed(2)} s, ${(ours.seconds / cp.seconds).toFixed(2)} x cp`)
}
if (asked("commands")) results.commands = await measureCommands()
if (asked("library")) results.library = await measureLibrary()
if (asked("sparse") && !values.quick) results.sparse = await convertSparse()

console.log(`\nMedians of ${runs}, ${results.machine}\n`)
if (results.shapes.length > 0) console.log(`${shapesTable(results.shapes)}\n`)
console.log(sayOthers(results))
writeFileSync(join(folder, "results.json"), `${JSON.stringify(results, null, 2)}\n`)
if (results.shapes.length > 0) writeFileSync(join(folder, "benchmark.svg"), chart(results))

async function measureShape(shape) {
  makeInputs([shape.file])
  const commands = contendersFor(shape)
  if (values["no-python"]) delete commands.python
  const before = () => rmSync(output, { force: true })
  const { inside, ...measured } = await inTurn(commands, { runs, before })
  const { file, title } = shape
  return {
    file,
    title,
    bytes: statSync(pathOf(file)).size,
    ...withoutText(measured),
    phases: middles(inside.printed),
  }
}

/** On the largest transformer that the run takes. */
async function measureCommands() {
  const { file, title } = SHAPES.filter(({ large }) => !(large && values.quick))
    .filter((shape) => shape.file.startsWith("transformer-"))
    .at(-1)
  makeInputs([file])
  // Short ones: more of them cost nothing and steady the median.
  const measured = withoutText(await inTurn(commandsOn(file), { runs: 3 * runs }))
  const node = measured["node -e 0"].seconds
  const rows = Object.entries(measured).map(([name, m]) => ({ name, ...m, beyond: m.seconds - node }))
  const { printed } = await time(inside("read", pathOf(file)))
  return { file, title, bytes: statSync(pathOf(file)).size, rows, read: JSON.parse(printed) }
}

async function measureLibrary() {
  makeInputs([IN_MEMORY, MANY_TENSORS])
  const { printed } = await time(inside("bytes", pathOf(IN_MEMORY)))
  const inMemory = { bytes: statSync(pathOf(IN_MEMORY)).size, ...JSON.parse(printed) }
  const warm = []
  const uncached = []
  for (let run = 0; run <= runs; run++) {
    for (const [into, before] of [
      [warm, () => {}],
      [uncached, () => forget(pathOf(MANY_TENSORS))],
    ]) {
      before()
      const { printed } = await time(inside("open", pathOf(MANY_TENSORS)))
      if (run > 0) into.push(JSON.parse(printed))
    }
  }
  const opening = {
    warm: middle(warm.map((one) => one.warm)),
    first: middle(warm.map((one) => one.first)),
    uncached: middle(uncached.map((one) => one.first)),
  }
  return { inMemory, opening }
}

/** Takes a file out of the page cache, for which no rights are needed. */
function forget(path) {
  const { status } = spawnSync("dd", [`if=${path}`, "iflag=nocache", "count=0"], { stdio: "ignore" })
  if (status !== 0) throw new Error("dd could not drop the file from the page cache")
}

/** Without what the processes printed. */
function withoutText(measured) {
  return Object.fromEntries(Object.entries(measured).map(([name, { printed: _, ...rest }]) => [name, rest]))
}

function describeMachine() {
  const versions = spawnSync(
    python,
    [
      "-c",
      "import torch, safetensors; print(f'torch {torch.__version__}, safetensors {safetensors.__version__}')",
    ],
    { encoding: "utf8" },
  ).stdout.trim()
  return `${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version.slice(1)}, ${versions}`
}
