/** What the command line says of servers that do not give the file, and that it is true: what is said is done. */

import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { DEEP } from "../depth.ts"
import { answerWith, type Fault, type FileServer, serveFile } from "../http/file-server.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { SMALL_CHECKPOINT } from "../torch/small-checkpoint.ts"
import { buildCli, type Ending, startScript } from "./build-cli.ts"
import { run } from "./run.ts"

const newFolder = temporaryFolders()
const HTML = { "content-type": "text/html" }

let script = ""
beforeAll(async () => {
  script = await buildCli(newFolder())
}, 60_000)

/** What is printed below the message. */
function nextOf(stderr: string): string {
  return /^ {2}next {2}(.*)$/m.exec(stderr)?.[1] ?? ""
}

function commandsOf(stderr: string): readonly string[] {
  return Array.from(stderr.matchAll(/^(?: {2}run {3}| {8})(.+)$/gm), ([, command = ""]) => command)
}

/** Runs a printed command; the process must not block, as the server is this one. */
async function runPrinted(command: string, cwd: string): Promise<Ending> {
  const [program, ...words] = command.split(" ")
  if (program === "tosafetensors") return startScript(script, words, {}, cwd).ended
  const { execFile } = await import("node:child_process")
  return new Promise((resolve) => {
    execFile(program ?? "", words, { cwd }, (error, _, stderr) => {
      resolve({ code: error === null ? 0 : 1, signal: null, stdout: Buffer.alloc(0), stderr })
    })
  })
}

async function failing(
  always: Fault,
  more: readonly string[] = [],
): Promise<{ server: FileServer; stderr: string }> {
  const server = await serveFile(SMALL_CHECKPOINT)
  server.always = always
  const { code, stderr } = await run(["inspect", server.url.href, ...more])
  expect(code).toBe(3)
  expect(stderr).toContain(`could not read "${server.url.href}"`)
  return { server, stderr }
}

describe("a server", () => {
  it.each([401, 403])(
    "that answers %d is asked with the option that is named, and gives the file",
    async (status) => {
      const wantsToken: Fault = (part, response, { headers }) =>
        headers.authorization === "Bearer TOKEN"
          ? undefined
          : answerWith(status)(part, response, { method: "", path: "", range: "", headers })
      const { server, stderr } = await failing(wantsToken)
      const [, header = ""] = /(--header '[^']+')/.exec(nextOf(stderr)) ?? []
      expect(header).toBe("--header 'authorization: Bearer TOKEN'")
      const again = await run(["inspect", server.url.href, "--header", "authorization: Bearer TOKEN"])
      expect(again.code).toBe(0)
      const other = await run(["inspect", server.url.href, "--header", "authorization: Bearer OTHER"])
      expect(nextOf(other.stderr)).toContain("The token that was passed is not taken")
      expect(other.stderr).not.toContain("OTHER")
      await server[Symbol.asyncDispose]()
    },
  )

  it("that knows no ranges is asked for the whole file by the commands that are printed", async () => {
    const noRanges: Fault = (part, response, { headers }) => {
      response.writeHead(200, { "content-length": String(SMALL_CHECKPOINT.length) })
      response.end(headers.range === undefined ? SMALL_CHECKPOINT : part.body)
      return "answered"
    }
    const { server, stderr } = await failing(noRanges)
    const commands = commandsOf(stderr)
    expect(commands).toEqual([
      `curl --fail --location --output model.pt ${server.url.href}`,
      "tosafetensors model.pt",
    ])
    if (spawnSync("curl", ["--version"]).status === 0) {
      const folder = newFolder()
      for (const command of commands) expect(await runPrinted(command, folder)).toMatchObject({ code: 0 })
      expect(readFileSync(join(folder, "model.safetensors")).length).toBeGreaterThan(8)
    }
    await server[Symbol.asyncDispose]()
  })

  it.each<[string, Fault]>([
    ["a page in place of the file", answerWith(200, HTML)],
    ["404", answerWith(404)],
  ])(
    "that gives %s at an address of a page gives the file at the address that is printed",
    async (_, fault) => {
      await using server = await serveFile(SMALL_CHECKPOINT)
      server.always = (part, response, asked) =>
        asked.path === "/org/model/resolve/main/m.pt" ? undefined : fault(part, response, asked)
      const page = new URL("/org/model/blob/main/m.pt", server.url)
      const { stderr } = await run(["inspect", page.href])
      expect(nextOf(stderr)).toContain('"/resolve/"')
      const [command = ""] = commandsOf(stderr)
      expect(command).toBe(
        `tosafetensors inspect ${new URL("/org/model/resolve/main/m.pt", server.url).href}`,
      )
      expect(await runPrinted(command, newFolder())).toMatchObject({ code: 0 })
      // A signature is not repeated.
      const signed = await run(["inspect", `${page.href}?signature=secret`])
      expect(commandsOf(signed.stderr)).toEqual([])
      expect(signed.stderr).not.toContain("secret")
    },
  )

  it.each<[string, Fault, string]>([
    ["404", answerWith(404), "Check the address"],
    [
      "a gated repository",
      answerWith(403, { "x-error-code": "GatedRepo" }),
      "Accept the conditions on the repository's page, then pass a token of that account: --header",
    ],
    ["429", answerWith(429, { "retry-after": "0" }), "Try later"],
    ["a web page", answerWith(200, HTML), "Name the address of the file itself"],
  ])("that answers %s: what to do", async (_, fault, next) => {
    const { server, stderr } = await failing(fault)
    expect(nextOf(stderr)).toContain(next)
    expect(stderr).not.toContain("`http")
    await server[Symbol.asyncDispose]()
  })

  it.runIf(DEEP)("whose certificate is not trusted is trusted as the message says", async ({ skip }) => {
    const folder = newFolder()
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    const files = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2"]
    const made = spawnSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...subject],
      { cwd: folder },
    )
    if (made.status !== 0) return skip("openssl is not there to make a certificate with")
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)))
    const server = createServer({ key, cert }, (_, response) => {
      const length = SMALL_CHECKPOINT.length
      response.writeHead(206, { "content-range": `bytes 0-${length - 1}/${length}` })
      response.end(SMALL_CHECKPOINT)
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const argv = ["inspect", `https://localhost:${(server.address() as AddressInfo).port}/m.pt`]
    const refused = await startScript(script, argv).ended
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain("the server's certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)")
    expect(nextOf(refused.stderr)).toContain("NODE_EXTRA_CA_CERTS")
    const trusting = await startScript(script, argv, { NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") }).ended
    expect(trusting.code).toBe(0)
    server.closeAllConnections()
    server.close()
    return undefined
  })
})
