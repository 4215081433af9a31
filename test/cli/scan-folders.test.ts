import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { scan } from "../../src/node/index.ts"
import { buildZip } from "../archive/zip-builder.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { join, latin1, pickle2 } from "../pickle/assemble.ts"
import { gzipped, zlibbed } from "./compressed-files.ts"
import { run } from "./run.ts"
import { archive, STACKED, SYSTEM } from "./scan-files.ts"

const newFolder = temporaryFolders()
const posix = process.platform !== "win32"
const isRoot = process.getuid?.() === 0

/** A folder with these files; names may have folders in them. */
function folderWith(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = newFolder()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), content)
  }
  return folder
}

/** Root may read everything, so it works as another user meanwhile. */
async function asNobody<Result>(work: () => Promise<Result>): Promise<Result> {
  if (!isRoot) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

interface Scanned {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The verdict of each file that is told of, by its name below the folder. */
  readonly verdicts: ReadonlyMap<string, string>
  /** Why others are left out. */
  readonly skipped: ReadonlyMap<string, string>
}

interface Log {
  readonly files: readonly {
    readonly file: string
    readonly verdict?: string
    readonly error?: { code: string }
  }[]
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
}

async function scanned(folder: string): Promise<Scanned> {
  const text = await run(["scan", folder])
  const json = await run(["scan", folder, "--json"])
  expect(json.code).toBe(text.code)
  const log: Log = JSON.parse(json.stdout)
  const below = (file: string): string => path.relative(folder, file).replaceAll("\\", "/")
  const verdicts = new Map(
    log.files.map(({ file, verdict, error }) => [below(file), verdict ?? error?.code ?? ""]),
  )
  const skipped = new Map(log.skipped.map(({ file, reason }) => [below(file), reason]))
  return { code: text.code, stdout: text.stdout, stderr: text.stderr, verdicts, skipped }
}

const TEXT = "Not Found"
const PNG = join([latin1("\x89PNG\r\n\x1a\n"), new Uint8Array(40)])
const NOISE = Uint8Array.from({ length: 900 }, (_, i) => (i * 167 + (i >> 3) * 31 + 255) % 256)
const SAFETENSORS = join([Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0), latin1("{}")])
const NPY = join([
  latin1("\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"),
  new Uint8Array(70),
])
const NPZ = buildZip({ members: [{ name: "arr_0.npy", data: NPY }] })
const GGUF = join([latin1("GGUF\x03\0\0\0"), new Uint8Array(60)])
/** 512 bytes that name a file, and its content. */
function tar(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write("0000644\0", 100)
  header.write(`${content.byteLength.toString(8).padStart(11, "0")}\0`, 124)
  header.write("        ", 148)
  header.write("0", 156)
  header.write("ustar\x0000", 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return join([
    header,
    content,
    new Uint8Array((512 - (content.byteLength % 512)) % 512),
    new Uint8Array(1024),
  ])
}

describe("a folder of a model hub", () => {
  const ORDINARY = {
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    ".gitignore": "*.pyc\n__pycache__/\n",
    "README.md": "---\nlicense: mit\n---\n# Model\n",
    "config.json": '{"model_type": "bert"}',
    "generation_config.json": "{}",
    "tokenizer.json": '{"version": "1.0"}',
    "vocab.txt": "[PAD]\n[UNK]\n",
    "merges.txt": "#version: 0.2\nĠ t\nh e\n",
    "pytorch_model.bin.index.json": '{"weight_map": {}}',
    "flax_model.msgpack": join([Uint8Array.of(0x81, 0xa6), latin1("params"), Uint8Array.of(0x80)]),
    "tf_model.h5": join([latin1("\x89HDF\r\n\x1a\n"), new Uint8Array(90)]),
    "model.onnx": join([Uint8Array.of(0x08, 0x07, 0x12, 0x07), latin1("pytorch")]),
    "model-q4.gguf": GGUF,
    "image.png": PNG,
    "photo.jpg": join([Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), NOISE]),
    "embeddings.npy": NPY,
    "embeddings.npz": NPZ,
    "logs/events.out.tfevents.1.host": NOISE,
    "archive.zip": buildZip({ members: [{ name: "notes/readme.txt", data: latin1("hello") }] }),
    "dataset.tar": tar("images/1.png", PNG),
    "modeling.py": "# Copyright\n\nprint(1)\n",
    "train.log.gz": gzipped(latin1("epoch 1\nepoch 2\n")),
    "license.dat": "MIT",
    empty: "",
  }
  const MODELS = {
    "model.safetensors": SAFETENSORS,
    "pytorch_model.bin": archive(),
    "optimizer.pt": archive(),
    "checkpoint-500/rng_state.pth": archive(),
  }

  it("raises no false alarm", async () => {
    const { code, verdicts, skipped, stdout, stderr } = await scanned(folderWith({ ...ORDINARY, ...MODELS }))
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect([...verdicts.keys()].sort()).toEqual(Object.keys(MODELS).sort())
    expect(new Set(verdicts.values())).toEqual(new Set(["clean"]))
    expect([...skipped.keys()].sort()).toEqual(Object.keys(ORDINARY).sort())
    expect(new Set(skipped.values())).toEqual(new Set(["not-a-model"]))
    expect(stdout).toContain(
      `${Object.keys(ORDINARY).length} other files left out, not a model (--json lists all)`,
    )
  })

  it("tells the arguments of a trainer from an attack", async () => {
    const folder = folderWith({
      "training_args.bin": archive({
        "archive/data.pkl": pickle2(
          ["GLOBAL", "transformers.training_args", "TrainingArguments"],
          ...(["EMPTY_TUPLE", "NEWOBJ", "EMPTY_DICT", "BUILD"] as const),
        ),
      }),
      "model.bin": archive({ "archive/data.pkl": SYSTEM }),
    })
    const { code, verdicts, stdout } = await scanned(folder)
    expect(code).toBe(1)
    expect([...verdicts]).toEqual([
      ["model.bin", "refused"],
      ["training_args.bin", "refused"],
    ])
    expect(stdout).toMatch(/ dangerous {2}posix\.system /)
    expect(stdout).toContain(
      "what     transformers.training_args.TrainingArguments: the arguments of the transformers trainer",
    )
    expect(stdout).not.toMatch(/load (?:it|the file) with torch/)
  })
})

describe("a file that has a checkpoint's name and is none", () => {
  it.each<[name: string, content: Uint8Array | string]>([
    ["voice.pth", join([latin1("05"), archive().subarray(2)])],
    ["pytorch_model.bin", ""],
    ["zeros.pt", new Uint8Array(900)],
    ["UPPER.PT", NOISE],
    ["error.pt", TEXT],
    ["page.ckpt", "<!DOCTYPE html><html>"],
    ["pointer.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"],
    ["noise.bin", NOISE],
    ["noise.pkl", NOISE],
    ["noise.joblib", join([SYSTEM.subarray(0, 2), NOISE])],
    ["cut.safetensors", SAFETENSORS.subarray(0, 7)],
    ["backup.pth.bak", NOISE],
    ["old.ckpt.1", NOISE],
    ["model.pth.tar", NOISE],
    ["packed.pt.xz", join([latin1("\xfd7zXZ\0"), NOISE])],
    ["packed.pkl.bz2", join([latin1("BZh9"), NOISE])],
    ["model.pt.zip", NPZ],
    ["array.pt", NPY],
    ["note.pth", TEXT],
  ])("%s is named, and fails", async (name, content) => {
    const { code, verdicts, stdout } = await scanned(folderWith({ [name]: content, "good.pt": archive() }))
    expect(code).toBe(1)
    expect(verdicts.get(name)).toBe("refused")
    expect(stdout).toContain(`${name}: refused`)
  })

  it.each<[name: string, content: Uint8Array | string, what: string]>([
    ["ggml-base.bin", GGUF, "a GGUF file (llama.cpp)"],
    ["lid.176.bin", join([Uint8Array.of(0xba, 0x16, 0x4f, 0x2f), NOISE]), "a fastText model"],
    [
      "tokenizer.model",
      join([Uint8Array.of(0x0a, 0x0e, 0x0a, 0x05), latin1("<unk>"), NOISE]),
      "a SentencePiece tokenizer",
    ],
    ["llama/tokenizer.model", "IQ== 0\nIg== 1\nIw== 2\n", "a list of tokens (tiktoken)"],
    ["arrays.bin", NPY, "a NumPy array"],
  ])("%s of another format is named, and fails nothing", async (name, content, what) => {
    const { code, verdicts, stdout } = await scanned(folderWith({ [name]: content, "good.pt": archive() }))
    expect(code).toBe(0)
    expect(verdicts.get(name)).toBe("not-a-model")
    expect(stdout).toContain(`${name}: not a model`)
    expect(stdout).toContain(`it looks like ${what}`)
  })

  it.each([
    ["distutils-precedence.pth", "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = True\n"],
    ["easy-install.pth", "/usr/lib/python3/dist-packages/foo\n./bar-1.0.egg\n"],
    ["__editable__.thing-0.1.pth", "import __editable___thing_finder; __editable___thing_finder.install()\n"],
    ["pkg.pth", "# comment\nsrc/pkg\n"],
  ])("%s of Python's site-packages is no model", async (name, content) => {
    const { code, skipped } = await scanned(folderWith({ [name]: content, "good.pt": archive() }))
    expect(code).toBe(0)
    expect(skipped.get(name)).toBe("not-a-model")
  })
})

describe("a compressed pickle", () => {
  it.each<[name: string, content: Uint8Array]>([
    ["model.joblib", gzipped(SYSTEM)],
    ["model.joblib.z", zlibbed(SYSTEM)],
    ["model.pkl.gz", gzipped(STACKED)],
    ["data.gz", gzipped(SYSTEM)],
    ["blob", zlibbed(STACKED)],
    ["cut.gz", gzipped(join([SYSTEM, NOISE])).subarray(0, -8)],
  ])("%s is looked into", async (name, content) => {
    const { code, stdout } = await scanned(folderWith({ [name]: content }))
    expect(code).toBe(1)
    expect(stdout).toMatch(/ dangerous {2}(?:posix\.system|builtins\.eval) /)
    expect(stdout).toContain("[compressed-pickle]")
  })

  it("is inflated to a few megabytes and not further", async () => {
    const report = await scan(gzipped(join([SYSTEM.subarray(0, -1), new Uint8Array(64 * 1024 * 1024)])))
    expect(report.verdict).toBe("refused")
    expect(report.pickles.every(({ byteLength }) => byteLength <= 4 * 1024 * 1024)).toBe(true)
  })
})

describe("archives of other files", () => {
  it.each<[name: string, content: Uint8Array, verdict: string]>([
    [
      "wheel.whl",
      buildZip({ members: [{ name: "pkg/__init__.py", data: latin1("x = 1\n") }] }),
      "not-a-model",
    ],
    ["damaged.zip", NPZ.subarray(0, -4), "not-a-model"],
    ["damaged-model.zip", archive().subarray(0, -4), "refused"],
    ["agent.zip", buildZip({ members: [{ name: "policy.pth", data: archive() }] }), "refused"],
    ["tricks.zip", buildZip({ members: [{ name: "a/notes.txt", data: SYSTEM }] }), "refused"],
    ["plain.tar", tar("notes.txt", latin1("hello")), "not-a-model"],
    ["old-model.tar", tar("pickle", SYSTEM), "refused"],
    ["holds-model.tar", tar("run/model.pt", archive()), "refused"],
  ])("%s", async (name, content, verdict) => {
    const { code, verdicts, skipped } = await scanned(folderWith({ [name]: content, "good.pt": archive() }))
    expect(code).toBe(verdict === "refused" ? 1 : 0)
    expect(verdicts.get(name) ?? skipped.get(name)).toBe(verdict)
  })
})

describe("a file that is named", () => {
  it("is not a model and fails nothing, whatever prints it", async () => {
    const folder = folderWith({ "train.py": "# Copyright\n", "image.png": PNG })
    const files = ["train.py", "image.png"].map((name) => path.join(folder, name))
    const text = await run(["scan", ...files])
    expect(text.code).toBe(0)
    expect(text.stdout).toContain("train.py: not a model, 12 B\n")
    expect(text.stdout).toContain("2 files: 0 clean, 0 refused, 2 not a model\n")
    const json = JSON.parse((await run(["scan", "--json", ...files])).stdout)
    expect(json).toMatchObject({
      verdict: "not-a-model",
      files: [{ verdict: "not-a-model" }, { verdict: "not-a-model" }],
    })
    const sarif = await run(["scan", "--sarif", ...files])
    expect(sarif.code).toBe(0)
    const levels = JSON.parse(sarif.stdout).runs[0].results.map(({ level }: { level: string }) => level)
    expect(new Set(levels)).toEqual(new Set(["note"]))
  })

  it("fails when it was meant as a model", async () => {
    const folder = folderWith({ "model.pt": TEXT })
    expect((await run(["scan", path.join(folder, "model.pt")])).code).toBe(1)
  })

  it("is called by the library as by the command", async () => {
    expect((await scan(latin1(TEXT))).verdict).toBe("not-a-model")
    expect((await scan(latin1(TEXT), { name: "model.pt" })).verdict).toBe("refused")
    expect((await scan(new File([TEXT], "model.pt"))).verdict).toBe("refused")
    expect((await scan(new File([TEXT], "notes.txt"))).verdict).toBe("not-a-model")
    expect((await scan(new File([TEXT], "model.pt"), { name: "" })).verdict).toBe("not-a-model")
    const folder = folderWith({ "model.pt": TEXT })
    expect((await scan(path.join(folder, "model.pt"))).verdict).toBe("refused")
  })
})

describe.skipIf(!posix)("what is not an ordinary file", () => {
  it("is named and counted", async () => {
    const folder = folderWith({ "good.pt": archive(), "inner/last.ckpt": archive() })
    const outside = folderWith({ "evil.pt": archive({ "archive/data.pkl": SYSTEM }), "notes.txt": TEXT })
    execFileSync("mkfifo", [path.join(folder, "pipe.pt")])
    symlinkSync(path.join(outside, "evil.pt"), path.join(folder, "link.pt"))
    symlinkSync(path.join(outside, "notes.txt"), path.join(folder, "notes.txt"))
    symlinkSync(path.join(folder, "good.pt"), path.join(folder, "inner/good.pt"))
    symlinkSync(outside, path.join(folder, "elsewhere"))
    symlinkSync(folder, path.join(folder, "inner/loop"))
    symlinkSync("nowhere.pt", path.join(folder, "broken.pt"))
    const { code, verdicts, skipped, stdout } = await scanned(folder)
    expect(code).toBe(1)
    expect(Object.fromEntries(verdicts)).toEqual({
      "good.pt": "clean",
      "inner/last.ckpt": "clean",
      "link.pt": "refused",
    })
    expect(Object.fromEntries(skipped)).toEqual({
      "broken.pt": "broken-link",
      elsewhere: "link-to-folder",
      "inner/good.pt": "symbolic-link",
      "inner/loop": "link-to-folder",
      "notes.txt": "not-a-model",
      "pipe.pt": "special-file",
    })
    expect(stdout).toContain("1 symbolic link to files that are scanned by themselves\n")
    expect(stdout).toMatch(/not followed: 3 symbolic links: \S+broken\.pt, \S+elsewhere, \S+inner\/loop\n/)
    expect(stdout).toMatch(/not read: 1 pipe, socket or device: \S+pipe\.pt\n/)
  })

  it.skipIf(!posix)("is told of when it may not be read", async () => {
    const folder = folderWith({ "good.pt": archive(), "secret.pt": archive(), "closed/model.pt": archive() })
    chmodSync(path.join(folder, "secret.pt"), 0)
    chmodSync(path.join(folder, "closed"), 0)
    chmodSync(path.dirname(folder), 0o755)
    const { code, verdicts, stderr } = await asNobody(() => scanned(folder))
    chmodSync(path.join(folder, "closed"), 0o700)
    expect(code).toBe(3)
    expect(Object.fromEntries(verdicts)).toEqual({
      closed: "read-failed",
      "good.pt": "clean",
      "secret.pt": "read-failed",
    })
    expect(stderr).toContain("secret.pt")
    expect(stderr).toContain("closed")
  })

  it("may have any name, and lie as deep as the system lets it", async () => {
    const names = [
      "-rf.pt",
      "a b.pt",
      "ünï-🙂.pt",
      "new\nline.pt",
      'quote".pt',
      "\u202eevil.pt",
      "::error::x.pt",
    ]
    const folder = folderWith(Object.fromEntries(names.map((name) => [name, archive()])))
    let deep = folder
    for (let level = 0; level < 300; level++) {
      deep = path.join(deep, "d")
      mkdirSync(deep)
    }
    writeFileSync(path.join(deep, "model.pt"), archive({ "archive/data.pkl": SYSTEM }))
    writeFileSync(
      Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xfc, 0x72]), Buffer.from(".pt")]),
      archive(),
    )
    writeFileSync(
      Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xe9]), Buffer.from(".jpg")]),
      "picture",
    )
    const { code, verdicts, skipped, stderr } = await scanned(folder)
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" })
    expect(verdicts.size).toBe(names.length + 2)
    expect([...verdicts.values()].filter((verdict) => verdict === "clean")).toHaveLength(names.length + 1)
    expect(verdicts.get("f\ufffdr.pt")).toBe("clean")
    expect(skipped.get("\ufffd.jpg")).toBe("not-a-model")
  })
})

describe("the source trees of this machine", () => {
  const packages = path.resolve("node_modules/typescript/lib")

  it.skipIf(!existsSync(packages))("have no archive or named file in them that is refused", async () => {
    const { stdout } = await run(["scan", packages, "--json"])
    const { files, skipped }: Log = JSON.parse(stdout)
    const alarms = files.filter(
      (file) => "format" in file && file.format !== "pickle" && file.verdict === "refused",
    )
    expect(alarms).toEqual([])
    expect(files.length + skipped.length).toBeGreaterThan(50)
  })
})
