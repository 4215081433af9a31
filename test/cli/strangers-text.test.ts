/**
 * Text of strangers commands nothing: every command over files and servers whose every text is hostile, and a look at
 * each line that is printed.
 */

import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { plainText, quoteText } from "../../src/text/quote-text.ts"
import { sampled } from "../depth.ts"
import {
  call,
  checkpoint,
  dict,
  global,
  ints,
  stateDict,
  storage,
  tensor,
  text,
} from "../hostile/checkpoint-parts.ts"
import { serveFile } from "../http/file-server.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import type { Part } from "../pickle/assemble.ts"
import { writeHeader } from "../safetensors/written-header.ts"
import { type Outcome, run } from "./run.ts"

/** Names that differ, each of which would do something when it is shown as it is. */
const NAMES: readonly string[] = [
  "::set-output name=a::b",
  " ::error::x",
  "a ::stop-commands::x",
  "::",
  ":",
  "a :",
  "##[error]x",
  "x##[group]y",
  "###[x",
  "##vso[task.setvariable variable=PATH]x",
  "##VSO[x]",
  "##teamcity[x]",
  "##",
  "w##vso",
  "%0A::error::x",
  "a\n::error::x",
  "a\r\n##[error]x",
  "\u2028::error::x",
  "\u0085::error::x",
  "\u3000::error::x",
  "\u00a0::error::x",
  "\u001b[2J",
  "\u009b2J",
  "\u007f",
  "\u202egnp.exe",
  "\\u202egnp.exe",
  "w",
  "w ",
  " w",
  "w\u00a0",
  "w\u2003",
  "w\u3000",
  "w\u2800",
  "w\u3164",
  "w\uffa0",
  "w\u115f",
  "w\ufe0f",
  "w\u{e0100}",
  "w\u00ad",
  "w\u034f",
  "w\u2060",
  "w\u200b",
  "w\u{e0041}",
  "w\u0378",
  "w\ue000",
  "\u0301w",
  "\u00e9",
  "e\u0301",
  "\u212b",
  "\u00c5",
  "\\",
  "\\\\",
  '"',
  '""',
  '\\"',
  "'",
]

/** All that may not be in a line: what is invisible, or moves others; and what agents obey. */
const UNSEEN = /(?![ \n])[\p{C}\p{Z}\p{DI}\u2800]/u
const COMMAND = /^\s*::|##[A-Za-z]*\[/

function lookAt({ stdout, stderr }: Pick<Outcome, "stdout" | "stderr">): void {
  for (const printed of [stdout, stderr]) {
    // What the bar of the command itself clears its line with.
    for (const line of printed.replaceAll("\r\u001b[2K", "\n").split("\n")) {
      expect(line).not.toMatch(UNSEEN)
      expect(line).not.toMatch(COMMAND)
    }
  }
}

const newFolder = temporaryFolders()
let folder = ""

const file = (name: string): string => join(folder, name)

beforeAll(() => {
  folder = newFolder()
  const entries = NAMES.map((name) => [[text(name)], tensor()] as const)
  const wide = tensor({ size: ints(2) })
  // Tied names, values, a root of a hostile name with another at its side.
  writeFileSync(file("names.pt"), checkpoint(stateDict(...entries)))
  writeFileSync(
    file("roots.pt"),
    checkpoint(stateDict(...NAMES.map((name) => [[text(name)], dict([[text(name)], wide])] as const))),
  )
  writeFileSync(
    file("values.pt"),
    checkpoint(
      stateDict(
        [[text("state_dict")], dict(...entries)],
        ...NAMES.map((name) => [[text(`v${name}`)], [text(name)]] as const),
      ),
    ),
  )
  writeFileSync(
    file("unsupported.pt"),
    checkpoint(
      stateDict(
        ...NAMES.map(
          (name) =>
            [[text(name)], call(global("torch._utils", "_rebuild_sparse_tensor"), [text(name)])] as const,
        ),
      ),
    ),
  )
  writeFileSync(
    file("keys.pt"),
    checkpoint(stateDict([[text("w")], tensor({ storage: storage({ key: [text("##[error]0\u009b")] }) })])),
  )
  const named = (name: string): readonly Part[] => [text(name), text(name), "STACK_GLOBAL"]
  writeFileSync(
    file("globals.pt"),
    checkpoint([["PROTO", 4], ...dict(...NAMES.map((name) => [[text(name)], named(name)] as const)), "STOP"]),
  )
  const members = NAMES.filter((name) => !/[\p{Cc}\\]/u.test(name))
  const more = Object.fromEntries(members.map((name) => [`archive/${name.trim()}x`, new Uint8Array(9)]))
  writeFileSync(file("members.pt"), checkpoint(stateDict([[text("w")], tensor()]), { more }))
  const strays = Object.fromEntries(
    members.map((name) => [`archive/${name.trim()}x.pkl`, Buffer.from("\x80\x02cos\nsystem\n.", "latin1")]),
  )
  writeFileSync(file("strays.pt"), checkpoint(stateDict([[text("w")], tensor()]), { more: strays }))
  const rows = NAMES.map((name) => ({ name, dtype: "U8" as const, shape: [0], byteLength: 0 }))
  const metadata = new Map(NAMES.map((name) => [name, name]))
  writeFileSync(file("names.safetensors"), writeHeader(rows, metadata).bytes)
  const broken = JSON.stringify(
    Object.fromEntries(NAMES.map((name) => [name, { [name]: name, dtype: name }])),
  )
  const header = Buffer.from(broken)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(file("broken.safetensors"), Buffer.concat([length, header]))
  writeFileSync(file("no-json.safetensors"), Buffer.from('\x09\0\0\0\0\0\0\0{"a":::[\x7f', "latin1"))
  writeFileSync(file("text.pt"), "::error::x\n##[error]\n")
  // A folder, and a file in it, that are called so.
  mkdirSync(file("odd"))
  for (const name of ["::error::x.pt", "##[error]\u009b.pt", "a\n::error::x.pt", "w\u3164.pt"]) {
    writeFileSync(join(file("odd"), name), checkpoint(stateDict(...entries)))
  }
})

const FILES = [
  "names.pt",
  "roots.pt",
  "values.pt",
  "unsupported.pt",
  "keys.pt",
  "globals.pt",
  "members.pt",
  "strays.pt",
  "names.safetensors",
  "broken.safetensors",
  "no-json.safetensors",
  "text.pt",
  "missing-::.pt",
] as const

describe.each(FILES)("%s", (name) => {
  const commands = (): readonly (readonly string[])[] => [
    [file(name), "--dry-run"],
    [file(name), "-o", file("out.safetensors"), "--force"],
    [file(name), "-o", file("out.safetensors"), "--force", "--all", "--shared", "copy"],
    [file(name), "--dry-run", "--shared", "error"],
    ["inspect", file(name)],
    ["inspect", file(name), "--all"],
    ["scan", file(name)],
    ["verify", file(name)],
    ["verify", file("names.safetensors"), file(name), "--all"],
  ]

  it("commands nothing on pipes and on terminals of any width", async () => {
    for (const argv of sampled(commands(), 3)) {
      lookAt(await run(argv))
      for (const columns of sampled([41, 60, 100], 1)) lookAt(await run(argv, { columns }))
    }
  })

  it("commands nothing in JSON and SARIF, and loses nothing", async () => {
    for (const argv of sampled(commands(), 3)) {
      const outcome = await run([...argv, "--json"])
      lookAt(outcome)
      expect(() => JSON.parse(outcome.stdout)).not.toThrow()
    }
    const sarif = await run(["scan", file(name), "--sarif"])
    lookAt(sarif)
    expect(JSON.parse(sarif.stdout).version).toBe("2.1.0")
  })
})

describe("names", () => {
  it("come out of JSON as they are in the file", async () => {
    const { stdout } = await run(["inspect", file("names.pt"), "--json"])
    const names = JSON.parse(stdout).tensors.map(({ name }: { readonly name: string }) => name)
    expect([...names].sort()).toEqual([...NAMES].sort())
    const scanned = JSON.parse((await run(["scan", file("globals.pt"), "--json"])).stdout)
    const globals = scanned.files[0].globals.map(({ name }: { readonly name: string }) => name)
    expect(new Set(globals)).toEqual(new Set(NAMES))
  })

  it("look different where they differ, in quotation marks and without", () => {
    expect(new Set(NAMES.map((name) => plainText(name))).size).toBe(NAMES.length)
    expect(new Set(NAMES.map((name) => quoteText(name))).size).toBe(NAMES.length)
  })

  it("of the table differ, whatever the tensors are called", async () => {
    const { stdout } = await run(["inspect", file("names.pt")])
    const shown = stdout.split("\n").filter((line) => / F32 /.test(line))
    expect(new Set(shown.map((line) => line.slice(0, line.indexOf(" F32 ")).trimEnd())).size).toBe(
      NAMES.length,
    )
  })
})

describe("files and options that are called so", () => {
  it("of a folder", async () => {
    lookAt(await run(["scan", file("odd")]))
    lookAt(await run(["scan", file("odd"), "--json"]))
    lookAt(await run(["scan", file("odd"), "--sarif"]))
    lookAt(await run(["scan", file("odd"), "--isolate"]))
  })

  it.each(NAMES.filter((name) => name !== "w"))("%j", async (name) => {
    const input = file("names.pt")
    const options = [
      ["--root", name],
      ["--include", name],
      ["--exclude", name],
      ["--rename", name],
      ["--rename", `${name}=${name}`],
      ["--metadata", name],
      ["--limit", name],
      ["--byteorder", name],
      ["--sha256", name],
      ["--header", name],
      ["--stall-timeout", name],
      ["--shared", name],
      [`--${name}`],
    ]
    for (const option of sampled(options, 2)) {
      lookAt(await run([input, "--dry-run", ...option]))
      lookAt(await run([input, "--dry-run", "--json", ...option]))
    }
    lookAt(await run([name]))
    lookAt(await run(["inspect", `./${name}`]))
  })
})

/** Text that a server can send in a header: Latin-1. */
const SAID = "\u009b2J ::error::x ##vso[task.setvariable variable=PATH]x \u00ad\u00a0y\\u202e"

describe("a server", () => {
  it.each([
    "content-encoding",
    "content-range",
    "content-length",
    "etag",
    "last-modified",
    "content-type",
    "retry-after",
    "location",
  ])("that says so in %s", async (header) => {
    for (const status of sampled([206, 200, 302, 404, 416], 2)) {
      // As raw bytes: Node's own server refuses to send some of them.
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => {
          const fields = {
            "content-range": "bytes 0-9/10",
            "content-length": "10",
            etag: '"1"',
            [header]: SAID,
          }
          const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
          socket.end(Buffer.from(`HTTP/1.1 ${status} ${SAID}\r\n${lines.join("")}\r\n0123456789`, "latin1"))
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const { port } = server.address() as { readonly port: number }
      for (const options of [[], ["--json"]]) {
        lookAt(await run(["inspect", `http://127.0.0.1:${port}/%0A::error::m.pt`, ...options]))
      }
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it("whose file's name is so", async () => {
    await using server = await serveFile(checkpoint(stateDict([[text("w")], tensor()])))
    const url = `${server.url.origin}/%E3%85%A4##vso[x]%0A::error::.pt`
    lookAt(await run(["inspect", url]))
    lookAt(await run([url, "--dry-run"]))
    lookAt(await run(["scan", url, "--sarif"]))
  })
})
