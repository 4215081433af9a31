/**
 * Every command that a message prints is run, in the folder that it was printed in, and does what it is printed for. Each
 * starts a process: `npm test` takes an eighth of them, a deep run all.
 */

import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { toSafetensorsBytes } from "../../src/node/index.ts"
import { buildZip, text } from "../archive/zip-builder.ts"
import { DEEP, sampled } from "../depth.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { hex, latin1, pickle2 } from "../pickle/assemble.ts"
import { filesIn, SMALL_CHECKPOINT } from "../torch/small-checkpoint.ts"
import { tarOf } from "../torch/tar-file.ts"
import { buildCli } from "./build-cli.ts"
import { run } from "./run.ts"

const newFolder = temporaryFolders()
const { bytes: EXPECTED } = await toSafetensorsBytes(SMALL_CHECKPOINT)

let path = ""
beforeAll(async () => {
  const folder = newFolder()
  const script = await buildCli(folder)
  mkdirSync(join(folder, "bin"))
  const command = join(folder, "bin", "tosafetensors")
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`)
  chmodSync(command, 0o755)
  path = `${join(folder, "bin")}:${process.env["PATH"]}`
}, 60_000)

interface Ended {
  readonly code: number | null
  readonly text: string
}

function shell(command: string, cwd: string): Ended {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
    cwd,
    env: { ...process.env, PATH: path },
    encoding: "utf8",
  })
  return { code: status, text: stdout + stderr }
}

/** What a message prints to be run. */
function commandsIn(message: string): readonly string[] {
  const lines = message.split("\n")
  const first = lines.findIndex((line) => line.startsWith("  run   "))
  if (first < 0) return []
  const rest = lines.slice(first + 1)
  const end = rest.findIndex((line) => !line.startsWith("        "))
  return [lines[first] ?? "", ...(end < 0 ? rest : rest.slice(0, end))].map((line) => line.slice(8))
}

/** Writes files into a new folder. */
function folderWith(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = newFolder()
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), bytes)
  }
  return folder
}

interface Case {
  readonly name: string
  readonly files: Readonly<Record<string, Uint8Array>>
  /** As it is typed. */
  readonly command: string
  readonly code?: number
  readonly says: readonly string[]
  readonly runs: readonly string[]
  /** Tools that the commands need besides this one. */
  readonly needs?: readonly string[]
  /** A file that holds the converted checkpoint afterwards. */
  readonly makes?: readonly string[]
  /** How the last command ends. */
  readonly ends?: number
}

const HAS = (tool: string): boolean => spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0

const replaced = (start: Uint8Array): Uint8Array => {
  const bytes = SMALL_CHECKPOINT.slice()
  bytes.set(start)
  return bytes
}

const zipOf = (files: Readonly<Record<string, Uint8Array>>): Uint8Array =>
  buildZip({ members: Object.entries(files).map(([name, data]) => ({ name, data })) })

const SB3 = zipOf({
  data: text("{}"),
  "policy.optimizer.pth": SMALL_CHECKPOINT,
  "policy.pth": SMALL_CHECKPOINT,
  _stable_baselines3_version: text("2.0"),
})

const INDEX = text(JSON.stringify({ weight_map: { w: "m-1-of-2.bin", v: "m-2-of-2.bin" } }))

const CASES: readonly Case[] = [
  {
    name: "PK replaced by a version",
    files: { "voice.pth": replaced(text("05")) },
    command: "tosafetensors voice.pth -o out.safetensors",
    says: ["zip-signature", "a PyTorch checkpoint whose first 2 bytes"],
    runs: [
      "cp voice.pth voice-fixed.pth",
      "printf 'PK' | dd of=voice-fixed.pth bs=1 count=2 conv=notrunc",
      "tosafetensors voice-fixed.pth",
    ],
    makes: ["voice-fixed.safetensors"],
  },
  {
    name: "all of the signature replaced, in a folder with blanks, beside a copy",
    files: { "my models/it's.pt": replaced(hex("ff ff ff ff")), "my models/it's-fixed.pt": text("") },
    command: `tosafetensors "my models/it's.pt"`,
    says: ["ff ff ff ff in place of 50 4b 03 04"],
    runs: [
      "cp 'my models/it'\\''s.pt' 'my models/it'\\''s-fixed-2.pt'",
      "printf 'PK\\003\\004' | dd of='my models/it'\\''s-fixed-2.pt' bs=1 count=4 conv=notrunc",
      "tosafetensors 'my models/it'\\''s-fixed-2.pt'",
    ],
    makes: ["my models/it's-fixed-2.safetensors"],
  },
  {
    name: "an unpacked archive",
    files: filesIn("unpacked/model/"),
    command: "tosafetensors unpacked/model",
    code: 3,
    says: [
      '"unpacked/model" is an unpacked checkpoint: data.pkl, and 1 file of weights',
      'so the file was probably "model.pt"',
    ],
    runs: ["(cd unpacked && zip -q -0 -r model.pt model)", "tosafetensors unpacked/model.pt"],
    needs: ["zip"],
    makes: ["unpacked/model.safetensors"],
  },
  {
    name: "an unpacked archive, inspected with a slash behind it",
    files: filesIn("archive/"),
    command: "tosafetensors inspect archive/",
    code: 3,
    says: ["read-failed"],
    runs: ["zip -q -0 -r archive.pt archive", "tosafetensors archive.pt"],
    needs: ["zip"],
    makes: ["archive.safetensors"],
  },
  {
    name: "the folder above an unpacked archive",
    files: filesIn("odd name/-model/"),
    command: "tosafetensors 'odd name'",
    code: 3,
    says: ['"odd name/-model" is an unpacked checkpoint'],
    runs: ["(cd 'odd name' && zip -q -0 -r ./-model.pt ./-model)", "tosafetensors 'odd name/-model.pt'"],
    needs: ["zip"],
    makes: ["odd name/-model.safetensors"],
  },
  {
    name: "an unpacked archive beside the file that it is from",
    files: { ...filesIn("model/"), "model.ckpt": SMALL_CHECKPOINT },
    command: "tosafetensors model",
    code: 3,
    says: ['so it is probably from "model.ckpt"'],
    runs: ["tosafetensors model.ckpt"],
    makes: ["model.safetensors"],
  },
  {
    name: "data.pkl in its folder",
    files: filesIn("model/"),
    command: "tosafetensors model/data.pkl",
    says: ["this is the data.pkl of an unpacked PyTorch checkpoint"],
    runs: ["zip -q -0 -r model.pt model", "tosafetensors model.pt"],
    needs: ["zip"],
    makes: ["model.safetensors"],
  },
  {
    name: "data.pkl beside the archive that it is from",
    files: {
      "data.pkl": filesIn("")["data.pkl"] as Uint8Array,
      "a.pt": text("no"),
      "net.pth": SMALL_CHECKPOINT,
    },
    command: "tosafetensors data.pkl",
    says: ['"net.pth" beside it holds a data.pkl of the same length'],
    runs: ["tosafetensors net.pth"],
    makes: ["net.safetensors"],
  },
  {
    name: "data.pkl alone",
    files: { "data.pkl": filesIn("")["data.pkl"] as Uint8Array },
    command: "tosafetensors data.pkl",
    says: ["The weights lie in the checkpoint (.pt, .pth, .bin) that it was unpacked from"],
    runs: [],
  },
  {
    name: "a zip of checkpoints",
    files: { "ppo/agent.zip": SB3 },
    command: "tosafetensors ppo/agent.zip",
    says: ["holds-checkpoints", "a model of Stable-Baselines3 that holds 2 checkpoints", "policy.pth"],
    runs: ["unzip -q -d ppo/agent ppo/agent.zip", "tosafetensors ppo/agent/policy.pth"],
    needs: ["unzip"],
    makes: ["ppo/agent/policy.safetensors"],
  },
  {
    name: "a zip of checkpoints, beside a folder of its name",
    files: { "agent.zip": SB3, "agent/notes.txt": text("") },
    command: "tosafetensors inspect agent.zip",
    says: ["holds-checkpoints"],
    runs: ["unzip -q -d agent-2 agent.zip", "tosafetensors agent-2/policy.pth"],
    needs: ["unzip"],
    makes: ["agent-2/policy.safetensors"],
  },
  {
    name: "a zip of a folder with a model, whose name means something to a shell",
    files: {
      "m.zip": zipOf({
        "$(touch pwned)/config.json": text("{}"),
        "$(touch pwned)/pytorch_model.bin": SMALL_CHECKPOINT,
      }),
    },
    command: "tosafetensors m.zip",
    says: ["holds a checkpoint"],
    runs: ["unzip -q -d m m.zip", "tosafetensors 'm/$(touch pwned)/pytorch_model.bin'"],
    needs: ["unzip"],
    makes: ["m/$(touch pwned)/pytorch_model.safetensors"],
  },
  {
    name: "a zip with an empty checkpoint",
    files: { "x.mar": zipOf({ "model.pt": text(""), "MAR-INF/MANIFEST.json": text("{}") }) },
    command: "tosafetensors x.mar",
    says: ["The checkpoint in it is empty"],
    runs: [],
  },
  {
    name: "a zip of a safetensors file",
    files: { "x.zip": zipOf({ "model.safetensors": EXPECTED }) },
    command: "tosafetensors x.zip",
    says: ["holds a checkpoint"],
    runs: ["unzip -q -d x x.zip", "tosafetensors verify x/model.safetensors"],
    needs: ["unzip"],
  },
  {
    name: "a checkpoint that was packed without its folder",
    files: { "model.zip": zipOf(filesIn("")) },
    command: "tosafetensors model.zip",
    says: ["zip-layout", "the files of a checkpoint in no folder"],
    runs: ["unzip -q -d model model.zip", "zip -q -0 -r model.pt model", "tosafetensors model.pt"],
    needs: ["unzip", "zip"],
    makes: ["model.safetensors"],
  },
  {
    name: "a checkpoint that was packed with a folder too many",
    files: { "in/model.zip": zipOf(filesIn("backup/model/")) },
    command: "tosafetensors in/model.zip",
    says: ['in the folder "backup/model"'],
    runs: [
      "unzip -q -d in/model in/model.zip",
      "(cd in/model/backup && zip -q -0 -r model.pt model)",
      "tosafetensors in/model/backup/model.pt",
    ],
    needs: ["unzip", "zip"],
    makes: ["in/model/backup/model.safetensors"],
  },
  {
    name: "a tar of checkpoints",
    files: {
      "asr.nemo": tarOf([
        { name: "./model_config.yaml" },
        { name: "./model_weights.ckpt", data: SMALL_CHECKPOINT },
      ]),
    },
    command: "tosafetensors asr.nemo",
    says: ["a NeMo archive that holds a checkpoint"],
    runs: [
      "mkdir asr.nemo-unpacked",
      "tar -xf asr.nemo -C asr.nemo-unpacked",
      "tosafetensors asr.nemo-unpacked/model_weights.ckpt",
    ],
    needs: ["tar"],
    makes: ["asr.nemo-unpacked/model_weights.safetensors"],
  },
  {
    name: "a gzip file",
    files: { "model.pth.gz": gzipSync(SMALL_CHECKPOINT) },
    command: "tosafetensors model.pth.gz",
    says: ["a gzip file"],
    runs: ["gzip -dc model.pth.gz > model.pth", "tosafetensors model.pth"],
    needs: ["gzip"],
    makes: ["model.safetensors"],
  },
  {
    name: "a gzip file by no name, beside what it would make",
    files: { "model.pth": gzipSync(SMALL_CHECKPOINT), "model.pth.unpacked": text("") },
    command: "tosafetensors model.pth",
    says: ["a gzip file"],
    runs: ["gzip -dc model.pth > model.pth-2.unpacked", "tosafetensors model.pth-2.unpacked"],
    needs: ["gzip"],
    makes: ["model.pth-2.unpacked.safetensors"],
  },
  {
    name: "a packed tar",
    files: { "m.tar.gz": gzipSync(tarOf([{ name: "m.pt", data: SMALL_CHECKPOINT }])) },
    command: "tosafetensors m.tar.gz",
    says: ["Unpack it"],
    runs: ["tar -xf m.tar.gz"],
    needs: ["tar", "gzip"],
  },
  {
    name: "a safetensors file to convert",
    files: { "adapter.safetensors": EXPECTED },
    command: "tosafetensors adapter.safetensors --rename a.= -o out.safetensors",
    says: ["this is a safetensors file already", "There is nothing to convert"],
    runs: ["tosafetensors verify adapter.safetensors"],
  },
  {
    name: "a safetensors file to convert to its own name",
    files: { "adapter.safetensors": EXPECTED },
    command: "tosafetensors adapter.safetensors",
    says: ["this is a safetensors file already"],
    runs: ["tosafetensors verify adapter.safetensors"],
  },
  {
    name: "a safetensors file to inspect, by another name",
    files: { "-model.bin": EXPECTED },
    command: "tosafetensors inspect -- -model.bin",
    says: ["this is a safetensors file already"],
    runs: ["tosafetensors verify ./-model.bin"],
  },
  {
    name: "verify in the wrong order",
    files: { "m.pt": SMALL_CHECKPOINT, "m.safetensors": EXPECTED },
    command: "tosafetensors verify m.pt m.safetensors",
    says: ["m.pt is not valid: it is a PyTorch checkpoint", "The safetensors file is named first"],
    runs: ["tosafetensors verify m.safetensors m.pt"],
  },
  {
    name: "verify of a checkpoint that was converted",
    files: { "m.pt": SMALL_CHECKPOINT, "m.safetensors": EXPECTED },
    command: "tosafetensors verify m.pt",
    says: ["name that first"],
    runs: ["tosafetensors verify m.safetensors m.pt"],
  },
  {
    name: "verify of a checkpoint that was not converted",
    files: { "m.pt": SMALL_CHECKPOINT },
    command: "tosafetensors verify m.pt",
    says: ["There is nothing to verify before it is converted"],
    runs: ["tosafetensors m.pt"],
    makes: ["m.safetensors"],
  },
  {
    name: "verify of two checkpoints",
    files: { "m.pt": SMALL_CHECKPOINT, "n.pt": SMALL_CHECKPOINT },
    command: "tosafetensors verify m.pt n.pt",
    says: ["Name the safetensors file first"],
    runs: [],
  },
  {
    name: "verify of two safetensors files",
    files: { "m.safetensors": EXPECTED },
    command: "tosafetensors verify m.safetensors m.safetensors",
    says: ["The second argument must be the checkpoint"],
    runs: [],
  },
  {
    name: "a folder of checkpoints",
    files: {
      "hub/m-1-of-2.bin": SMALL_CHECKPOINT,
      "hub/m-2-of-2.bin": SMALL_CHECKPOINT,
      "hub/config.json": text("{}"),
    },
    command: "tosafetensors hub",
    code: 3,
    says: ["It holds 2 files that may be checkpoints"],
    runs: ['for f in hub/m-1-of-2.bin hub/m-2-of-2.bin; do tosafetensors "$f"; done'],
    makes: ["hub/m-1-of-2.safetensors", "hub/m-2-of-2.safetensors"],
  },
  {
    name: "a folder of many checkpoints",
    files: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`hub/m-${i}.bin`, SMALL_CHECKPOINT])),
    command: "tosafetensors inspect hub/",
    code: 3,
    says: ["It holds 12 files"],
    runs: ['for f in hub/m-*.bin; do tosafetensors "$f"; done'],
    makes: ["hub/m-0.safetensors", "hub/m-11.safetensors"],
  },
  {
    name: "a folder with one checkpoint",
    files: { "hub/pytorch_model.bin": SMALL_CHECKPOINT, "hub/model.safetensors": EXPECTED },
    command: "tosafetensors hub",
    code: 3,
    says: ["1 file in it is safetensors already", "1 file that may be a checkpoint"],
    runs: ["tosafetensors hub/pytorch_model.bin"],
    makes: ["hub/pytorch_model.safetensors"],
  },
  {
    name: "a folder without one",
    files: { "docs/a.txt": text("") },
    command: "tosafetensors docs",
    code: 3,
    says: ["None of the files in this folder has a name that checkpoints have"],
    runs: [],
  },
  {
    name: "an index of shards",
    files: {
      "hub/i.json": INDEX,
      "hub/m-1-of-2.bin": SMALL_CHECKPOINT,
      "hub/m-2-of-2.bin": SMALL_CHECKPOINT,
    },
    command: "tosafetensors hub/i.json",
    says: ["the index of a model in several files: m-1-of-2.bin and 1 more"],
    runs: ['for f in hub/m-1-of-2.bin hub/m-2-of-2.bin; do tosafetensors "$f"; done'],
    makes: ["hub/m-1-of-2.safetensors", "hub/m-2-of-2.safetensors"],
  },
  {
    name: "an index whose shards are not there",
    files: { "i.json": INDEX, "m-1-of-2.bin": SMALL_CHECKPOINT },
    command: "tosafetensors i.json",
    says: ["1 of the 2 files that it names are not in its folder"],
    runs: ["tosafetensors m-1-of-2.bin"],
    makes: ["m-1-of-2.safetensors"],
  },
  {
    name: "a plain pickle",
    files: { "x.pkl": pickle2(["GLOBAL", "torch.storage", "_load_from_bytes"]) },
    command: "tosafetensors x.pkl",
    says: ["a pickle of tensors that pickle.dump wrote"],
    runs: ["tosafetensors scan x.pkl"],
    // It is refused, which is what it was to tell.
    ends: 1,
  },
  {
    name: "a Git LFS pointer",
    files: {
      "hub/m.bin": latin1(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 438007537\n`,
      ),
    },
    command: "tosafetensors hub/m.bin",
    says: ["a Git LFS pointer: the file itself, of 438007537 bytes", "(438 MB)"],
    runs: ["git -C hub lfs pull --include m.bin"],
    needs: ["git", "git-lfs"],
  },
  {
    name: "a name that is mistyped",
    files: { "models/checkpoint.pth": SMALL_CHECKPOINT },
    command: "tosafetensors models/chekpoint.pth",
    code: 3,
    says: ['Did you mean "models/checkpoint.pth"?'],
    runs: ["tosafetensors models/checkpoint.pth"],
    makes: ["models/checkpoint.safetensors"],
  },
  {
    name: "a name in other capitals, inspected",
    files: { "Model.pt": SMALL_CHECKPOINT },
    command: "tosafetensors inspect model.PT",
    code: 3,
    says: ['Did you mean "Model.pt"?'],
    runs: ["tosafetensors inspect Model.pt"],
  },
  {
    name: "a folder that is not there",
    files: {},
    command: "tosafetensors nowhere/model.pt",
    code: 3,
    says: ['could not read "nowhere/model.pt"', 'There is no folder "nowhere"'],
    runs: [],
  },
  {
    name: "a command that is mistyped",
    files: { "m.pt": SMALL_CHECKPOINT },
    command: "tosafetensors insepct m.pt --json",
    code: 2,
    says: ['there is no command "insepct"', "Did you mean inspect?"],
    runs: ["tosafetensors inspect m.pt --json"],
  },
  {
    name: "a command that is mistyped, alone",
    files: {},
    command: "tosafetensors verfy",
    code: 3,
    says: ["Did you mean the command verify?"],
    runs: ["tosafetensors verify --help"],
  },
  {
    name: "the word convert",
    files: { "m.pt": SMALL_CHECKPOINT },
    command: "tosafetensors convert m.pt -o 'out put.safetensors'",
    code: 2,
    says: ["Converting needs no command"],
    runs: ["tosafetensors m.pt -o 'out put.safetensors'"],
    makes: ["out put.safetensors"],
  },
  {
    name: "an output without -o",
    files: { "m.pt": SMALL_CHECKPOINT },
    command: "tosafetensors m.pt out.safetensors",
    code: 2,
    says: ["The output is named with -o"],
    runs: ["tosafetensors m.pt -o out.safetensors"],
    makes: ["out.safetensors"],
  },
  {
    name: "two checkpoints",
    files: { "m.pt": SMALL_CHECKPOINT, "n o.pt": SMALL_CHECKPOINT },
    command: "tosafetensors m.pt 'n o.pt'",
    code: 2,
    says: ["One after the other"],
    runs: [`for f in m.pt 'n o.pt'; do tosafetensors "$f"; done`],
    makes: ["m.safetensors", "n o.safetensors"],
  },
  {
    name: "a name that begins with a dash",
    files: { "-m.pt": SMALL_CHECKPOINT },
    command: "tosafetensors -m.pt",
    code: 2,
    says: ['A file whose name begins with a dash is written "./-m.pt"'],
    runs: ["tosafetensors ./-m.pt"],
    makes: ["-m.safetensors"],
  },
]

describe("what is printed to be run", () => {
  it.each(sampled(CASES, 6))(
    "does what it is printed for: $name",
    ({ files, command, code = 1, says, runs, ...then }) => {
      const folder = folderWith(files)
      const { code: ended, text: message } = shell(command, folder)
      for (const words of says) expect(message).toContain(words)
      const commands = commandsIn(message)
      expect(commands).toEqual(runs)
      expect(ended).toBe(code)
      // What a machine does not have is not run on it.
      if (!(then.needs ?? []).every(HAS)) return
      for (const [index, each] of commands.entries()) {
        const { code: status, text: output } = shell(each, folder)
        const isLast = index === commands.length - 1
        expect({ each, output, status }).toMatchObject({ status: isLast ? (then.ends ?? 0) : 0 })
      }
      for (const made of then.makes ?? [])
        expect(Buffer.compare(readFileSync(join(folder, made)), EXPECTED)).toBe(0)
      expect(existsSync(join(folder, "pwned"))).toBe(false)
    },
  )

  it("is in the JSON as well", () => {
    const folder = folderWith({ "agent.zip": SB3 })
    const { text: output } = shell("tosafetensors agent.zip --json 2>&-", folder)
    const { error } = JSON.parse(output)
    expect(error).toMatchObject({
      code: "holds-checkpoints",
      commands: ["unzip -q -d agent agent.zip", "tosafetensors agent/policy.pth"],
      detail: { count: 2, files: [{ name: "policy.optimizer.pth" }, { name: "policy.pth" }] },
    })
  })

  it("is nothing where a name does not show as it is, and in an isolated process", () => {
    const folder = folderWith({ "a\u001b[31m.pth": replaced(text("05")), "m.pth": replaced(text("05")) })
    const ended = shell("tosafetensors a*", folder)
    expect(ended.text).toContain("zip-signature")
    expect(commandsIn(ended.text)).toEqual([])
    if (!DEEP) return
    const isolated = shell("tosafetensors m.pth --isolate", folder)
    expect(isolated.text).toContain("zip-signature")
    expect(commandsIn(isolated.text)).toEqual([])
  })

  it("fits into 80 columns, but for what is copied", async () => {
    const before = process.cwd()
    onTestFinished(() => process.chdir(before))
    for (const { files, command } of sampled(CASES, 16)) {
      process.chdir(folderWith(files))
      const argv = Array.from(
        command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g),
        ([, a, b, c]) => a ?? b ?? c ?? "",
      )
      const { stdout, stderr } = await run(argv.slice(1), { columns: 80 })
      const commands = commandsIn(stdout + stderr)
      const words = (stdout + stderr).split("\n").filter((line) => !commands.includes(line.slice(8)))
      expect(words.filter((line) => line.length > 80 && !line.startsWith("Usage: "))).toEqual([])
    }
  })
})
