/**
 * Checks the package as it would be published: publint, the types for every way to import it, and the packed tarball
 * installed into an empty project and used from ESM, CommonJS, TypeScript and the command line.
 */

import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const work = mkdtempSync(join(tmpdir(), "tosafetensors-package-"))
let passed = 0

/** Node's conditions never lead to this build, so it is imported by its place. */
const UNIVERSAL = "./node_modules/tosafetensors/dist/index.js"

try {
  const tarball = pack()
  check("publint", () => run("npx", ["publint", "--strict", tarball]))
  check("types of every entry (attw)", () => run("npx", ["attw", tarball]))
  installTarball(tarball)
  check("import in Node", () =>
    runScript("use.mjs", useFrom('import { toSafetensorsBytes } from "tosafetensors"')),
  )
  check("require in Node", () =>
    runScript("use.cjs", useFrom('const { toSafetensorsBytes } = require("tosafetensors")')),
  )
  check("the universal build, given bytes", () =>
    runScript("universal.mjs", useFrom(`import { toSafetensorsBytes } from "${UNIVERSAL}"`, true)),
  )
  check("command line", () => run("npx", ["tosafetensors", "--version"], work))
  check("command line, isolated", () =>
    run("npx", ["tosafetensors", "model.pt", "--isolate", "--quiet", "-o", "isolated.safetensors"], work),
  )
  check("the universal build has no Node import", refuseNodeImports)
  check("types that need ES2022 and DOM alone", requireFewTypes)
  console.log(`package: ${passed} passed, 0 failed`)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function check(name, work) {
  try {
    work()
  } catch (error) {
    console.error(`package: ${name} failed\n${error.stdout ?? ""}${error.stderr ?? ""}${error.message}`)
    process.exit(1)
  }
  passed += 1
  console.log(`package: ${name} ok`)
}

function run(program, args, cwd = root) {
  return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
}

/** The tarball that `npm publish` would send. */
function pack() {
  const [{ filename }] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work]),
  )
  return join(work, filename)
}

function installTarball(tarball) {
  writeFileSync(join(work, "package.json"), '{ "name": "consumer", "private": true }\n')
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", tarball], work)
  cpSync(join(root, "examples/tiny-transformer.pt"), join(work, "model.pt"))
}

/** A program that converts the example and says so. */
function useFrom(importLine, asBytes = false) {
  const input = asBytes ? 'await (await import("node:fs/promises")).readFile("model.pt")' : '"model.pt"'
  return `${importLine}
    async function main() {
      const { bytes, report } = await toSafetensorsBytes(${input})
      if (bytes.length !== report.byteLength || report.tensorCount !== 13) throw new Error(JSON.stringify(report))
    }
    main().catch((error) => { console.error(error); process.exit(1) })`
}

function runScript(name, source) {
  writeFileSync(join(work, name), source)
  run(process.execPath, [name], work)
}

/** Without `skipLibCheck`, and without Node's types: both builds, by the conditions that lead to them. */
function requireFewTypes() {
  writeFileSync(
    join(work, "typed.ts"),
    `import { openCheckpoint, toSafetensors } from "tosafetensors"
    const checkpoint = await openCheckpoint("https://a.example/model.pt")
    const names: string[] = [...checkpoint.tensors.keys()]
    await checkpoint.close()
    void [toSafetensors, names]\n`,
  )
  const compilerOptions = {
    ...{ target: "ES2022", module: "ESNext", moduleResolution: "bundler", strict: true, noEmit: true },
    ...{ lib: ["ES2022", "DOM"], types: [], skipLibCheck: false },
  }
  for (const customConditions of [["node"], ["browser"]]) {
    const config = { compilerOptions: { ...compilerOptions, customConditions }, files: ["typed.ts"] }
    writeFileSync(join(work, "tsconfig.json"), JSON.stringify(config))
    run("npx", ["tsc", "-p", join(work, "tsconfig.json")])
  }
}

function refuseNodeImports() {
  for (const file of ["dist/index.js", "dist/index.cjs"]) {
    const found = /(?:from|require\(|import\()\s*"node:[a-z/]+"/.exec(readFileSync(join(root, file), "utf8"))
    if (found !== null) throw new Error(`${file} holds ${found[0]}`)
  }
}
