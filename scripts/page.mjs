/**
 * Drives the built page (examples/web) in Chromium with real files: opens, shows, converts, saves, refuses, cancels,
 * and compares what was saved with what Node makes, byte for byte. Screenshots of every state go to .page/.
 *
 * Needs `npm run build` and examples/web/node_modules. Without these or Chromium it says so and stops; where `CI` is
 * set, it installs the former and fails without the latter.
 */

import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { CHROMIUM_NAMES, findChromium } from "./find-chromium.mjs"
import { checkAccess } from "./page/access.mjs"
import { PageBrowser } from "./page/browser.mjs"
import { checkInspection } from "./page/inspection.mjs"
import { checkKeyboard } from "./page/keyboard.mjs"
import { checkLargeFiles } from "./page/large-files.mjs"
import { checkManyFiles } from "./page/many-files.mjs"
import { checkNetwork, checkQuiet } from "./page/network.mjs"
import { checkRefusals } from "./page/refusals.mjs"
import { checkSaving } from "./page/saving.mjs"
import { checkStored } from "./page/stored.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const page = join(root, "examples/web")
const inCi = process.env.CI === "true"

const GROUPS = {
  checkInspection,
  checkStored,
  checkSaving,
  checkManyFiles,
  checkRefusals,
  checkNetwork,
  checkKeyboard,
  checkAccess,
  checkLargeFiles,
  checkQuiet,
}

const executablePath = findChromium()
if (executablePath === undefined) stop(`there is no ${CHROMIUM_NAMES.join(", ")} in PATH`)
if (!existsSync(join(page, "node_modules"))) {
  if (!inCi) stop("examples/web/node_modules is missing: npm --prefix examples/web ci")
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: page, stdio: "inherit" })
}
run("tsc", "-p", ".")
run("vite", "build", "--logLevel", "warn")

const shots = join(root, ".page")
mkdirSync(shots, { recursive: true })
const work = mkdtempSync(join(tmpdir(), "tosafetensors-page-"))
let passed = 0
let failed = 0
const browser = await PageBrowser.start({ executablePath, file: join(page, "dist/index.html"), work, shots })
try {
  const only = process.argv.slice(2)
  for (const [name, group] of Object.entries(GROUPS)) {
    if (only.length === 0 || only.includes(name)) await group({ browser, check, root, work })
  }
} finally {
  await browser.close()
  rmSync(work, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`page: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

/** Runs `work`, which throws where something is not as it should be, and may return what to say. */
async function check(name, work) {
  try {
    const said = await work()
    passed += 1
    console.log(`page: ${name} ok${typeof said === "string" ? `, ${said}` : ""}`)
  } catch (error) {
    failed += 1
    console.error(`page: ${name} failed\n  ${String(error?.stack ?? error).replaceAll("\n", "\n  ")}`)
  }
}

function run(program, ...args) {
  execFileSync("npx", ["--no-install", program, ...args], { cwd: page, stdio: "inherit" })
}

function stop(reason) {
  console.log(`page: ${inCi ? "failed" : "skipped"}, ${reason}`)
  process.exit(inCi ? 1 : 0)
}
