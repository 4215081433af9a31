import { describe, expect, it } from "vitest"
import { type OpenOptions, type ScanReport, scan, toSafetensorsBytes } from "../../src/index.ts"
import { buildZip, torchArchive } from "../archive/zip-builder.ts"
import { assemble, hex, join, latin1, type Part, pickle2, pickle5, repeat } from "../pickle/assemble.ts"
import { legacyFile, storage, text, vector } from "../torch/legacy-file.ts"

const DATA = new Uint8Array(8).fill(1)
const TENSORS = pickle2("EMPTY_DICT", text("w"), vector(storage("0", 2, []), 2), "SETITEM")
const SYSTEM: Part = ["GLOBAL", "os", "system"]
const CALL: readonly Part[] = [SYSTEM, text("id"), "TUPLE1", "REDUCE"]

const archive = (pickle: Uint8Array, others: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  torchArchive({ "a/data.pkl": pickle, "a/data/0": DATA, ...others })

const named = ({ globals }: ScanReport): readonly string[] =>
  globals.map(({ verdict, module, name, use }) => `${verdict} ${module}.${name} ${use}`)

const codes = ({ findings }: ScanReport): readonly string[] =>
  findings.map(({ severity, code }) => `${severity} ${code}`)

describe("a zip checkpoint", () => {
  it("is clean when a conversion takes it", async () => {
    const bytes = archive(TENSORS)
    const report = await scan(bytes)
    expect(report).toMatchObject({ verdict: "clean", format: "zip", byteLength: bytes.length, findings: [] })
    expect(report.pickles).toMatchObject([
      { name: "a/data.pkl", byteLength: TENSORS.length, protocol: 2, complete: true },
    ])
    expect(named(report)).toEqual([
      "allowed torch._utils._rebuild_tensor_v2 called",
      "allowed torch.FloatStorage mentioned",
      "allowed collections.OrderedDict called",
    ])
  })

  it("is refused for a global, which the report names with its place and its danger", async () => {
    const bytes = archive(pickle2("MARK", ...CALL, ["GLOBAL", "my.code", "Model"], "TUPLE"))
    const report = await scan(bytes)
    expect(report.verdict).toBe("refused")
    expect(codes(report)).toEqual(["error global-not-allowed"])
    const [system, model] = report.globals
    expect(system).toEqual({
      module: "os",
      name: "system",
      verdict: "dangerous",
      pickle: "a/data.pkl",
      at: 3,
      fileOffset: 67,
      opcode: "GLOBAL",
      use: "called",
      usedBy: { opcode: "REDUCE", at: 22 },
      count: 1,
      danger: {
        reason: expect.stringContaining("runs programs"),
        source: expect.stringContaining("docs.python.org"),
      },
    })
    // The offset is that of the opcode in the file.
    expect(latin1("cos\nsystem")).toEqual(bytes.slice(67, 77))
    expect(model).toMatchObject({ module: "my.code", name: "Model", verdict: "unknown", danger: undefined })
  })

  it("lists a global once a pickle, with its count and the most that is done with it", async () => {
    const bytes = archive(pickle2("MARK", SYSTEM, SYSTEM, "EMPTY_TUPLE", "NEWOBJ", ...CALL, SYSTEM, "TUPLE"))
    expect((await scan(bytes)).globals).toMatchObject([
      { at: 3, count: 4, use: "called", usedBy: { opcode: "REDUCE" } },
    ])
  })

  it("is refused for what no global is to blame for", async () => {
    const bad: readonly (readonly [string, Uint8Array])[] = [
      ["pickle-stack", archive(pickle2("NONE", "NONE"))],
      ["pickle-opcode", archive(pickle2("NONE", "DUP", "TUPLE2"))],
      ["pickle-trailing", archive(join([TENSORS, TENSORS]))],
      ["pickle-cycle", archive(pickle2("EMPTY_LIST", ["BINPUT", 0], ["BINGET", 0], "APPEND"))],
      ["storage-size", archive(pickle2(vector(storage("0", 3, []), 2)))],
      ["zip-end-record", join([archive(TENSORS), hex("00")])],
      ["zip-layout", torchArchive({ "a/data/0": DATA })],
      ["zip-end-record", archive(TENSORS).subarray(0, -1)],
    ]
    for (const [code, bytes] of bad) {
      const report = await scan(bytes, { name: "model.pt" })
      expect(report.verdict, code).toBe("refused")
      expect(report.findings.map((finding) => finding.code)).toContain(code)
      expect(report.findings.every(({ nextStep }) => (nextStep ?? "").length > 10)).toBe(true)
    }
  })

  it("is clean where a conversion only needs a choice", async () => {
    const two = ["a", "b"].flatMap((name): Part[] => [
      text(name),
      "EMPTY_DICT",
      text("w"),
      vector(storage("0", 2, []), 2),
      ...["SETITEM", "SETITEM"],
    ])
    expect(await scan(archive(pickle2("EMPTY_DICT", ...two)))).toMatchObject({
      verdict: "clean",
      findings: [{ severity: "note", code: "root-ambiguous" }],
    })
    expect(await scan(archive(pickle2("NONE")))).toMatchObject({
      verdict: "clean",
      findings: [{ severity: "note", code: "no-tensors" }],
    })
  })

  it("may name very many globals: the list ends at 10,000, and says so", async () => {
    const parts = Array.from({ length: 10_001 }, (_, i): Part => ["GLOBAL", "m", `n${i}`])
    const report = await scan(archive(pickle2("MARK", ...parts, "TUPLE")))
    expect(report.globals).toHaveLength(10_000)
    expect(codes(report)).toContain("error too-many-globals")
  })
})

describe("other pickles of an archive", () => {
  it.each<[what: string, name: string, pickle: Uint8Array]>([
    ["by its name", "a/extra.pkl", assemble(...CALL, "STOP")],
    ["by its name, in capitals", "a/Extra.PICKLE", assemble(...CALL, "STOP")],
    ["by its first bytes", "a/readme", pickle2(...CALL)],
    ["in place of a small record", "a/version", join([pickle2(...CALL), new Uint8Array(64)])],
    ["broken off behind its payload", "a/x.pkl", assemble(...CALL, hex("ff"))],
  ])("are listed and refused, and a conversion refuses them too: %s", async (_, name, pickle) => {
    const report = await scan(archive(TENSORS, { [name]: pickle }))
    expect(report.verdict).toBe("refused")
    expect(report.globals[0]).toMatchObject({ module: "os", name: "system", pickle: name, use: "called" })
    expect(codes(report)).toEqual(["note other-pickle", "error global-not-allowed"])
  })

  it.each<[what: string, name: string, bytes: Uint8Array]>([
    ["text that begins with opcodes", "a/notes.pkl", latin1("build\nof\nnobody")],
    ["storages that nothing names", "a/data/1", join([new Uint8Array(300), pickle2(...CALL)])],
    ["a small record", "a/version", latin1("3\n")],
    ["an empty one", "a/empty.pkl", hex("")],
  ])("are not seen where there are none: %s", async (_, name, bytes) => {
    const report = await scan(archive(TENSORS, { [name]: bytes }))
    expect(report).toMatchObject({ verdict: "clean", pickles: [{ name: "a/data.pkl" }] })
    expect(codes(report).filter((code) => code !== "note unreferenced-bytes")).toEqual([])
  })

  it("are not inflated without end", async () => {
    const bomb = pickle2(repeat(3_000_000, "NONE"))
    const plain = ["a/data.pkl", "a/data/0"].map((name, i) => ({ name, data: i === 0 ? TENSORS : DATA }))
    const bytes = buildZip({ members: [...plain, { name: "a/x.pkl", data: bomb, method: 8 }] })
    expect(bytes.length).toBeLessThan(10_000)
    const report = await scan(bytes)
    expect(report).toMatchObject({ verdict: "refused", pickles: [{ name: "a/data.pkl" }] })
    expect(codes(report)).toEqual(["error limit-exceeded"])
    await expect(toSafetensorsBytes(bytes)).rejects.toMatchObject({
      code: "limit-exceeded",
      detail: { limit: "pickleFloorBytes", within: "a/x.pkl" },
    })
  })

  it("of allowed globals are a note", async () => {
    const report = await scan(archive(TENSORS, { "a/more.pkl": TENSORS }))
    expect(report.verdict).toBe("clean")
    expect(codes(report)).toEqual(["note other-pickle", "note unreferenced-bytes"])
    expect(report.pickles.map(({ name }) => name)).toEqual(["a/data.pkl", "a/more.pkl"])
  })
})

describe("bytes that belong to no tensor", () => {
  it("are a note: behind a view, and in a member that nothing asks for", async () => {
    const half = pickle2(vector(storage("0", 2, []), 1))
    for (const bytes of [archive(half), archive(TENSORS, { "a/note": new Uint8Array(4) })]) {
      const report = await scan(bytes)
      expect(report).toMatchObject({
        verdict: "clean",
        findings: [
          { severity: "note", message: expect.stringMatching(/^4 bytes of the file belong to no tensor/) },
        ],
      })
    }
  })
})

describe("a TorchScript archive", () => {
  const module = pickle2(["GLOBAL", "__torch__.net", "Net"], "EMPTY_TUPLE", "NEWOBJ", "EMPTY_DICT", "BUILD")

  it("is listed whole, and refused by name", async () => {
    const report = await scan(
      archive(module, {
        "a/code/__torch__/net.py": latin1("class Net(Module): ..."),
        "a/constants.pkl": pickle2("EMPTY_TUPLE"),
      }),
    )
    expect(report).toMatchObject({ verdict: "refused", format: "torchscript" })
    expect(named(report)).toEqual(["unknown __torch__.net.Net instantiated"])
    expect(report.pickles.map(({ name }) => name)).toEqual(["a/data.pkl", "a/constants.pkl"])
    expect(codes(report)).toEqual(["warning torchscript-code", "error unsupported-layout"])
  })

  it("is told from torch.export", async () => {
    const report = await scan(torchArchive({ "a/archive_format": latin1("pt2"), "a/data/0": DATA }))
    expect(report).toMatchObject({ verdict: "refused", format: "torch-export" })
  })
})

describe("a legacy checkpoint", () => {
  it("has five pickles, all of which are listed", async () => {
    const clean = await scan(legacyFile())
    expect(clean).toMatchObject({ verdict: "clean", format: "legacy" })
    expect(clean.pickles.map(({ name, complete }) => [name, complete])).toEqual([
      ["magic number pickle", true],
      ["protocol version pickle", true],
      ["system info pickle", true],
      ["object pickle", true],
      ["storage keys pickle", true],
    ])
  })

  it("is refused for a global in any of them", async () => {
    const bad = pickle2("MARK", ...CALL, "TUPLE")
    for (const part of ["info", "object", "keys"] as const) {
      const bytes = legacyFile({ [part]: bad })
      const report = await scan(bytes)
      expect(report.verdict, part).toBe("refused")
      const [system] = report.globals
      expect(system).toMatchObject({ module: "os", verdict: "dangerous" })
      expect(bytes.slice(system?.fileOffset).subarray(0, 10)).toEqual(latin1("cos\nsystem"))
    }
  })
})

describe("bare pickles", () => {
  it.each<[what: string, bytes: Uint8Array, global: string]>([
    ["protocol 2", pickle2(...CALL), "os.system called"],
    [
      "protocol 0",
      assemble(SYSTEM, "MARK", ["STRING", "'id'"], "TUPLE", "REDUCE", "STOP"),
      "os.system called",
    ],
    [
      "protocol 0, INST",
      assemble("MARK", ["STRING", "'id'"], ["INST", "os", "system"], "STOP"),
      "os.system instantiated",
    ],
    [
      "protocol 5",
      pickle5(text("posix"), text("system"), "STACK_GLOBAL", "EMPTY_TUPLE", "REDUCE"),
      "posix.system called",
    ],
    ["broken off behind the payload", assemble(...CALL, hex("ff")), "os.system called"],
    ["the second of two", join([pickle2("NONE"), pickle2(...CALL)]), "os.system called"],
  ])("are listed: %s", async (_, bytes, global) => {
    const report = await scan(bytes)
    expect(report).toMatchObject({ verdict: "refused", format: "pickle" })
    expect(named(report)).toEqual([`dangerous ${global}`])
  })

  it("of plain data and tensors are clean, though no conversion takes them", async () => {
    for (const bytes of [pickle2("EMPTY_DICT"), TENSORS, join([pickle2("NONE"), pickle5("NONE")])]) {
      expect(await scan(bytes)).toMatchObject({ verdict: "clean", format: "pickle", findings: [] })
    }
  })

  it("followed by anything else are refused", async () => {
    const report = await scan(join([pickle2("NONE"), hex("ff 00")]))
    expect(report).toMatchObject({ verdict: "refused", findings: [{ code: "pickle-opcode", at: 4 }] })
  })
})

describe("other files", () => {
  const header = (json: string, data = 0): Uint8Array =>
    join([Uint8Array.of(json.length, 0, 0, 0, 0, 0, 0, 0), latin1(json), new Uint8Array(data)])

  it("safetensors are held against their rules", async () => {
    const good = header('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8)
    expect(await scan(good)).toMatchObject({ verdict: "clean", format: "safetensors", findings: [] })
    const bad = header('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4)
    expect(await scan(bad)).toMatchObject({
      verdict: "refused",
      format: "safetensors",
      findings: [{ severity: "error", within: "w" }],
    })
  })

  it.each<[what: string, bytes: Uint8Array, code: string]>([
    ["nothing", hex(""), "not-a-checkpoint"],
    ["text", latin1("hello, world"), "not-a-checkpoint"],
    ["gzip", hex("1f 8b 08 00 00 00 00 00"), "not-a-checkpoint"],
    ["tar", join([new Uint8Array(257), latin1("ustar"), new Uint8Array(250)]), "unsupported-layout"],
    ["zeros", new Uint8Array(600), "not-a-checkpoint"],
  ])("are no model, and refused where their name says that they are one: %s", async (what, bytes, code) => {
    const format = what === "tar" ? "tar" : "unknown"
    const named = await scan(bytes, { name: "model.pt" })
    expect(named).toMatchObject({ verdict: "refused", format, globals: [] })
    expect(named.findings).toMatchObject([{ severity: "error", code }])
    const unnamed = await scan(bytes)
    expect(unnamed).toMatchObject({ verdict: "not-a-model", format, globals: [] })
    expect(unnamed.findings).toMatchObject([{ severity: "note", code: "not-a-checkpoint" }])
  })
})

describe("what a scan throws", () => {
  const throwing = async (options: OpenOptions, input: Parameters<typeof scan>[0]): Promise<unknown> =>
    scan(input, options).catch((error: unknown) => error)

  it("is a failing medium and an abort, nothing else", async () => {
    const broken = { byteLength: 100, read: () => Promise.reject(new Error("disk")) }
    expect(await throwing({}, broken)).toMatchObject({ code: "read-failed" })
    const aborted = AbortSignal.abort("enough")
    expect(await throwing({ signal: aborted }, archive(TENSORS))).toBe("enough")
  })

  it("not a limit, which is a finding", async () => {
    expect(await scan(archive(TENSORS), { limits: { maxOpcodes: 3 } })).toMatchObject({
      verdict: "refused",
      findings: [{ code: "limit-exceeded" }],
    })
    expect(await scan(repeat(100, "NONE"), { limits: { maxPickleBytes: 10 } })).toMatchObject({
      verdict: "refused",
    })
  })
})
