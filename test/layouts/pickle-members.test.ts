/** Pickles beside the one that torch.load reads: whatever Python would look up in them, scan and conversion refuse. */

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isCheckpointError, type Limits, scan, toSafetensorsBytes } from "../../src/index.ts"
import { buildZip, torchArchive } from "../archive/zip-builder.ts"
import { assemble, hex, join, latin1, type Part, pickle2, pickle5, repeat } from "../pickle/assemble.ts"
import { legacyFile, storage, text, vector } from "../torch/legacy-file.ts"

const DATA = new Uint8Array(8).fill(1)
const TENSORS = pickle2("EMPTY_DICT", text("w"), vector(storage("0", 2, []), 2), "SETITEM")
const SYSTEM: Part = ["GLOBAL", "os", "system"]
const CALL: readonly Part[] = [SYSTEM, "MARK", text("true"), "TUPLE", "REDUCE"]
const EVIL = assemble(...CALL, "STOP")

type Files = Readonly<Record<string, Uint8Array>>

const archive = (others: Files): Uint8Array =>
  torchArchive({ "a/data.pkl": TENSORS, "a/data/0": DATA, ...others })

/** What both say: the verdict, and what is refused, each once. */
async function both(bytes: Uint8Array, limits: Partial<Limits> = {}): Promise<readonly string[]> {
  const report = await scan(bytes, { limits })
  const error: unknown = await toSafetensorsBytes(bytes, { limits }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) {
    expect(report).toMatchObject({ verdict: "clean" })
    return []
  }
  if (!isCheckpointError(error)) throw error
  expect(report.verdict).toBe("refused")
  if (error.code !== "global-not-allowed") {
    expect(report.findings.map(({ code }) => code)).toContain(error.code)
    return [error.code]
  }
  const globals = error.detail.globals.map(({ pickle, global }) => `${pickle} ${global}`)
  const listed = report.globals
    .filter(({ verdict }) => verdict !== "allowed")
    .map(
      ({ pickle, module, name }) =>
        `${pickle} ${module === "" ? "(a name that only Python can tell)" : `${module}.${name}`}`,
    )
  expect(new Set(globals)).toEqual(new Set(listed))
  return [...new Set(globals)]
}

const memo = (stored: string, read: string): Uint8Array =>
  assemble(
    ["PROTO", 4],
    ...[["UNICODE", "collections"], ["PUT", "10"], "POP", ["UNICODE", "os"], ["PUT", stored], "POP"].map(
      (p) => p as Part,
    ),
    ...[["UNICODE", "OrderedDict"], ["PUT", "20"], "POP", ["GET", read], ["GET", "20"]].map((p) => p as Part),
    ...["STACK_GLOBAL", "EMPTY_TUPLE", "REDUCE", "STOP"],
  )

describe("a pickle under any name", () => {
  it.each([
    ...[
      "e.pkl",
      "e.PKL",
      "e.dat",
      "e.joblib",
      "e.pk",
      "e.pt",
      "notes.txt",
      "readme",
      "pytorch_model.bin",
      "x/y/z",
    ],
    ...[
      "constants/0",
      "data/99",
      "data/weights/e",
      "data/constants/e.pkl",
      "data/00",
      "data/x",
      "code/x.py",
      "e.json",
    ],
    ...[
      ".format_version",
      ".storage_alignment",
      ".data/serialization_id",
      ".data/version",
      "version",
      "extra/data.pkl",
    ],
  ])("%s", async (name) => {
    expect(await both(archive({ [`a/${name}`]: EVIL }))).toEqual([`a/${name} os.system`])
  })
})

describe("what Python looks up first or last", () => {
  it.each<[what: string, bytes: Uint8Array, global?: string]>([
    ["protocol 0", EVIL],
    ...[0, 1, 2, 3, 4, 5].map((version): [string, Uint8Array] => [
      `PROTO ${version}`,
      assemble(["PROTO", version], ...CALL, "STOP"),
    ]),
    ["something before PROTO", assemble("NONE", "POP", ["PROTO", 2], ...CALL, "STOP")],
    ["a mark before it", assemble("MARK", ...CALL, "TUPLE", "STOP")],
    ["a list of numbers before it", assemble("EMPTY_LIST", ["INT", "1"], "APPEND", ...CALL, "STOP")],
    ["INST", assemble("MARK", ["STRING", "'true'"], ["INST", "os", "system"], "STOP")],
    ["INST without a mark", assemble(["INST", "os", "system"])],
    ["OBJ", assemble("MARK", SYSTEM, text("true"), "OBJ", "STOP")],
    ["only named", assemble(SYSTEM)],
    ["named and broken off", join([assemble(SYSTEM), hex("ff")])],
    ["named in a line that the file ends in", latin1("cos\nsystem")],
    ["the second of two", join([pickle2("NONE"), EVIL])],
    ["the fifth", join([pickle2("NONE"), repeat(3, "NONE", "STOP"), EVIL])],
    ["behind a pickle that fails for others", join([pickle5("NONE"), assemble("NONE", "STOP"), EVIL])],
    ["in a frame that is too long", join([hex("8004 95 40420f0000000000"), EVIL])],
    ["behind an empty frame", join([hex("8004 95 0000000000000000"), EVIL])],
    ["behind a frame that ends early", join([hex("8004 95 0100000000000000"), EVIL])],
    [
      "behind the STOP of a frame, where the frame ends",
      join([hex("8004 95 0600000000000000 4e2e 00000000"), EVIL]),
    ],
    ["behind 5,000 bytes", join([pickle2(["BINBYTES", new Uint8Array(5000)], "POP", "NONE"), EVIL])],
    ["behind 100,000 bytes", join([pickle2(["BINBYTES8", new Uint8Array(100_000)]), EVIL])],
    ["a line of 70,000 bytes before it", join([latin1(`V${"x".repeat(70_000)}\n0`), EVIL])],
    ["a number that ends at a zero byte", join([latin1("I1\0x\n0"), EVIL])],
  ])("%s", async (_, bytes) => {
    const found = await both(archive({ "a/e": bytes }))
    const isCut = found.includes("a/e os.syste") || found.includes("a/e (a name that only Python can tell)")
    expect(found.includes("a/e os.system") || isCut).toBe(true)
  })

  it.each(["1_0", "10\0x", " 10", "+10", "010 ", "10\r", "0x10", "\xd9\xa1\xd9\xa0", "1".repeat(40)])(
    "a memo index that is no plain number: %j",
    async (index) => {
      const unknown = ["a/e (a name that only Python can tell)"]
      expect(await both(archive({ "a/e": memo(index, "10") }))).toEqual(unknown)
      expect(await both(archive({ "a/e": memo("11", index) }))).toEqual(unknown)
    },
  )

  it("and plain numbers are read", async () => {
    expect(await both(archive({ "a/e": memo("11", "10") }))).toEqual([])
    expect(await both(archive({ "a/e": memo("10", "10") }))).toEqual(["a/e os.OrderedDict"])
    expect(await both(archive({ "a/e": memo("010", "10") }))).toEqual(["a/e os.OrderedDict"])
  })
})

describe("archives within", () => {
  const zip = (files: Files, method = 0): Uint8Array =>
    buildZip({
      members: Object.entries(files).map(([name, data]) => ({ name, data, method: method as 0 | 8 })),
    })
  const inner = { "m/data.pkl": EVIL, "m/version": latin1("3\n") }

  it.each<[what: string, bytes: Uint8Array, at: string]>([
    ["a checkpoint", zip(inner), "m/data.pkl"],
    ["deflated", zip(inner, 8), "m/data.pkl"],
    ["a stray in it", zip({ "m/data.pkl": TENSORS, "m/x": EVIL }), "m/x"],
    ["a storage in it", zip({ "m/data.pkl": TENSORS, "m/data/7": EVIL }), "m/data/7"],
    ["an archive in it", zip({ "m/n.pt": zip({ "n/data.pkl": EVIL }) }), "m/n.pt/n/data.pkl"],
    ["text only", zip({ readme: latin1("cos\nsystem\n.") }), "readme"],
  ])("%s", async (_, bytes, at) => {
    expect(await both(archive({ "a/model.pt": bytes }))).toEqual([`a/model.pt/${at} os.system`])
  })

  it("are deflated themselves", async () => {
    const members = Object.entries({ "a/data.pkl": TENSORS, "a/data/0": DATA }).map(([name, data]) => ({
      name,
      data,
    }))
    const bytes = buildZip({ members: [...members, { name: "a/m.pt", data: zip(inner), method: 8 }] })
    expect(await both(bytes)).toEqual(["a/m.pt/m/data.pkl os.system"])
  })

  it("behind something else, and too deep, are not passed over", async () => {
    expect(await both(archive({ "a/x": join([new Uint8Array(6000), zip(inner)]) }))).toEqual([
      "zip-ambiguous",
    ])
    let deep = zip(inner)
    for (let level = 0; level < 5; level++) deep = zip({ deep })
    expect(await both(archive({ "a/x": deep }))).toEqual(["unsupported-layout"])
  })

  it("of legacy layout are pickles in a row", async () => {
    expect(await both(archive({ "a/old.pt": legacyFile() }))).toEqual([])
    expect(await both(archive({ "a/old.pt": legacyFile({ object: pickle2(...CALL) }) }))).toEqual([
      "a/old.pt os.system",
    ])
    expect(await both(archive({ "a/old.pt": legacyFile({ keys: pickle2(...CALL) }) }))).toEqual([
      "a/old.pt os.system",
    ])
  })
})

describe("what is no pickle to Python", () => {
  it.each<[what: string, name: string, bytes: Uint8Array]>([
    ["weights of a name that is not used", "data/5", new Uint8Array(4096).fill(0x3f)],
    ["an image", "x.png", hex("89504e470d0a1a0a0000000d49484452")],
    ["an array of numpy", "x.npy", join([hex("934e554d5059 01 00 76 00"), latin1("{'descr': '<f4'}\n")])],
    ["JSON", "config.json", latin1('{"hidden": 4}\n')],
    ["YAML", "x.yaml", latin1("model:\n  a: 1\n")],
    ["wasm", "x.wasm", hex("0061736d01000000")],
    ["a library", "x.so", hex("7f454c46020101")],
    ["prose", "readme", latin1("README\nof nobody\n")],
    ["a font", "x.pfb", hex("8001 71150000 25215053")],
    ["serialization_id", ".data/serialization_id", latin1("1234567890123456789012345678901234567890")],
    ["storage_alignment", ".storage_alignment", latin1("64")],
    ["two letters", "x", latin1("ca")],
    ["numbers", "x", latin1("1\n2\n3\n")],
  ])("%s", async (_, name, bytes) => {
    expect(await both(archive({ [`a/${name}`]: bytes }))).toEqual([])
  })

  it("storages that the checkpoint names may hold anything", async () => {
    const files = {
      "a/data.pkl": pickle2("EMPTY_DICT", text("w"), vector(storage("0", 6, []), 6), "SETITEM"),
    }
    const payload = join([latin1("cos\nsystem\n(S'true'\ntR."), new Uint8Array(1)])
    expect(payload.length).toBe(24)
    expect(await both(torchArchive({ ...files, "a/data/0": payload }))).toEqual([])
  })
})

describe("one allowance for all pickles", () => {
  const plain = pickle2("NONE")
  const arbitrary = fc.record({
    others: fc.array(
      fc.constantFrom(
        plain,
        TENSORS,
        EVIL,
        join([plain, TENSORS]),
        repeat(40, "NONE"),
        pickle2(repeat(60, "EMPTY_DICT")),
      ),
      { maxLength: 4 },
    ),
    limits: fc.record({
      maxPickleBytes: fc.integer({ min: 100, max: 700 }),
      maxOpcodes: fc.integer({ min: 10, max: 200 }),
      memoryFloorBytes: fc.integer({ min: 0, max: 20_000 }),
    }),
    deflated: fc.boolean(),
  })

  it("is counted alike by scan and conversion, at the limits", async () => {
    const outcomes = new Set<string>()
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ others, limits, deflated }) => {
        const method = deflated ? 8 : 0
        const bytes = buildZip({
          members: [
            { name: "a/data.pkl", data: TENSORS },
            { name: "a/data/0", data: DATA },
            ...others.map((data, index) => ({ name: `a/x${index}`, data, method: method as 0 | 8 })),
          ],
        })
        for (const outcome of await both(bytes, { ...limits, memoryRatio: 4 }))
          outcomes.add(outcome.replace(/^\S* /, ""))
      }),
      { numRuns: 300, seed: 11 },
    )
    expect([...outcomes].sort()).toEqual(["limit-exceeded", "os.system"])
  })

  it("does not count globals that are allowed, however many pickles name them", async () => {
    const others = Object.fromEntries(Array.from({ length: 3500 }, (_, i) => [`a/x${i}`, TENSORS]))
    const report = await scan(archive(others))
    expect(report.verdict).toBe("clean")
    expect(report.findings.map(({ code }) => code)).toContain("not-all-listed")
    expect(await both(archive(others))).toEqual([])
  })
})
