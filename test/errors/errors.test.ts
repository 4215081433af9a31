import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it, vi } from "vitest"
import { ERROR_ROWS, type ErrorCode, type ErrorDetails } from "../../src/errors/all-errors.ts"
import { CheckpointError, isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { DEFAULT_LIMITS, withLimits } from "../../src/limits/limits.ts"
import { requireWithin } from "../../src/limits/require-within.ts"
import { PICKLE_STACK, type RefusedGlobal } from "../../src/pickle/errors.ts"

const SRC = fileURLToPath(new URL("../../src", import.meta.url))

const FAULT = { within: "archive/data.pkl", at: 118, problem: "something is wrong" }
const NAME = { name: "layers.0.weight", problem: "something is wrong" }
const CANDIDATE = { path: ["model", "net"], tensorCount: 2, byteLength: 24 }

/** A detail of each code; the type asks for every one. */
const SAMPLES: { readonly [C in ErrorCode]: ErrorDetails[C] } = {
  "invalid-argument": { argument: "root", problem: "something is wrong" },
  "read-failed": { path: "a.pt", reason: "no such file" },
  "write-failed": { path: "a.safetensors", reason: "disk full" },
  "output-exists": { path: "a.safetensors" },
  "output-is-input": { path: "a.pt" },
  "blob-memory": { wanted: 100, allowed: 64, reason: "something is wrong" },
  "output-incomplete": { expected: 10, written: 9 },
  "input-changed": FAULT,
  "digest-mismatch": { path: "a.pt", expected: "0".repeat(64), actual: "f".repeat(64) },
  truncated: { within: "a.pt", at: 100, wanted: 22, got: 3 },
  "not-a-checkpoint": { looksLike: "a GGUF file (llama.cpp)", kind: "gguf" },
  "two-formats": { at: 9, problem: "a legacy checkpoint that ends in a zip archive" },
  "holds-checkpoints": {
    container: "zip",
    what: "a zip archive",
    files: [{ name: "policy.pth", byteLength: 10 }],
    count: 1,
  },
  "unsupported-layout": { layout: "a TorchScript archive", problem: "something is wrong" },
  "limit-exceeded": { limit: "maxNodes", allowed: 10, wanted: 11, within: "archive/data.pkl" },
  "zip-end-record": FAULT,
  "zip-ambiguous": FAULT,
  zip64: FAULT,
  "zip-entry": FAULT,
  "zip-mismatch": FAULT,
  "zip-gap": FAULT,
  "zip-overlap": FAULT,
  "zip-duplicate": FAULT,
  "zip-flags": FAULT,
  "zip-method": FAULT,
  "zip-name": FAULT,
  "zip-layout": FAULT,
  "zip-signature": { ...FAULT, found: "30 35", expected: "50 4b" },
  inflate: FAULT,
  checksum: { within: "archive/data/0", expected: 0xff, actual: 0xdeadbeef },
  "pickle-protocol": FAULT,
  "pickle-opcode": FAULT,
  "pickle-truncated": FAULT,
  "pickle-text": FAULT,
  "pickle-stack": FAULT,
  "pickle-type": FAULT,
  "pickle-memo": FAULT,
  "pickle-trailing": FAULT,
  "pickle-cycle": FAULT,
  "global-not-allowed": {
    globals: [
      {
        ...{ global: "os.system", module: "os", name: "system", pickle: "archive/data.pkl", at: 118 },
        ...{ use: "called", referredToBy: "hooks.0", tensorCount: 2, partOf: undefined },
        verdict: "dangerous",
        danger: { reason: "runs programs", source: "docs.python.org" },
        about: undefined,
      },
      {
        ...{ global: "pathlib.Path", module: "pathlib", name: "Path", pickle: "archive/data.pkl", at: 9 },
        ...{ use: "mentioned", referredToBy: undefined, tensorCount: 0, partOf: undefined },
        verdict: "unknown",
        danger: undefined,
        about: { what: "a path", source: "docs.python.org" },
      },
    ],
  },
  "byte-order": FAULT,
  "legacy-layout": FAULT,
  "legacy-trailing": FAULT,
  "storage-reference": FAULT,
  "storage-key": FAULT,
  "storage-dtype": FAULT,
  "storage-size": FAULT,
  "storage-conflict": FAULT,
  "tensor-argument": FAULT,
  "tensor-bounds": FAULT,
  "tensor-overflow": FAULT,
  "tensor-metadata": FAULT,
  "tensor-unsupported": { tensors: [{ name: "layers.0.weight", reason: "a sparse tensor" }] },
  "name-type": NAME,
  "name-encoding": NAME,
  "name-reserved": NAME,
  "name-duplicate": NAME,
  "no-tensors": { problem: "something is wrong" },
  "no-model": { parts: [{ path: ["optimizer"], kind: "optimizer", tensorCount: 2, byteLength: 24 }] },
  "root-not-found": { root: ["model", "nett"], candidates: [CANDIDATE] },
  "root-ambiguous": { candidates: [CANDIDATE, { ...CANDIDATE, path: ["ema"] }] },
  "tensors-shared": { groups: [["a", "b"]] },
  "safetensors-invalid": {
    findings: [{ rule: "offsets", severity: "error", tensor: "w", at: 8, problem: "something is wrong" }],
  },
}

const CODES = Object.keys(SAMPLES) as readonly ErrorCode[]

const errorOf = <C extends ErrorCode>(code: C, detail = SAMPLES[code]): CheckpointError<C> =>
  new CheckpointError(ERROR_ROWS[code], detail)

/** Text of every kind that must not reach a terminal as it is. */
const HOSTILE = "x\x1b[31m\n\u202e\u2028\ud800"
const UNSAFE = /[\x1b\u202e\u2028\ud800]/

describe("every code", () => {
  it("has a row and a sample", () => {
    expect(Object.keys(ERROR_ROWS).sort()).toEqual([...CODES].sort())
  })

  it("is said to mean something, in the file of its room", () => {
    const rooms = readdirSync(SRC).filter((room) => existsSync(join(SRC, room, "errors.ts")))
    const rows = rooms.flatMap((room) => [
      ...readFileSync(join(SRC, room, "errors.ts"), "utf8").matchAll(
        /(\/\*\* [^\n]{20,} \*\/\n)?export const (\w+): (?:Error|Fault)Row</g,
      ),
    ])
    const codes = rows.map(([, , name = ""]) => name.toLowerCase().replaceAll("_", "-"))
    expect(codes.sort()).toEqual([...CODES].sort())
    expect(rows.filter(([, meaning]) => meaning === undefined)).toEqual([])
  })

  it.each(CODES)("%s says what is wrong and what to do next", (code) => {
    const error = errorOf(code)
    expect(error.message).not.toMatch(/undefined|\[object|NaN/)
    expect(error.message.length).toBeGreaterThan(10)
    expect(error.nextStep).toMatch(/^\S.*[.)]$/s)
    expect(error.nextStep.length).toBeLessThan(220)
  })

  it.each(CODES)("%s keeps its detail, also as JSON", (code) => {
    const error = errorOf(code)
    expect(error.detail).toBe(SAMPLES[code])
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code,
      message: error.message,
      nextStep: error.nextStep,
      detail: JSON.parse(JSON.stringify(SAMPLES[code])),
    })
  })
})

describe("messages", () => {
  const say = <C extends ErrorCode>(code: C, detail: ErrorDetails[C]) => errorOf(code, detail).message

  it("say where", () => {
    expect(say("pickle-stack", FAULT)).toBe("archive/data.pkl@118: something is wrong")
    expect(say("pickle-stack", { at: 3, problem: "p" })).toBe("at byte 3: p")
    expect(say("pickle-stack", { within: "a", problem: "p" })).toBe("a: p")
    expect(say("pickle-stack", { problem: "p" })).toBe("p")
    expect(say("truncated", { at: 3, wanted: 8, got: 0 })).toBe(
      "at byte 3: the file ends early: 8 bytes wanted, 0 there",
    )
  })

  it("name what was refused, who refers to it, and that nothing ran", () => {
    expect(errorOf("global-not-allowed").message).toBe(
      "the pickle names 2 globals that are not allowed, 1 of them dangerous; nothing was executed:" +
        "\n  dangerous  os.system: runs programs (docs.python.org); called at archive/data.pkl@118" +
        ', found under "hooks.0", 2 tensors in it' +
        "\n  unknown  pathlib.Path: a path; mentioned at archive/data.pkl@9",
    )
  })

  it("say how many of the globals are dangerous", () => {
    const [dangerous, unknown] = SAMPLES["global-not-allowed"].globals as [RefusedGlobal, RefusedGlobal]
    const first = (...globals: RefusedGlobal[]): string =>
      say("global-not-allowed", { globals }).split(";")[0] ?? ""
    expect(first(dangerous)).toBe("the pickle names a dangerous global")
    expect(first(dangerous, dangerous)).toBe("the pickle names 2 dangerous globals")
    expect(first(unknown)).toBe("the pickle names a global that is not known to be harmless")
    expect(first(unknown, unknown)).toBe("the pickle names 2 globals that are not known to be harmless")
  })

  it("name the parts that could be the root, where there are any", () => {
    expect(errorOf("root-not-found").message).toBe(
      'there are no tensors under "model.nett"; these parts hold tensors:\n  model.net  (2 tensors, 24 bytes)',
    )
    expect(say("root-not-found", { root: ["model"], candidates: [] })).toBe(
      'there are no tensors under "model"',
    )
  })

  it("list twenty rows and count the rest", () => {
    const tensors = Array.from({ length: 25 }, (_, i) => ({ name: `t${i}`, reason: "odd" }))
    const lines = say("tensor-unsupported", { tensors }).split("\n")
    expect(lines).toHaveLength(22)
    expect(lines.at(-1)).toBe("  … and 5 more")
    expect(say("tensor-unsupported", { tensors: tensors.slice(0, 20) })).not.toContain("more")
  })

  it.each<[what: string, message: string]>([
    ["a place", say("pickle-stack", { within: HOSTILE, at: 1, problem: "p" })],
    ["a name", say("name-duplicate", { name: HOSTILE, problem: "p" })],
    ["an unsupported tensor", say("tensor-unsupported", { tensors: [{ name: HOSTILE, reason: "odd" }] })],
    ["a root", say("root-not-found", { root: [HOSTILE], candidates: [{ ...CANDIDATE, path: [HOSTILE] }] })],
    ["a group", say("tensors-shared", { groups: [[HOSTILE, HOSTILE]] })],
    ["a member", say("checksum", { within: HOSTILE, expected: 0, actual: 1 })],
    ["a path", say("output-exists", { path: HOSTILE })],
    [
      "a finding",
      say("safetensors-invalid", {
        findings: [{ rule: "r", severity: "error", tensor: HOSTILE, problem: "p" }],
      }),
    ],
    [
      "a global",
      say("global-not-allowed", {
        globals: [
          {
            ...{ global: HOSTILE, module: HOSTILE, name: HOSTILE, pickle: HOSTILE, at: 0, use: "called" },
            ...{ referredToBy: HOSTILE, tensorCount: 0, partOf: HOSTILE },
            ...{ verdict: "unknown", danger: undefined, about: undefined },
          },
        ],
      }),
    ],
  ])("escape %s", (_, message) => {
    expect(message).not.toMatch(UNSAFE)
    expect(message).toContain("\\u001b[31m\\u000a\\u202e\\u2028\\ud800")
  })
})

describe("the class", () => {
  it("is an Error with a cause where there is one", () => {
    const cause = new Error("below")
    const error = new CheckpointError(PICKLE_STACK, FAULT, { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe("CheckpointError")
    expect(error.cause).toBe(cause)
    expect("cause" in errorOf("pickle-stack")).toBe(false)
    expect(String(error)).toBe("CheckpointError: archive/data.pkl@118: something is wrong")
  })

  it("is recognised whichever copy of the package threw it", async () => {
    vi.resetModules()
    const copy = await import("../../src/errors/checkpoint-error.ts")
    expect(copy.CheckpointError).not.toBe(CheckpointError)
    const foreign: unknown = new copy.CheckpointError(PICKLE_STACK, FAULT)
    expect(foreign instanceof CheckpointError).toBe(true)
    expect(isCheckpointError(foreign)).toBe(true)
    expect(copy.isCheckpointError(errorOf("pickle-stack"))).toBe(true)
  })

  it("is not taken for anything else", () => {
    const alike = {
      name: "CheckpointError",
      code: "pickle-stack",
      detail: FAULT,
      message: "m",
      nextStep: "n",
    }
    for (const value of [undefined, null, "CheckpointError", 1, new Error("e"), alike, () => {}]) {
      expect(isCheckpointError(value)).toBe(false)
    }
  })

  it("narrows its detail by its code", () => {
    const error: unknown = errorOf("limit-exceeded")
    if (!isCheckpointError(error) || error.code !== "limit-exceeded") throw new Error("not narrowed")
    expect(error.detail.limit).toBe("maxNodes")
  })
})

describe("limits", () => {
  it("are inclusive", () => {
    const limits = withLimits({ maxNodes: 10 })
    expect(() => requireWithin(limits, "maxNodes", 10)).not.toThrow()
    expect(() => requireWithin(limits, "maxNodes", 11)).toThrow("11 exceeds the limit maxNodes of 10")
    expect(() => requireWithin(limits, "maxNodes", 2 ** 53, "p")).toThrow("p: 9007199254740992 exceeds")
  })

  it("are the defaults where nothing else is said", () => {
    expect(withLimits(undefined)).toBe(DEFAULT_LIMITS)
    expect(withLimits({})).toEqual(DEFAULT_LIMITS)
    expect(withLimits({ maxNodes: 1 })).toEqual({ ...DEFAULT_LIMITS, maxNodes: 1 })
    expect(Object.isFrozen(DEFAULT_LIMITS) && Object.isFrozen(withLimits({ maxNodes: 1 }))).toBe(true)
  })
})
