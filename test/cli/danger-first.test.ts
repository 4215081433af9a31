/** A dangerous global is called that by every command and by every way into the library, and nothing advises to load it. */

import { writeFileSync } from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import {
  isCheckpointError,
  openCheckpoint,
  scan,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/node/index.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { assemble, hex, join, type Part, pickle2, pickle5 } from "../pickle/assemble.ts"
import { legacyFile, storage, text, vector } from "../torch/legacy-file.ts"
import { run } from "./run.ts"
import { archive, INSTANCE, STACKED, SYSTEM } from "./scan-files.ts"

const newFolder = temporaryFolders()

const PATHS: Part = ["GLOBAL", "pathlib", "PosixPath"]
const main = (pickle: Uint8Array): Uint8Array => archive({ "archive/data.pkl": pickle })

/** Each names a dangerous global; `code` is what a conversion ends in. */
const FILES: readonly (readonly [what: string, bytes: Uint8Array, code: string])[] = [
  ["called", main(SYSTEM), "global-not-allowed"],
  ["by STACK_GLOBAL", main(STACKED), "global-not-allowed"],
  ["by INST, behind a protocol", main(join([hex("80 02"), INSTANCE])), "global-not-allowed"],
  ["by INST, of protocol 0", main(INSTANCE), "global-not-allowed"],
  ["only named", main(pickle2(["GLOBAL", "os", "system"])), "global-not-allowed"],
  [
    "by a path of attributes",
    main(pickle5(text("torch.serialization"), text("os.system"), "STACK_GLOBAL")),
    "global-not-allowed",
  ],
  [
    "after a harmless one",
    main(pickle2(PATHS, "POP_MARK", ["GLOBAL", "builtins", "eval"])),
    "global-not-allowed",
  ],
  [
    "behind many harmless ones",
    main(
      pickle2(
        "MARK",
        ...Array.from({ length: 40 }, (_, i): Part => ["GLOBAL", "mine", `f${i}`]),
        ["GLOBAL", "os", "system"],
        "LIST",
      ),
    ),
    "global-not-allowed",
  ],
  [
    "before an opcode that is refused",
    main(assemble(["PROTO", 2], ["GLOBAL", "os", "system"], "DUP", "STOP")),
    "global-not-allowed",
  ],
  ["without a protocol", main(assemble(["GLOBAL", "os", "system"], "STOP")), "global-not-allowed"],
  ["in a legacy file", legacyFile({ object: SYSTEM }), "global-not-allowed"],
  ["in a pickle beside the checkpoint's", archive({ "archive/extra.pkl": SYSTEM }), "global-not-allowed"],
  [
    "in a TorchScript archive",
    archive({ "archive/data.pkl": SYSTEM, "archive/constants.pkl": pickle2("EMPTY_TUPLE") }),
    "unsupported-layout",
  ],
  ["in a bare pickle", SYSTEM, "not-a-checkpoint"],
]

/** Advice to load the file, in any words that were ever printed. */
const LOADING = /(?<!may )load (?:it|the file|and save|them)(?! with Python)|(?:with|in) torch first|trust/i

describe.each(FILES)("a dangerous global %s", (_, bytes, code) => {
  const file = path.join(newFolder(), "model.pt")
  writeFileSync(file, bytes)

  it("is called so by scan, and nothing advises to load the file", async () => {
    const text = await run(["scan", file])
    expect(text.code).toBe(1)
    const [verdict] = /^ {2}(?:dangerous|unknown) /m.exec(text.stdout) ?? []
    expect(verdict).toBe("  dangerous ")
    expect(text.stdout).toContain("Do not load the file with Python")
    expect(text.stdout).not.toMatch(LOADING)
    const json = JSON.parse((await run(["scan", "--json", file])).stdout)
    expect(json.files[0].globals[0]).toMatchObject({
      verdict: "dangerous",
      danger: { reason: expect.any(String) },
    })
    expect(JSON.stringify(json)).not.toMatch(LOADING)
    const sarif = JSON.parse((await run(["scan", "--sarif", file])).stdout)
    expect(sarif.runs[0].results[0].ruleId).toBe("global-dangerous")
    expect(JSON.stringify(sarif)).not.toMatch(LOADING)
  })

  it.each(["convert", "inspect", "verify"])("is not advised to be loaded by %s", async (command) => {
    const out = path.join(newFolder(), "out.safetensors")
    const argv = { convert: [file, "-o", out], inspect: ["inspect", file], verify: ["verify", out, file] }[
      command
    ]
    if (command === "verify") writeFileSync(out, join([hex("02 00 00 00 00 00 00 00"), hex("7b 7d")]))
    const outcome = await run([...(argv ?? []), "--json"])
    expect(outcome.code).toBe(1)
    expect(outcome.stderr + outcome.stdout).not.toMatch(LOADING)
    if (code !== "global-not-allowed") return
    expect(outcome.stderr).toMatch(/\n {2}dangerous {2}/)
    expect(outcome.stderr).toContain("Do not load the file with Python")
    const { error } = JSON.parse(outcome.stdout)
    expect(error.detail.globals[0]).toMatchObject({
      verdict: "dangerous",
      danger: { reason: expect.any(String) },
    })
  })

  it("is called so by every way into the library", async () => {
    const ways: readonly (() => Promise<unknown>)[] = [
      () => toSafetensors(file, path.join(newFolder(), "out.safetensors")),
      () => toSafetensorsBytes(bytes),
      () => toSafetensorsBlob(new Blob([new Uint8Array(bytes)])),
      () => toSafetensorsStream(file),
      () => openCheckpoint(file),
    ]
    for (const way of ways) {
      const error: unknown = await way().catch((reason: unknown) => reason)
      if (!isCheckpointError(error)) throw error
      expect(error.code).toBe(code)
      expect(error.nextStep).not.toMatch(LOADING)
      if (error.code !== "global-not-allowed") continue
      const [first, ...rest] = error.detail.globals
      expect(first).toMatchObject({ verdict: "dangerous" })
      expect(error.message).toContain(first?.danger?.reason)
      const verdicts = rest.map(({ verdict }) => verdict)
      expect(verdicts).toEqual([...verdicts].sort())
    }
    const { globals } = await scan(bytes)
    expect(globals[0]?.verdict).toBe("dangerous")
  })
})

describe("a harmless global", () => {
  const vectorOf = (key: string): Part => vector(storage(key, 2, []), 2)
  const bytes = main(
    pickle2(
      ...(["EMPTY_DICT", "MARK", text("w"), vectorOf("0"), text("hooks"), PATHS, text("p")] as const),
      ...([
        ["GLOBAL", "torch.nn.modules.container", "ParameterDict"] as const,
        "EMPTY_TUPLE",
        "NEWOBJ",
        "EMPTY_DICT",
      ] as const),
      ...([
        "MARK",
        text("a"),
        vectorOf("0"),
        text("b"),
        vectorOf("0"),
        "SETITEMS",
        "BUILD",
        "SETITEMS",
      ] as const),
    ),
  )
  const file = path.join(newFolder(), "model.ckpt")
  writeFileSync(file, bytes)

  it("has another message: what it is, and which tensors it concerns", async () => {
    const { stderr, code } = await run([file, "-o", path.join(newFolder(), "out")])
    expect(code).toBe(1)
    expect(stderr).toContain(
      "the pickle names 2 globals that are not known to be harmless; nothing was executed:\n",
    )
    expect(stderr).toMatch(
      / {2}unknown {2}pathlib\.PosixPath: a path; mentioned at \S+, found under "hooks", no tensor in it\n/,
    )
    expect(stderr).toMatch(
      /ParameterDict: a dict or list of parameters, saved as a module; instantiated at \S+, found under "p", 2 tensors in it\n/,
    )
    expect(stderr).not.toMatch(/dangerous|torch\.load|trust/)
    const { stdout } = await run(["scan", file])
    expect(stdout).toContain("  what     pathlib.PosixPath: a path\n")
    expect(stdout).toContain("none is known to be dangerous")
  })

  it("has another colour", async () => {
    const painted = { columns: 200, colors: true }
    const harmless = await run([file, "-o", path.join(newFolder(), "out")], painted)
    expect(harmless.stderr).toMatch(/^\u001b\[33mtosafetensors:/)
    expect(harmless.stderr).toContain("  \u001b[33munknown\u001b[39m  pathlib.PosixPath")
    expect((await run(["scan", file], painted)).stdout).toContain("\u001b[33mrefused\u001b[39m")
    const hostile = path.join(newFolder(), "model.pt")
    writeFileSync(hostile, main(SYSTEM))
    const dangerous = await run([hostile, "-o", path.join(newFolder(), "out")], painted)
    expect(dangerous.stderr).toMatch(/^\u001b\[31mtosafetensors:/)
    expect(dangerous.stderr).toContain("  \u001b[31mdangerous\u001b[39m  posix.system")
    expect((await run(["scan", hostile], painted)).stdout).toContain("\u001b[31mrefused\u001b[39m")
  })
})
