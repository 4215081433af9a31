/** URLs on the command line, against a server on this machine whose answers go wrong. */

import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { DEEP, sampled } from "../depth.ts"
import { answerWith, breakOffAfter, type FileServer, serveFile } from "../http/file-server.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { pickle2 } from "../pickle/assemble.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { buildCli, type Ending, startScript } from "./build-cli.ts"
import { ORACLE, run } from "./run.ts"

const newFolder = temporaryFolders()
const CHECKPOINT = readFileSync(join(ORACLE, "sharing-tied.pt"))
const EXPECTED = readFileSync(join(ORACLE, "sharing-tied.safetensors"))
const SECRET = "hunter2"
const TOKEN = `authorization: Bearer ${SECRET}`

let script = ""
beforeAll(async () => {
  script = await buildCli(newFolder())
})

/** Runs the command to its end, as a process in a deep run. Neither a token nor a query may be in what it prints. */
async function command(argv: readonly string[], cwd?: string): Promise<Ending> {
  const ending = DEEP ? await startScript(script, argv, {}, cwd).ended : await runHere(argv, cwd)
  expect(ending.stdout.toString("latin1") + ending.stderr).not.toContain(SECRET)
  return ending
}

async function runHere(argv: readonly string[], cwd = "."): Promise<Ending> {
  const before = process.cwd()
  process.chdir(cwd)
  try {
    const { code, bytes, stderr } = await run(argv)
    return { code, signal: null, stdout: Buffer.from(bytes), stderr }
  } finally {
    process.chdir(before)
  }
}

/** The URL of the server's file with a signature in its query. */
const signed = ({ url }: FileServer): string => `${url.href}?signature=${SECRET}`

describe("a URL", () => {
  it("is converted into the current folder, by the name at its end", async () => {
    await using server = await serveFile(CHECKPOINT)
    const folder = newFolder()
    const ending = await command([signed(server)], folder)
    expect(ending).toMatchObject({ code: 0, stderr: "" })
    expect(Buffer.compare(readFileSync(join(folder, "model.safetensors")), EXPECTED)).toBe(0)
    expect(readdirSync(folder)).toEqual(["model.safetensors"])
    expect(await command([signed(server)], folder)).toMatchObject({ code: 1 })
  })

  it("is converted to where -o says, to a pipe as well", async () => {
    await using server = await serveFile(CHECKPOINT)
    const output = join(newFolder(), "out.safetensors")
    expect((await command([signed(server), "-o", output])).code).toBe(0)
    expect(Buffer.compare(readFileSync(output), EXPECTED)).toBe(0)
    expect(Buffer.compare((await command([signed(server), "-o", "-"])).stdout, EXPECTED)).toBe(0)
  })

  it("is inspected, and shown without its query", async () => {
    await using server = await serveFile(CHECKPOINT)
    const { code, stdout } = await command(["inspect", signed(server)])
    expect(code).toBe(0)
    expect(stdout.toString()).toContain(`${server.url.href}: zip layout`)
    const json = JSON.parse((await command(["inspect", signed(server), "--json"])).stdout.toString())
    expect(json.file).toBe(server.url.href)
  })

  it("is verified, on both sides", async () => {
    await using checkpoint = await serveFile(CHECKPOINT)
    await using converted = await serveFile(EXPECTED)
    const { code, stdout } = await command(["verify", signed(converted), signed(checkpoint)])
    expect(stdout.toString()).toContain("same: every byte is")
    expect(code).toBe(0)
    const json = await command(["verify", signed(converted), "--json"])
    expect(JSON.parse(json.stdout.toString())).toMatchObject({ file: converted.url.href, valid: true })
  })

  it("is scanned beside files", async () => {
    await using server = await serveFile(pickle2(["GLOBAL", "posix", "system"]))
    const file = join(ORACLE, "sharing-tied.pt")
    const { code, stdout } = await command(["scan", file, signed(server), "--json"])
    expect(code).toBe(1)
    const { files } = JSON.parse(stdout.toString())
    expect(files.map((each: { file: string; verdict: string }) => [each.file, each.verdict])).toEqual([
      [file, "clean"],
      [server.url.href, "refused"],
    ])
  })

  it("is the place in SARIF, without its query", async () => {
    await using server = await serveFile(pickle2(["GLOBAL", "posix", "system"]))
    const missing = `http://127.0.0.1:1/away.pt?signature=${SECRET}`
    const { stdout } = await command(["scan", signed(server), missing, "--sarif"])
    const [log] = JSON.parse(stdout.toString()).runs
    expect(log.artifacts).toMatchObject([{ location: { uri: server.url.href } }])
    expect(log.artifacts[0].location).not.toHaveProperty("uriBaseId")
    const [notification] = log.invocations[0].toolExecutionNotifications
    expect(notification.locations[0].physicalLocation.artifactLocation.uri).toBe("http://127.0.0.1:1/away.pt")
  })

  it("is taken in first where its digest is asked for", async () => {
    await using server = await serveFile(CHECKPOINT)
    const digest = createHash("sha256").update(CHECKPOINT).digest("hex")
    const folder = newFolder()
    const { code, stdout } = await command(
      [signed(server), "--sha256", digest, "--provenance", "--json"],
      folder,
    )
    expect(code).toBe(0)
    const report = JSON.parse(stdout.toString())
    expect(report.sha256.input).toBe(digest)
    expect(report.metadata).toMatchObject({ source_sha256: digest })
    expect(readFileSync(join(folder, "model.safetensors"), "latin1")).not.toContain(SECRET)
    const refused = await command([signed(server), "--sha256", "0".repeat(64), "-o", join(folder, "x")])
    expect(refused).toMatchObject({ code: 1 })
    expect(readdirSync(folder)).toEqual(["model.safetensors"])
  })

  it("is found in no folder and in no file", async () => {
    const folder = newFolder()
    mkdirSync(join(folder, "https:"))
    writeFileSync(join(folder, "https:", "a.example"), CHECKPOINT)
    writeFileSync(join(folder, "list.txt"), "http://127.0.0.1:1/model.pt\n")
    const { code, stdout } = await command(["scan", ".", "--json"], folder)
    expect(code).toBe(0)
    expect(JSON.parse(stdout.toString()).files).toMatchObject([{ file: join("https:", "a.example") }])
    expect((await command(["inspect", "./https://a.example"], folder)).code).toBe(0)
  })
})

describe("--header", () => {
  it("goes with every request, and to no host that the server redirects to", async () => {
    await using elsewhere = await serveFile(CHECKPOINT)
    await using server = await serveFile(CHECKPOINT)
    server.always = answerWith(302, { location: `${elsewhere.url.href}?by=${SECRET}` })
    const folder = newFolder()
    expect(await command([signed(server), "--header", TOKEN], folder)).toMatchObject({ code: 0, stderr: "" })
    expect(new Set(server.asked.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${SECRET}`]),
    )
    expect(new Set(elsewhere.asked.map(({ headers }) => headers.authorization))).toEqual(new Set([undefined]))
    expect(readdirSync(folder)).toEqual(["model.safetensors"])
  })

  it("is taken from the lines of a file", async () => {
    await using server = await serveFile(CHECKPOINT)
    const path = join(newFolder(), "headers")
    writeFileSync(path, `${TOKEN}\r\n\nx-other: a: b\n`)
    expect((await command(["inspect", signed(server), "--header", `@${path}`])).code).toBe(0)
    const { headers } = server.asked[0] ?? {}
    expect([headers?.["authorization"], headers?.["x-other"]]).toEqual([`Bearer ${SECRET}`, "a: b"])
  })

  it("is named where the server asks for a token, and is not taken from the environment", async () => {
    await using server = await serveFile(CHECKPOINT)
    server.always = answerWith(401)
    const env = { HF_TOKEN: SECRET, GITHUB_TOKEN: SECRET }
    const { code, stderr } = await startScript(script, ["inspect", server.url.href], env).ended
    expect(code).toBe(3)
    expect(stderr).toContain("--header")
    expect(server.asked[0]?.headers.authorization).toBeUndefined()
  })

  it.each<readonly [string, readonly string[]]>([
    ["--header is for URLs, and none was named", ["model.pt", "--header", TOKEN]],
    ["--header takes a name, a colon", ["https://a.example/m.pt", "--header", SECRET]],
    [
      "--header takes a name, a colon",
      ["https://a.example/m.pt", "--header", "authorization:", "Bearer", SECRET],
    ],
    ["--header takes a name, a colon", ["https://a.example/m.pt", "--header", `x: ${SECRET}\nb: c`]],
    ["--header takes a name, a colon", ["https://a.example/m.pt", "--header", `x: ${SECRET}\u20ac`]],
    ["given twice", ["https://a.example/m.pt", "--header", TOKEN, "--header", `Authorization: ${SECRET}2`]],
    [
      "would go to https://a.example, https://b.example",
      ["verify", "https://a.example/m", "https://b.example/m", "--header", TOKEN],
    ],
    ["--header could not read", ["https://a.example/m.pt", "--header", "@missing"]],
  ])("that means nothing is a mistake (%s)", async (message, argv) => {
    const { code, stdout, stderr } = await run(argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr.includes(message) || stderr.includes("one checkpoint is converted at a time")).toBe(true)
    expect(stderr).not.toContain(SECRET)
  })
})

describe("a URL that is a mistake", () => {
  it.each<readonly [string, readonly string[]]>([
    ["holds a password", [`https://me:${SECRET}@a.example/m.pt`]],
    ["holds a password", ["scan", join(ORACLE, "sharing-tied.pt"), `https://${SECRET}@a.example/m.pt`]],
    ["must be a whole URL", [`https://${SECRET} x/`]],
    ["must be a whole URL", ["inspect", "http://"]],
    ["the URL has no name to derive an output from", [`https://a.example/?file=${SECRET}.pt`]],
    ["nothing is sent to a URL", ["model.pt", "-o", `https://a.example/${SECRET}`]],
  ])("%s", async (message, argv) => {
    const { code, stdout, stderr } = await run(argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(SECRET)
  })
})

describe("--isolate", () => {
  it("takes no URL, and says how to go about it", async () => {
    for (const argv of sampled([[], ["inspect"], ["scan"], ["verify", "missing.safetensors"]], 1)) {
      // The flag needs the command as it is shipped.
      const words = [...argv, `https://a.example/${SECRET}`, "--isolate"]
      const { code, stderr } = await startScript(script, words).ended
      expect(code).toBe(2)
      expect(stderr).toContain("| tosafetensors - -o OUTPUT --isolate")
    }
  })
})

describe("a server that fails", () => {
  it.each<readonly [string, (server: FileServer) => void, string]>([
    ["has no such file", (server) => (server.always = answerWith(404)), "there is no such file"],
    ["knows no ranges", (server) => (server.always = answerWith(200)), "it knows no range requests"],
    [
      "redirects in a circle",
      (server) => (server.always = answerWith(302, { location: "/model.pt" })),
      "redirect",
    ],
    [
      "changes the file midway",
      (server) => {
        server.always = ({ headers }, _, { range }) => {
          if (range !== "bytes=0-65535") headers["etag"] = '"two"'
        }
      },
      "another version",
    ],
  ])("%s: exit 3, and nothing is left", async (_, prepare, message) => {
    await using server = await serveFile(LARGE)
    prepare(server)
    const folder = newFolder()
    const { code, stderr } = await command([signed(server), "--header", TOKEN], folder)
    expect({ code, left: readdirSync(folder) }).toEqual({ code: 3, left: [] })
    expect(stderr).toContain(message)
    expect((await command(["scan", signed(server)])).code).toBe(3)
  })

  it("for a time is asked again", async () => {
    await using server = await serveFile(LARGE)
    server.faults.push(undefined, answerWith(503), breakOffAfter(20_000))
    const output = join(newFolder(), "out.safetensors")
    expect(await command([signed(server), "-o", output])).toMatchObject({ code: 0, stderr: "" })
    expect((await command(["verify", output, signed(server)])).code).toBe(0)
  })

  it("by saying nothing is given up after --stall-timeout", async () => {
    await using server = await serveFile(CHECKPOINT)
    server.always = () => "answered"
    const { code, stderr } = await command(["inspect", signed(server), "--stall-timeout", "0.1"])
    expect(code).toBe(3)
    expect(stderr).toContain("the server sent nothing for 0.1 seconds")
    // This process may hear of a request after the command has given it up.
    await expect.poll(() => server.asked.length).toBe(2)
    for (const argv of [["model.pt"], [signed(server)]]) {
      expect((await command([...argv, "--stall-timeout", "soon"])).code).toBe(2)
    }
  })

  it.skipIf(process.platform === "win32")("and is interrupted leaves nothing", async () => {
    await using server = await serveFile(LARGE)
    let silent = false
    server.always = ({ body }) => {
      silent = body.length > 100_000
      return silent ? "answered" : undefined
    }
    const folder = newFolder()
    const running = startScript(script, [signed(server)], {}, folder)
    await expect.poll(() => silent).toBe(true)
    running.kill("SIGINT")
    expect(await running.ended).toMatchObject({ code: 130, stderr: "tosafetensors: interrupted\n" })
    expect(readdirSync(folder)).toEqual([])
    expect(existsSync(join(folder, "model.safetensors"))).toBe(false)
  })
})

/** More than what opening fetches. */
const LARGE = writeCheckpoint(new Map([["w", tensor(dtypeNamed("float32"), [1000, 500], { seed: 1 })]]))
