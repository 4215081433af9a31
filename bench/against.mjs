/**
 * Times this build beside another one, in turn: every conversion of the benchmark, the short commands, and the library's
 * open of 20,000 tensors. Prints medians and ratios; asserts nothing.
 *
 *   node bench/against.mjs FOLDER [--runs 7] [--quick] [--only 20MB,open]
 *
 * FOLDER is a checkout of this project with a dist/ of its own, such as a git worktree of the last release.
 */

import { rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { output } from "./contenders.mjs"
import { IN_MEMORY, MANY_TENSORS, makeInputs, pathOf, root, SHAPES } from "./inputs.mjs"
import { inTurn, middle } from "./timing.mjs"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "7" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
  },
})
const [other] = positionals
if (other === undefined) throw new Error("which build? node bench/against.mjs FOLDER")
const runs = Number(values.runs)
const asked = (name) => values.only.split(",").some((part) => name.includes(part))
const builds = { before: resolve(other), now: root }
process.on("exit", () => rmSync(output, { force: true }))

/** The same command of both builds. */
const both = (command) => ({ before: command(builds.before), now: command(builds.now) })
const run = (folder, ...args) => [process.execPath, join(folder, "dist/cli.js"), ...args]
const inside = (folder, what, file) => [
  ...[process.execPath, "--expose-gc"],
  ...[join(folder, "bench/in-process.mjs"), what, pathOf(file)],
]

for (const { file, title } of SHAPES.filter((shape) => asked(shape.file) && !(shape.large && values.quick))) {
  makeInputs([file])
  await compare(title, (folder) => run(folder, pathOf(file), "-o", output, "--force", "--quiet"))
}
const [small] = SHAPES
for (const args of [["--version"], ["inspect", pathOf(small.file)], ["scan", pathOf(small.file)]]) {
  if (asked(args[0])) await compare(args[0], (folder) => run(folder, ...args), 3 * runs)
}
if (asked("open")) {
  makeInputs([MANY_TENSORS])
  const measured = await inTurn(
    both((folder) => inside(folder, "open", MANY_TENSORS)),
    { runs },
  )
  for (const key of ["first", "warm"]) say(`open 20,000 tensors, ${key}`, printed(measured, key))
}
if (asked("bytes")) {
  makeInputs([IN_MEMORY])
  const measured = await inTurn(
    both((folder) => inside(folder, "bytes", IN_MEMORY)),
    { runs },
  )
  say("toSafetensorsBytes of 107 MB", printed(measured, "convert"))
}

async function compare(title, command, rounds = runs) {
  const before = () => rmSync(output, { force: true })
  const measured = await inTurn(both(command), { runs: rounds, before })
  const { before: old, now } = measured
  const line = { before: old.seconds * 1000, now: now.seconds * 1000 }
  say(title, line, `fastest ${(now.fastest / old.fastest).toFixed(3)} x`)
}

/** Medians of what the processes of each build printed under `key`. */
function printed(measured, key) {
  return Object.fromEntries(
    Object.entries(measured).map(([name, { printed }]) => [
      name,
      middle(printed.map((text) => JSON.parse(text)[key])),
    ]),
  )
}

function say(title, { before, now }, more = "") {
  const ratio = (now / before).toFixed(3)
  console.log(
    `${title}: before ${before.toFixed(0)} ms, now ${now.toFixed(0)} ms, ${ratio} x ${more}`.trimEnd(),
  )
}
