/** What converts scans clean, what scans clean converts, and both name the same globals. */

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isCheckpointError, scan, toSafetensorsBytes } from "../../src/index.ts"
import { torchArchive } from "../archive/zip-builder.ts"
import { readCorpusFile, readManifest } from "../corpus.ts"
import { depth, sampled } from "../depth.ts"
import { assemble, hex, type Part } from "../pickle/assemble.ts"
import { legacyFile, storage, text, vector } from "../torch/legacy-file.ts"

/** Refusals that ask for a choice of the caller, which a scan notes without refusing the file. */
const CHOICES = ["no-tensors", "no-model", "root-ambiguous", "tensor-unsupported", "name-type"]

/** What only shows when weights are read, which a scan does not. */
const IN_THE_WEIGHTS = ["checksum", "inflate"]

async function compare(bytes: Uint8Array): Promise<string> {
  const report = await scan(bytes)
  const error: unknown = await toSafetensorsBytes(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error !== undefined && !isCheckpointError(error)) throw error
  const errors = report.findings.filter(({ severity }) => severity === "error").map(({ code }) => code)
  const refused = report.globals.filter(({ verdict }) => verdict !== "allowed")
  if (error === undefined || IN_THE_WEIGHTS.includes(error.code)) {
    expect({ verdict: report.verdict, errors, refused }).toEqual({
      verdict: "clean",
      errors: [],
      refused: [],
    })
    return "converted"
  }
  if (CHOICES.includes(error.code)) {
    expect(report).toMatchObject({ verdict: "clean", findings: [{ severity: "note", code: error.code }] })
    return error.code
  }
  expect(report.verdict).toBe("refused")
  expect(errors).toContain(error.code)
  if (error.code === "global-not-allowed") {
    const listed = refused.map(
      ({ pickle, module, name }) =>
        `${pickle} ${module === "" && name === "" ? "(a name that only Python can tell)" : `${module}.${name}`}`,
    )
    for (const { pickle, global } of error.detail.globals) expect(listed).toContain(`${pickle} ${global}`)
  } else {
    // Behind the place where the machine gives up, and of opcodes that it refuses as such, a scan may know more.
    for (const { opcode, at, module } of refused) {
      const known = opcode === "GLOBAL" || (opcode === "STACK_GLOBAL" && module !== "")
      if (known)
        expect({ code: error.code, at }).toMatchObject({ code: expect.not.stringContaining("pickle-") })
    }
  }
  return error.code
}

const part: fc.Arbitrary<Part> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<Part>(
      ...["NONE", "NEWTRUE", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "MARK", "TUPLE", "TUPLE1", "TUPLE2"],
      ...["TUPLE3", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "REDUCE", "NEWOBJ", "BUILD", "BINPERSID"],
      ...["STACK_GLOBAL", "MEMOIZE", "POP", "DUP", "OBJ", "NEWOBJ_EX", "EMPTY_SET", "ADDITEMS", "FROZENSET"],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<Part>(["BININT1", 1], ["BINFLOAT", 2], ["SHORT_BINBYTES", "x"]) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Part>(
      ...["os", "system", "collections", "OrderedDict", "torch", "FloatStorage"].map(text),
      ["SHORT_BINUNICODE", "os"],
      ["UNICODE", "os"],
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Part>(
      ["GLOBAL", "os", "system"],
      ["GLOBAL", "collections", "OrderedDict"],
      ["GLOBAL", "collections", "OrderedDict "],
      ["GLOBAL", "torch", "FloatStorage"],
      ["INST", "os", "system"],
      ["EXT1", 1],
      hex("ff"),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom("BINPUT", "BINGET", "LONG_BINPUT", "LONG_BINGET"), fc.nat(4)),
  },
  { weight: 2, arbitrary: fc.constant(vector(storage("0", 2, []), 2)) },
)

const pickle = fc
  .tuple(fc.constantFrom(2, 4), fc.array(part, { maxLength: 14 }), fc.boolean())
  .map(([protocol, parts, ends]) => assemble(["PROTO", protocol], ...parts, ...(ends ? ["STOP"] : [])))

describe("scan and conversion agree", () => {
  it("on random pickles in an archive", async () => {
    const outcomes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(pickle, async (bytes) => {
        const files = { "a/data.pkl": bytes, "a/data/0": new Uint8Array(8) }
        const outcome = await compare(torchArchive(files))
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }),
      { numRuns: depth({ quick: 400, deep: 4000 }), seed: 5 },
    )
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining(["global-not-allowed", "pickle-stack"]))
  })

  it("on random pickles beside the one that is converted", async () => {
    const good = assemble(
      ["PROTO", 2],
      "EMPTY_DICT",
      text("w"),
      vector(storage("0", 2, []), 2),
      "SETITEM",
      "STOP",
    )
    const outcomes = new Set<string>()
    await fc.assert(
      fc.asyncProperty(pickle, async (bytes) => {
        const files = { "a/data.pkl": good, "a/data/0": new Uint8Array(8), "a/other": bytes }
        outcomes.add(await compare(torchArchive(files)))
      }),
      { numRuns: depth({ quick: 200, deep: 1000 }), seed: 6 },
    )
    expect([...outcomes].sort()).toEqual(["converted", "global-not-allowed"])
  })

  it("on random objects of legacy files", async () => {
    await fc.assert(
      fc.asyncProperty(pickle, async (object) => {
        await compare(legacyFile({ object }))
      }),
      { numRuns: depth({ quick: 200, deep: 1000 }), seed: 7 },
    )
  })

  it("on every file of the corpus that needs no options", async () => {
    const folder = new URL("../fixtures/oracle", import.meta.url).pathname
    const cases = readManifest(folder).filter(({ options }) => options === undefined)
    const outcomes = new Map<string, number>()
    for (const { input } of sampled(cases, 150)) {
      const outcome = await compare(readCorpusFile(folder, input))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect(outcomes.get("converted")).toBeGreaterThan(depth({ quick: 80, deep: 300 }))
    expect(outcomes.size).toBeGreaterThan(8)
  })
})
