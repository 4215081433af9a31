/**
 * The runtimes that the package is run in, and where they are: this Node, others out of npm packages in .runtimes/, and
 * browsers out of PATH. What is missing in .runtimes/ is installed where `CI` is set, or when it is asked for, exactly as
 * package.json and package-lock.json beside this file have it: programs for 64-bit Linux with glibc.
 */

import { execFileSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { CHROMIUM_NAMES, inPath } from "../find-chromium.mjs"

export const inCi = process.env.CI === "true"

const folder = fileURLToPath(new URL("../../.runtimes", import.meta.url))

const LOCK = readFileSync(new URL("package-lock.json", import.meta.url))

/** Deno gets leave to use files below the folder that it runs in, and to ask where temporary ones belong. */
const DENO = [
  ...["run", "--no-prompt", "--no-remote"],
  ...["--allow-read=.", "--allow-write=.", "--allow-env=TMPDIR,TMP,TEMP"],
]

/** `isolates`: has a permission model that `--isolate` can use. */
const PROCESSES = [
  { name: "Node", program: process.execPath, args: [], isolates: true },
  { name: "Node 20", program: installed("node-20/bin/node"), args: [], isolates: true },
  { name: "Node 22", program: installed("node-22/bin/node"), args: [], isolates: true },
  { name: "Node 24", program: installed("node-24/bin/node"), args: [], isolates: true },
  { name: "Node 26", program: installed("node-26/bin/node"), args: [], isolates: true },
  { name: "Deno", program: installed("deno-program/deno"), args: DENO, isolates: false },
  { name: "Bun", program: installed("bun-program/bin/bun"), args: [], isolates: false },
]

const BROWSERS = [
  { name: "Chromium", programs: CHROMIUM_NAMES },
  { name: "Firefox", programs: ["firefox-esr", "firefox"] },
]

function installed(path) {
  return join(folder, "node_modules", path)
}

/** Those whose name begins with `only`, each with its `version`; `missing` says why one is not there. */
export function findRuntimes(only = "", install = inCi) {
  const wanted = ({ name }) => name.toLowerCase().startsWith(only.toLowerCase())
  const processes = PROCESSES.filter(wanted)
  const browsers = BROWSERS.filter(wanted).map(({ name, programs }) => ({
    name,
    program: inPath(programs),
    missing: `there is no ${programs.join(" or ")} in PATH`,
  }))
  const needed = [...processes, ...browsers].some(({ name }) => name !== "Node" && name !== "Chromium")
  if (install && needed && !isInstalled()) installAll()
  return {
    processes: processes.map((runtime) => checked(runtime, "it is not in .runtimes/ (--install fetches it)")),
    browsers: browsers.map((runtime) => checked(runtime, runtime.missing)),
  }
}

function checked(runtime, missing) {
  const { name, program } = runtime
  if (program === undefined || !existsSync(program)) return { name, missing }
  if (name === "Firefox" && !existsSync(installed("puppeteer-core")))
    return { name, missing: "puppeteer-core is not in .runtimes/ (--install fetches it)" }
  const version = execFileSync(program, ["--version"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  })
  return { ...runtime, missing: undefined, version: /\d[\w.]*/.exec(version)?.[0] ?? "?" }
}

/** Drives Firefox over WebDriver BiDi. */
export async function loadPuppeteer() {
  return (await import(installed("puppeteer-core/lib/esm/puppeteer/puppeteer-core.js"))).default
}

/** npm writes the lock file of what it has installed there last. */
function isInstalled() {
  const marker = join(folder, "node_modules/.package-lock.json")
  return existsSync(marker) && LOCK.equals(readFileSync(join(folder, "package-lock.json")))
}

function installAll() {
  if (process.platform !== "linux" || process.arch !== "x64") return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package-lock.json"), LOCK)
  copyFileSync(new URL("package.json", import.meta.url), join(folder, "package.json"))
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  })
}
