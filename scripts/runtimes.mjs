/**
 * Packs the package, installs the tarball into an empty folder, and holds it against test/runtimes in every runtime: in
 * Node, Deno and Bun in a process and in a thread of it, and the command line; in Chromium and Firefox in a page and in a
 * worker. Run `npm run build` first.
 *
 * `node scripts/runtimes.mjs [--install] [NAME]`: NAME is how names of runtimes begin, `"node 2"` say. A runtime that is
 * not there is told and passed over; where `CI` is set it is installed, and missing browsers are failures.
 */

import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { runInBrowser } from "./runtimes/browsers.mjs"
import { bundleForPage, bundleForProcess } from "./runtimes/bundle.mjs"
import { findRuntimes, inCi } from "./runtimes/found.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const work = mkdtempSync(join(tmpdir(), "tosafetensors-runtimes-"))

/** A suite that takes longer than this hangs. */
const LONGEST_MS = 10 * 60_000

const args = process.argv.slice(2)
const { processes, browsers } = findRuntimes(
  args.find((arg) => !arg.startsWith("--")),
  inCi || args.includes("--install"),
)
let passed = 0
let failed = 0
try {
  installTarball()
  await bundleForProcess(join(work, "suite.mjs"))
  for (const runtime of processes) await report(runtime, () => [...runSuite(runtime), runCommands(runtime)])
  const scripts = await bundleForPage(work)
  for (const runtime of browsers) await report(runtime, () => runInBrowser(runtime, scripts))
} finally {
  rmSync(work, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`runtimes: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 && (passed > 0 || !inCi) ? 0 : 1)

/** One line for a runtime, and what failed there. */
async function report(runtime, run) {
  const { name, version, missing } = runtime
  if (missing !== undefined) {
    console.log(`${name}: ${inCi ? "failed" : "skipped"}, ${missing}`)
    if (inCi) failed += 1
    return
  }
  const outcomes = await Promise.resolve()
    .then(run)
    .catch((error) => [
      { place: "start", passed: 0, failed: [{ name: "it runs", problems: [String(error)] }] },
    ])
  const places = outcomes.map((outcome) => {
    passed += outcome.passed
    failed += outcome.failed.length
    return `${outcome.place} ${outcome.passed} passed, ${outcome.failed.length} failed`
  })
  console.log(`${name}, ${version}: ${places.join("; ")}`)
  for (const { failed: failures, place } of outcomes)
    for (const each of failures) console.log(`  ${place}: ${each.name}\n    ${each.problems.join("\n    ")}`)
}

function installTarball() {
  const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }
  const packed = execFileSync(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", work],
    options,
  )
  const [{ filename }] = JSON.parse(packed)
  writeFileSync(join(work, "package.json"), '{ "name": "consumer", "private": true, "type": "module" }\n')
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", join(work, filename)], {
    ...options,
    cwd: work,
  })
  cpSync(join(root, "examples/tiny-transformer.pt"), join(work, "model.pt"))
}

function runSuite(runtime) {
  const { status, stdout, stderr, signal } = start(runtime, ["suite.mjs"])
  if (status !== 0) throw new Error(`the suite ended with ${status ?? signal}: ${stderr.slice(-2000)}`)
  return JSON.parse(stdout.trim().split("\n").at(-1))
}

function start({ program, args: before }, after) {
  return spawnSync(program, [...before, ...after], {
    cwd: work,
    encoding: "utf8",
    timeout: LONGEST_MS,
    maxBuffer: 64 * 1024 * 1024,
    // Neither its own colours nor what the process that runs this was told.
    env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "", TMPDIR: work },
  })
}

/** The command line: what each command ends with and must say. */
function runCommands(runtime) {
  const cli = join(work, "node_modules/tosafetensors/dist/cli.js")
  const output = `${runtime.name}.safetensors`
  const commands = [
    { args: ["--version"], says: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version },
    { args: ["model.pt", "-o", output], says: "13 tensors" },
    { args: ["inspect", "model.pt"], says: "13 tensors" },
    { args: ["scan", "model.pt"], says: "clean" },
    { args: ["verify", output, "model.pt"], says: "" },
    { args: ["model.pt", "-o", output], status: 1, says: "exists already" },
    { args: ["scan", "nothing.pt"], status: 3, says: "nothing.pt" },
    runtime.isolates
      ? { args: ["model.pt", "--isolate", "--force", "-o", output], says: "13 tensors" }
      : { args: ["model.pt", "--isolate"], status: 2, says: "needs Node's permission model" },
  ]
  const failures = []
  for (const { args: given, status = 0, says } of commands) {
    const ended = start(runtime, [cli, ...given])
    const said = ended.stdout + ended.stderr
    if (ended.status === status && said.includes(says)) continue
    failures.push({
      name: `tosafetensors ${given.join(" ")}`,
      problems: [
        `it ended with ${ended.status ?? ended.signal}, not ${status}, and said ${said.slice(-1000)}`,
      ],
    })
  }
  return { place: "command line", passed: commands.length - failures.length, failed: failures }
}
