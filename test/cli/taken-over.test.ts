/**
 * What the isolated process could do if a file had taken its parser over, held against docs/isolation.md: all of Node's
 * functions are tried under the product's own flags, in the folder that it starts in.
 */

import { spawn } from "node:child_process"
import { copyFileSync, existsSync, readdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, it } from "vitest"
import { isolationFlags } from "../../src/cli/isolation/isolate.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"

const newFolder = temporaryFolders()
const PROBE = fileURLToPath(new URL("probes/taken-over.cjs", import.meta.url))

/** What docs/isolation.md says is not held, in every version before 25. */
const OPEN = [
  "become another user",
  "connect by TCP",
  "connect to a socket by its path",
  "listen by TCP",
  "make a socket",
  "run text by node:vm",
  "send a signal",
  "send a signal that opens a debugger",
  // It has no folder to write to.
  "write coverage",
  // It says so, and its file cannot be made where the process starts.
  "write a trace",
]

async function listen(where: string | number): Promise<ReturnType<typeof createServer>> {
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => void server.listen(where, resolve))
  return server
}

describe.skipIf(!existsSync("/proc/self"))("a parser that was taken over", () => {
  const results = new Map<string, string>()
  let folder = ""

  beforeAll(async () => {
    folder = newFolder()
    const code = newFolder()
    copyFileSync(PROBE, join(code, "cli.js"))
    for (const name of ["secret", "addon.node"]) writeFileSync(join(folder, name), "secret")
    const servers = [await listen(join(folder, "path.sock")), await listen(0)]
    const address = servers[1]?.address()
    const port = typeof address === "object" ? String(address?.port) : ""
    const { argv } = isolationFlags(code)
    // It signals whoever started it.
    const ignore = (): void => {}
    process.on("SIGUSR1", ignore)
    const child = spawn(process.execPath, [...argv, folder, port], {
      cwd: "/proc",
      env: {},
      stdio: ["ignore", "pipe", "ignore"],
    })
    let text = ""
    child.stdout.on("data", (part) => {
      text += String(part)
      if (text.includes("write a trace")) setTimeout(() => child.kill("SIGKILL"), 1_000)
    })
    await new Promise((resolve) => child.on("close", resolve))
    process.off("SIGUSR1", ignore)
    for (const server of servers) server.close()
    for (const line of text.trim().split("\n")) {
      const [what, result] = JSON.parse(line) as [string, string]
      results.set(what, result)
    }
  }, 120_000)

  it("does what the documents say is not held, and nothing else", () => {
    expect(results.size).toBeGreaterThan(40)
    const got = [...results].filter(([, result]) => !result.startsWith("held")).map(([what]) => what)
    expect(got.filter((what) => !OPEN.includes(what))).toEqual([])
  })

  it("leaves nothing but a socket", () => {
    expect(
      readdirSync(folder).filter((name) => !["secret", "addon.node", "path.sock"].includes(name)),
    ).toEqual(results.get("make a socket")?.startsWith("got") === true ? ["made.sock"] : [])
    expect(existsSync(join(dirname(folder), "node_trace.1.log"))).toBe(false)
    expect(existsSync("/proc/node_trace.1.log")).toBe(false)
  })
})
