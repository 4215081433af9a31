import { PassThrough } from "node:stream"
import { afterEach, describe, expect, it, vi } from "vitest"
import { reportFailure } from "../../src/cli/failure.ts"
import { defaultOutput } from "../../src/cli/input.ts"
import { unreferencedFacts } from "../../src/cli/report-facts.ts"
import { RenameRules } from "../../src/cli/selection.ts"
import { jsonPieces, jsonText } from "../../src/cli/terminal/json-text.ts"
import { ProgressBar, progressBarFor } from "../../src/cli/terminal/progress-bar.ts"
import { tableLines } from "../../src/cli/terminal/table.ts"
import { sayBytes, sayClock, sayCount, sayCounted, sayDuration } from "../../src/cli/terminal/words.ts"
import type { UnreferencedBytes } from "../../src/node/index.ts"
import { DEEP } from "../depth.ts"

describe("the default output", () => {
  it.each([
    ["model.pt", "model.safetensors"],
    ["model.PTH", "model.safetensors"],
    ["pytorch_model.bin", "pytorch_model.safetensors"],
    ["pytorch_model-00001-of-00002.bin", "pytorch_model-00001-of-00002.safetensors"],
    ["best.pth.tar", "best.safetensors"],
    ["epoch=3-step=100.ckpt", "epoch=3-step=100.safetensors"],
    ["model-v1.5", "model-v1.5.safetensors"],
    ["model-v1.5.pkl", "model-v1.5.safetensors"],
    ["model", "model.safetensors"],
    [".pt", ".pt.safetensors"],
    ["model.safetensors", "model.safetensors"],
    ["runs.pt/model.pt", "runs.pt/model.safetensors"],
    ["../model.pt", "../model.safetensors"],
  ])("of %s is %s", (input, output) => {
    expect(defaultOutput(input)).toBe(output)
  })

  it.each([
    ["https://a.example/gpt2/resolve/main/pytorch_model.bin?download=true#x", "pytorch_model.safetensors"],
    ["HTTP://a.example/model%20v1.5.pt", "model v1.5.safetensors"],
    ["https://a.example/m%C3%BCll.pt", "müll.safetensors"],
    ["https://a.example/..%2F..%2Fetc%2Fpasswd.pt", "_.._etc_passwd.safetensors"],
    ["https://a.example/..%5C..%5Cboot.ini", "_.._boot.ini.safetensors"],
    ["https://a.example/C:model.pt", "C_model.safetensors"],
    ["https://a.example/%00%1B[31m%0Amodel.pt", "__[31m_model.safetensors"],
    ["https://a.example/tp.%E2%80%AEsrosnetefas", "tp._srosnetefas.safetensors"],
    ["https://a.example/.bashrc", "bashrc.safetensors"],
    ["https://a.example/%2e%2e%20-rf.pt", "rf.safetensors"],
    ["https://a.example/model.%20.", "model.safetensors"],
    ["https://a.example/con.pt", "_con.safetensors"],
    ["https://a.example/COM1", "_COM1.safetensors"],
    ["https://a.example/console.pt", "console.safetensors"],
    ["https://a.example/%FF%pt", "%FF%pt.safetensors"],
    ["https://a.example/constructor", "constructor.safetensors"],
    ["https://a.example/", undefined],
    ["https://a.example/models/", undefined],
    ["https://a.example/%20.", undefined],
  ])("of %s is %s, in this folder", (input, output) => {
    expect(defaultOutput(input)).toBe(output)
  })

  it("of a long URL leaves room in 255 bytes for a temporary name", () => {
    const output = defaultOutput(`https://a.example/${"%F0%9F%98%80".repeat(500)}.pt`) ?? ""
    expect(output).toMatch(/^(?:😀)+\.safetensors$/u)
    expect(Buffer.byteLength(output)).toBeLessThan(200)
  })

  it("of standard input there is none", () => {
    expect(defaultOutput("-")).toBeUndefined()
  })
})

describe("rules of --rename", () => {
  const renamed = (rules: readonly string[], name: string): string => new RenameRules(rules).rename(name)

  it.each<readonly [readonly string[], string, string]>([
    [["module.="], "module.fc.weight", "fc.weight"],
    [["module.="], "fc.module.weight", "fc.module.weight"],
    [["module.="], "module.module.x", "module.x"],
    [["a.=b."], "a.x", "b.x"],
    [["a.=b=c."], "a.x", "b=c.x"],
    [["module.=", "fc.=head."], "module.fc.w", "head.w"],
    [["*.gamma=*.weight"], "norm.gamma", "norm.weight"],
    [["*.gamma=*.weight"], "norm.gamma.x", "norm.gamma.x"],
    [["*.gamma=*.weight"], ".gamma", ".weight"],
    [["*.attn.*=*.attention.*"], "h.0.attn.c.attn.w", "h.0.attention.c.attn.w"],
    [["*=model.*"], "x", "model.x"],
    [["a*a=b*b"], "a", "a"],
    [["a*a=b*b"], "aa", "bb"],
    [["**=*-*"], "xy", "-xy"],
    [["a.*.b=*"], "a.x.b", "x"],
  ])("%j make %s %s", (rules, name, expected) => {
    expect(renamed(rules, name)).toBe(expected)
  })

  it("know which of them were of no use", () => {
    const rules = new RenameRules(["a.=", "modle.=", "other.=x."])
    for (const name of ["a.x", "model.w"]) rules.rename(name)
    expect(rules.notes).toEqual([
      '--rename "modle.=" matched no name; the nearest: "model.w"',
      '--rename "other.=x." matched no name',
    ])
  })
})

describe("quantities", () => {
  it("of bytes have three digits", () => {
    const rows = [
      0, 1, 999, 1000, 1001, 9999, 99_949, 99_950, 999_499, 999_500, 1_390_000, 2_523_006_587, 9.1e15,
    ]
    expect(rows.map(sayBytes)).toEqual(
      "0 B,1 B,999 B,1.00 kB,1.00 kB,10.0 kB,99.9 kB,100 kB,999 kB,1.00 MB,1.39 MB,2.52 GB,9.10 PB".split(
        ",",
      ),
    )
  })

  it("of things have commas and a plural", () => {
    expect([0, 999, 1000, 1_261_481_984].map(sayCount)).toEqual(["0", "999", "1,000", "1,261,481,984"])
    expect([sayCounted(1, "tensor"), sayCounted(0, "tensor")]).toEqual(["1 tensor", "0 tensors"])
  })

  it("of time", () => {
    expect([4, 1234, 99_940, 99_960, 125_000].map(sayDuration)).toEqual([
      "0.00 s",
      "1.2 s",
      "99.9 s",
      "1 min 40 s",
      "2 min 5 s",
    ])
    expect([0, 1, 59_001, 3_599_000, 3_723_000].map(sayClock)).toEqual([
      "0:00",
      "0:01",
      "1:00",
      "59:59",
      "1:02:03",
    ])
  })
})

describe("a table", () => {
  const columns = [
    { title: "name", align: "left", elastic: true },
    { title: "size", align: "right" },
  ] as const

  it("aligns its columns and leaves no blanks at the end", () => {
    expect(
      tableLines(
        columns,
        [
          ["a", "1"],
          ["bcdef", "1000"],
        ],
        undefined,
      ),
    ).toEqual(["name   size", "a         1", "bcdef  1000"])
    expect(tableLines(columns, [["a", ""]], undefined)).toEqual(["name  size", "a"])
  })

  it("shortens names in the middle where there is no room", () => {
    const rows = [["encoder.layers.0.attention.weight", "12 B"]]
    expect(tableLines(columns, rows, 30)[1]).toBe("encoder.laye…tion.weight  12 B")
    expect(tableLines(columns, rows, 30)[1]?.length).toBe(30)
  })

  it("counts columns of the terminal: two for a letter of Chinese and for an emoji, none for a mark", () => {
    const names = ["编码器.权重", "déco🔥e\u0301r", "weight"]
    const lines = tableLines(
      columns,
      names.map((name) => [name, "1"]),
      undefined,
    )
    expect(lines).toEqual([
      "name         size",
      "编码器.权重     1",
      "déco🔥e\u0301r        1",
      "weight          1",
    ])
    const [, line] = tableLines(columns, [["编码器编码器编码器编码器编码器.权重", "12 B"]], 25)
    expect(line).toBe("编码器编…码器.权重   12 B")
  })

  it("shortens an endless name at once", () => {
    const [, line] = tableLines(columns, [["🔥".repeat(1_000_000), "1"]], 30)
    expect(line).toBe(`${"🔥".repeat(6)}…${"🔥".repeat(5)}      1`)
  })

  it("is not widened for all by one endless name", () => {
    const lines = tableLines(
      columns,
      [
        ["x".repeat(1_000_000), "1"],
        ["y", "1"],
      ],
      undefined,
    )
    expect(lines[2]?.length).toBeLessThan(200)
    expect(lines[1]?.length).toBeGreaterThan(1_000_000)
  })
})

describe("JSON", () => {
  it("keeps what objects and numbers of JSON lose", () => {
    const value = {
      big: 2n ** 64n,
      numbers: [1.5, Number.NaN, Number.NEGATIVE_INFINITY],
      named: new Map([
        ["__proto__", 1],
        ["10", 2],
      ]),
      keyed: new Map<unknown, unknown>([
        [1, "a"],
        ["1", "b"],
      ]),
      set: new Set([1, 2]),
      bytes: new Uint8Array([1, 2, 255]),
    }
    expect(jsonText(value)).toBe(
      '{"big":"18446744073709551616","numbers":[1.5,"NaN","-Infinity"],"named":{"__proto__":1,"10":2},' +
        '"keyed":[[1,"a"],["1","b"]],"set":[1,2],"bytes":{"kind":"bytes","base64":"AQL/"}}',
    )
  })

  it("escapes what a terminal would act on", () => {
    const text = jsonText("\u009b31m \u202e \u2028 \u{e0001} é")
    expect(text).toBe('"\\u009b31m \\u202e \\u2028 \\udb40\\udc01 é"')
    expect(JSON.parse(text)).toBe("\u009b31m \u202e \u2028 \u{e0001} é")
  })

  it("is written of values as deep as may be, without recursion", () => {
    let value: unknown = new Map<unknown, unknown>([[1, undefined]])
    for (let level = 0; level < 50_000; level++)
      value = level % 2 === 0 ? [value] : { a: value, b: undefined }
    const text = jsonText(value)
    expect(text.slice(0, 12)).toBe('{"a":[{"a":[')
    expect(text).toContain("[[1,null]]")
  })

  it("stops at parts that are shared too often", () => {
    let value: unknown[] = ["x"]
    for (let level = 0; level < 60; level++) value = [value, value]
    const limit = "outputFloorBytes"
    expect(() => jsonPieces(value, { limit, allowed: 2 ** 20 })).toThrow(limit)
    if (DEEP) expect(() => jsonText(value)).toThrow(limit)
  })
})

describe("the progress bar", () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  function drawnAt(times: readonly number[], columns: number): readonly string[] {
    const drawn: string[] = []
    const stream = new PassThrough()
    stream.on("data", (part: Buffer) => drawn.push(part.toString("utf8")))
    let now = 0
    const bar = new ProgressBar(Object.assign(stream, { isTTY: true, columns }), () => now)
    for (const [index, time] of times.entries()) {
      now = time
      bar.update({ written: (index + 1) * 1e8, total: 1e9, checked: 0, toCheck: 0 })
    }
    bar.clear()
    return drawn.join("").split("\r\u001b[2K").slice(1)
  }

  it("waits for 150 ms, draws at most ten times a second, and disappears", () => {
    const drawn = drawnAt([100, 149, 200, 210, 299, 300, 350, 1000], 80)
    expect(
      drawn.map((line) =>
        line
          .replace(/^[█░]+ +/, "")
          .slice(0, 4)
          .trim(),
      ),
    ).toEqual(["30%", "60%", "80%", ""])
  })

  it("shows nothing at all for what is done quickly", () => {
    expect(drawnAt([1, 50, 100], 80)).toEqual([])
  })

  it.each([140, 80, 60, 40, 20, 5])("fits %d columns", (columns) => {
    const [line = ""] = drawnAt([1000], columns)
    expect(line.length).toBeLessThan(Math.max(columns, 5))
    expect(line).toMatchSnapshot()
  })

  it("is for terminals only", () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    vi.stubEnv("TERM", "xterm")
    expect(progressBarFor(terminal, true)).toBeDefined()
    expect(progressBarFor(terminal, false)).toBeUndefined()
    expect(progressBarFor(new PassThrough(), true)).toBeUndefined()
    vi.stubEnv("TERM", "dumb")
    expect(progressBarFor(terminal, true)).toBeUndefined()
  })
})

describe("a defect", () => {
  it("is shown as one, with what a report needs", async () => {
    const stderr = new PassThrough()
    const terminal = {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr,
      signal: new AbortController().signal,
    }
    const code = await reportFailure(terminal, new RangeError("impossible\u001b[2J"), {
      line: undefined,
      json: false,
    })
    expect(code).toBe(70)
    const text = String(stderr.read())
    expect(text).toMatch(
      /^tosafetensors: this is a defect of tosafetensors, not of your file\. Please report it/,
    )
    expect(text).toContain("RangeError: impossible\\u001b[2J")
  })
})

describe("bytes that are not included", () => {
  const NOTHING: UnreferencedBytes = {
    byteLength: 0,
    exact: true,
    leftOut: 0,
    behindViews: 0,
    unusedStorages: 0,
    extraMembers: 0,
    hiding: [],
    hidingCount: 0,
    unusedStorageCount: 0,
    members: [],
    memberCount: 0,
  }
  const said = (unreferenced: Partial<UnreferencedBytes>): readonly string[] =>
    unreferencedFacts({ ...NOTHING, ...unreferenced }).map(([label, text]) => {
      expect(label).toBe("not included")
      return text
    })
  const hiding = (tensors: readonly string[], tensorCount: number) => ({
    key: "7\u202e",
    byteLength: 5000,
    hiddenBytes: 4000,
    tensors,
    tensorCount,
  })

  it("are not mentioned where there are none", () => {
    expect(said({})).toEqual([])
    expect(said({ members: [{ name: "archive/empty", byteLength: 0 }], memberCount: 1 })).toEqual([])
  })

  it("are told in one line where they are of one kind", () => {
    expect(said({ byteLength: 1000, leftOut: 1000 })).toEqual([
      "1.00 kB of the file belong to no written tensor: in tensors that are left out",
    ])
    expect(said({ byteLength: 5, unusedStorages: 5, unusedStorageCount: 1, exact: false })).toEqual([
      "up to 5 B of the file belong to no written tensor: in 1 storage that no tensor uses",
    ])
  })

  it("are told kind by kind, with the first few storages and members", () => {
    const members = ["a\u202eb", "b", "c", "d"].map((name) => ({ name, byteLength: 25 }))
    const some = [hiding(["w"], 1), hiding(["a", "b", "\u001b"], 5), hiding([], 2), hiding(["x"], 1)]
    expect(
      said({
        byteLength: 17_100,
        leftOut: 1000,
        behindViews: 16_000,
        extraMembers: 100,
        hiding: some,
        hidingCount: 4,
        members,
        memberCount: 30,
      }),
    ).toEqual([
      "17.1 kB of the file belong to no written tensor",
      "1.00 kB in tensors that are left out",
      "16.0 kB behind views",
      '  4.00 kB behind "w"',
      '  4.00 kB behind "a", "b", "\\u001b" and 2 more',
      '  4.00 kB behind 2 tensors outside the root (storage "7\\u202e")',
      "  and 1 more such storage",
      "100 B in 30 extra members of the archive",
      '  "a\\u202eb" (25 B)',
      '  "b" (25 B)',
      '  "c" (25 B)',
      "  and 27 more such members",
    ])
  })
})
