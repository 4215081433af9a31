import { readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import schema from "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
import Ajv from "ajv"
import draft4 from "ajv/lib/refs/json-schema-draft-04.json"
import { zipSync } from "fflate"
import { describe, expect, it } from "vitest"
import packageJson from "../../package.json"
import { artifactLocation, plainMessage, relativeLocation } from "../../src/cli/scan/sarif.ts"
import { scan } from "../../src/node/index.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { pickle2 } from "../pickle/assemble.ts"
import { legacyFile } from "../torch/legacy-file.ts"
import { ORACLE, run } from "./run.ts"
import { archive, ESCAPES, INSTANCE, STACKED, SYSTEM, sandwich, scanFolder, twofold } from "./scan-files.ts"

const newFolder = temporaryFolders()
const HEADER = '{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]},"a":{}}'
const HOSTILE = {
  "clean.pt": archive(),
  "system.pt": archive({ "archive/data.pkl": SYSTEM }),
  "stray.pt": archive({ "archive/extra.pkl": SYSTEM, "archive/more.pickle": STACKED }),
  "instance.pkl": INSTANCE,
  "escapes.pkl": ESCAPES,
  "broken.pkl": sandwich(SYSTEM),
  "twofold.pt": twofold(),
  "truncated.pt": archive().subarray(0, 200),
  "legacy-system.pt": legacyFile({ info: SYSTEM }),
  "header.safetensors": Buffer.concat([
    Buffer.from([HEADER.length, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from(HEADER),
  ]),
  "links.pkl": pickle2(["GLOBAL", "see [here](https://example.org)", "{0}"]),
}
const FOLDER = newFolder()
const FILES = scanFolder(FOLDER, HOSTILE)

const ajv = new Ajv({ schemaId: "auto", allErrors: true })
ajv.addMetaSchema(draft4)
const isValid = ajv.compile(schema)

interface Result {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly level: string
  readonly message: { readonly text: string }
  readonly locations: readonly [
    {
      readonly physicalLocation: {
        readonly artifactLocation: {
          readonly uri: string
          readonly uriBaseId?: string
          readonly index: number
        }
        readonly region: {
          readonly startLine: number
          readonly byteOffset?: number
          readonly byteLength?: number
        }
      }
      readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[]
    },
  ]
  readonly partialFingerprints: { readonly primaryLocationLineHash: string }
}

interface Rule {
  readonly id: string
  readonly shortDescription: { readonly text: string }
  readonly help: { readonly text: string }
  readonly properties: Record<string, unknown>
}

interface Run {
  readonly tool: {
    readonly driver: { readonly name: string; readonly version: string; readonly rules: readonly Rule[] }
  }
  readonly invocations: readonly [
    { readonly executionSuccessful: boolean; readonly toolExecutionNotifications: readonly object[] },
  ]
  readonly artifacts: readonly { readonly location: { readonly uri: string }; readonly length: number }[]
  readonly results: readonly Result[]
}

/** The run of a log, which must be valid. */
async function logged(...argv: readonly string[]): Promise<{ code: number; log: Run }> {
  const { code, stdout } = await run(["scan", "--sarif", ...argv])
  expect(stdout.split("\n")).toHaveLength(2)
  const log = JSON.parse(stdout)
  expect(isValid(log) ? [] : isValid.errors).toEqual([])
  expect(log).toMatchObject({ version: "2.1.0", $schema: expect.stringMatching(/sarif-2\.1\.0\.json$/) })
  expect(log.runs).toHaveLength(1)
  return { code, log: log.runs[0] }
}

describe("the schema", () => {
  it("is one that refuses", () => {
    expect(isValid({ version: "2.1.0", runs: [{ tool: { driver: {} } }] })).toBe(false)
    expect(isValid({ version: "2.1.0", runs: [{ tool: { driver: { name: "x" } }, results: [{}] }] })).toBe(
      false,
    )
  })
})

describe("scan --sarif", () => {
  it("says which tool it is and which rules it has", async () => {
    const { code, log } = await logged(FILES("clean.pt"))
    expect(code).toBe(0)
    expect(log.tool.driver).toMatchObject({ name: "tosafetensors", version: packageJson.version })
    expect(log.results).toEqual([])
    expect(log.invocations).toEqual([
      { executionSuccessful: true, exitCode: 0, toolExecutionNotifications: [] },
    ])
    expect(log.artifacts).toEqual([
      { location: expect.any(Object), length: HOSTILE["clean.pt"].length, roles: ["analysisTarget"] },
    ])
    const rules = new Map(log.tool.driver.rules.map((rule) => [rule.id, rule]))
    // GitHub: over 9.0 is critical, from 7.0 high.
    expect(rules.get("global-dangerous")?.properties).toEqual({
      tags: ["security"],
      "security-severity": "9.8",
    })
    expect(rules.get("global-unknown")?.properties).toMatchObject({ "security-severity": "7.5" })
  })

  it("has a result for each refused global and each finding of every file", async () => {
    const { code, log } = await logged(...Object.keys(HOSTILE).map((name) => FILES(name)))
    expect(code).toBe(1)
    for (const [index, name] of Object.keys(HOSTILE).entries()) {
      const { globals, findings } = await scan(FILES(name))
      const refused = globals.filter(({ verdict }) => verdict !== "allowed")
      const others = findings.filter(({ code }) => refused.length === 0 || code !== "global-not-allowed")
      const results = log.results.filter(
        (each) => each.locations[0].physicalLocation.artifactLocation.index === index,
      )
      expect(results, name).toHaveLength(refused.length + others.length)
      expect(results.slice(0, refused.length).map(({ ruleId }) => ruleId)).toEqual(
        refused.map(({ verdict }) => `global-${verdict}`),
      )
      expect(results.slice(refused.length).map(({ level }) => level)).toEqual(
        others.map(({ severity }) => severity),
      )
    }
    for (const { ruleId, ruleIndex, locations } of log.results) {
      expect(log.tool.driver.rules[ruleIndex]?.id).toBe(ruleId)
      const { uri, index } = locations[0].physicalLocation.artifactLocation
      expect(log.artifacts[index]?.location.uri).toBe(uri)
    }
    for (const rule of log.tool.driver.rules) {
      expect(rule.shortDescription.text).toMatch(/^[A-Z].+\.$/)
      expect(rule.help.text.length).toBeGreaterThan(10)
    }
  })

  it("points at the bytes that name the global", async () => {
    const names = ["system.pt", "stray.pt", "instance.pkl", "legacy-system.pt"] as const
    for (const name of names) {
      const { log } = await logged(FILES(name))
      const results = log.results.filter(({ ruleId }) => ruleId === "global-dangerous")
      expect(results.length).toBeGreaterThan(0)
      for (const { locations, message } of results) {
        const { byteOffset = -1, byteLength = 0, startLine } = locations[0].physicalLocation.region
        expect(startLine).toBe(1)
        const bytes = Buffer.from(HOSTILE[name])
          .subarray(byteOffset, byteOffset + byteLength)
          .toString("latin1")
        const expected = message.text.includes("builtins.eval")
          ? "\u0093"
          : name === "instance.pkl"
            ? "ios\nsystem\n"
            : "cposix\nsystem\n"
        expect(bytes, `${name}: ${message.text}`).toBe(expected)
      }
    }
  })

  it("knows no offset in the file of what was deflated, and still a line for GitHub", async () => {
    const file = join(newFolder(), "deflated.pt")
    writeFileSync(file, zipSync({ "archive/data.pkl": Buffer.from("\x80\x02cposix\nsystem\n.", "latin1") }))
    const { log } = await logged(file)
    const [result] = log.results
    expect(result?.message.text).toContain("posix.system")
    expect(result?.locations[0].physicalLocation.region).toEqual({ startLine: 1 })
    expect(result?.locations[0].logicalLocations?.[0]?.fullyQualifiedName).toBe("archive/data.pkl")
  })

  it("gives each result of a file a fingerprint of its own, the same every time and in every folder", async () => {
    const copy = newFolder()
    scanFolder(copy, HOSTILE)
    const prints = async (folder: string): Promise<readonly string[]> =>
      (await logged(...Object.keys(HOSTILE).map((name) => join(folder, name)))).log.results.map(
        (each) => each.partialFingerprints.primaryLocationLineHash,
      )
    const first = await prints(FOLDER)
    expect(await prints(copy)).toEqual(first)
    const { log } = await logged(FILES("header.safetensors"))
    const inFile = log.results.map((each) => each.partialFingerprints.primaryLocationLineHash)
    expect(new Set(inFile).size).toBe(inFile.length)
    expect(inFile.length).toBeGreaterThan(3)
    for (const print of first) expect(print).toMatch(/^[0-9a-f]{64}:[1-9]\d*$/)
  })

  it("tells rules of the header from errors with the same name", async () => {
    const { log } = await logged(FILES("header.safetensors"))
    expect(log.results.map(({ ruleId }) => ruleId)).toContain("safetensors-rule-name-duplicate")
  })

  it("makes no links and no placeholders of names", async () => {
    const { log } = await logged(FILES("links.pkl"))
    expect(log.results[0]?.message.text).toContain("see \\[here\\](https://example.org).{{0}} is named")
  })

  it("notes files that could not be read", async () => {
    const { code, log } = await logged(FILES("missing.pt"), FILES("clean.pt"))
    expect(code).toBe(3)
    expect(log.results).toEqual([])
    expect(log.invocations[0]).toMatchObject({
      executionSuccessful: false,
      exitCode: 3,
      toolExecutionNotifications: [{ level: "error", descriptor: { id: "file-unread", index: 0 } }],
    })
    expect(JSON.stringify(log.invocations[0].toolExecutionNotifications)).toContain("missing.pt")
  })

  it("is the same every time", async () => {
    const [first, second] = [await run(["scan", "--sarif", FOLDER]), await run(["scan", "--sarif", FOLDER])]
    expect(second.stdout).toBe(first.stdout)
    expect(first.stdout).not.toMatch(/\d{4}-\d\d-\d\dT/)
  })

  it("is valid for every file of the corpus that is refused or warned of", async () => {
    const { log } = await logged(ORACLE)
    expect(log.artifacts.length).toBeGreaterThan(300)
    expect(new Set(log.results.map(({ ruleId }) => ruleId)).size).toBeGreaterThan(10)
  })

  it("calls standard input by no path", async () => {
    const { stdout } = await run(["scan", "-", "--sarif"], { stdin: SYSTEM })
    expect(isValid(JSON.parse(stdout))).toBe(true)
    expect(JSON.parse(stdout).runs[0].artifacts[0].location.uri).toBe("standard%20input")
  })
})

describe("a place", () => {
  it("is relative below the current folder, a file: URI elsewhere", () => {
    const base = { uriBaseId: "%SRCROOT%" }
    expect(artifactLocation("model.pt")).toEqual({ uri: "model.pt", ...base })
    expect(artifactLocation("./a/../b/model.pt")).toEqual({ uri: "b/model.pt", ...base })
    expect(artifactLocation(join(process.cwd(), "model.pt")).uri).toMatch(/^file:\/\/\/.+\/model\.pt$/)
    expect(artifactLocation("../model.pt").uri).toMatch(/^file:\/\/\/.+\/model\.pt$/)
    expect(artifactLocation("..model.pt")).toEqual({ uri: "..model.pt", ...base })
    expect(artifactLocation(relative("", FILES("clean.pt"))).uri).toMatch(/^file:\/\/\//)
  })

  it("is percent-encoded", () => {
    expect(relativeLocation("a b/c:d#e?f%g[h].pt").uri).toBe("a%20b/c%3Ad%23e%3Ff%25g%5Bh%5D.pt")
    expect(relativeLocation("é😀\ud800.pt").uri).toBe("%C3%A9%F0%9F%98%80%EF%BF%BD.pt")
    expect(relativeLocation("\u001b\n").uri).toBe("%1B%0A")
  })
})

describe("a message", () => {
  it.each([
    ["plain", "plain"],
    ["[a](b)", "\\[a\\](b)"],
    ["\\[a]", "\\\\\\[a\\]"],
    ["\\\\[", "\\\\\\\\\\["],
    ["a\\u001b b", "a\\u001b b"],
    ["{0} and {", "{{0}} and {{"],
  ])("%j means itself", (text, escaped) => {
    expect(plainMessage(text)).toEqual({ text: escaped })
  })
})

describe("the log of the repository's own example", () => {
  it("names the file as code scanning finds it", async () => {
    const { log } = await logged("examples/tiny-transformer.pt")
    expect(log.artifacts[0]?.location.uri).toBe("examples/tiny-transformer.pt")
    expect(readFileSync("examples/tiny-transformer.pt").length).toBe(log.artifacts[0]?.length)
  })
})
