/** Bundles the command line as it is shipped, into a folder of the test's own. */

import { spawn, spawnSync } from "node:child_process"
import { readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Builds into `folder` and returns the path of the script. */
export async function buildCli(folder: string): Promise<string> {
  writeFileSync(`${folder}/package.json`, '{"type":"module"}')
  await build({
    logLevel: "error",
    entryPoints: {
      cli: fromHere("../../src/cli/main.ts"),
      "copy-worker": fromHere("../../src/node/copy-worker.ts"),
      "digest-worker": fromHere("../../src/node/digest-worker.ts"),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "node",
    tsconfig: fromHere("../../tsconfig.node.json"),
  })
  return `${folder}/cli.js`
}

/** How a process has ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs the script to its end. */
export function runScript(script: string, argv: readonly string[], stdin?: Uint8Array): Ending {
  const options = { maxBuffer: 2 ** 30, ...(stdin === undefined ? {} : { input: stdin }) }
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, ...argv], options)
  return { code: status, signal, stdout, stderr: stderr.toString("utf8") }
}

/** Runs a line of shell, in which `$CLI` is the command. */
export function runShell(script: string, line: string): Ending {
  const env = { ...process.env, NODE: process.execPath, SCRIPT: script }
  const command = line.replaceAll("$CLI", '"$NODE" "$SCRIPT"')
  const { status, signal, stdout, stderr } = spawnSync("sh", ["-c", command], { env, maxBuffer: 2 ** 30 })
  return { code: status, signal, stdout, stderr: stderr.toString("utf8") }
}

/** A process that runs. */
export interface Running {
  readonly pid: number | undefined
  readonly kill: (signal: NodeJS.Signals) => void
  /** Its standard error up to now. */
  readonly said: () => string
  readonly ended: Promise<Ending>
}

/** Starts the script, in the folder `cwd`; its standard input stays open and silent. */
export function startScript(
  script: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): Running {
  const child = spawn(process.execPath, [script, ...argv], { env: { ...process.env, ...env }, cwd })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on("data", (part: Buffer) => stdout.push(part))
  child.stderr.on("data", (part: Buffer) => stderr.push(part))
  const said = (): string => Buffer.concat(stderr).toString("utf8")
  const ended = new Promise<Ending>((resolve) => {
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: said() })
    })
  })
  return { pid: child.pid, kill: (signal) => void child.kill(signal), said, ended }
}

/** Waits until `isSo`; fails when the process ends before that. */
export async function until(isSo: () => boolean, running: Running): Promise<void> {
  let ending: Ending | undefined
  void running.ended.then((found) => {
    ending = found
  })
  while (!isSo()) {
    if (ending !== undefined) throw new Error(`it ended too early: ${JSON.stringify(ending)}`)
    await sleep(2)
  }
}

/** Waits until some bytes have been written into `folder` under a name that is not the final one. */
export async function midway(folder: string, running: Running): Promise<void> {
  const isMidway = (): boolean => {
    const name = readdirSync(folder).find((each) => each.endsWith(".tmp"))
    return name !== undefined && (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0) > 0
  }
  await until(isMidway, running)
}
