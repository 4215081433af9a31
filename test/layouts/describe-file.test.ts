/** What is said of files that are no checkpoints, and of archives that hold some. */

import { describe, expect, it } from "vitest"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import type { AnyCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { readCheckpoint } from "../../src/layouts/table.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { buildZip, join, type MemberSpec, text } from "../archive/zip-builder.ts"
import { assemble, hex, latin1, littleEndian, pickle2 } from "../pickle/assemble.ts"
import { CHECKPOINT_FILES, DATA_PKL, filesIn, SMALL_CHECKPOINT } from "../torch/small-checkpoint.ts"
import { refusedAsync } from "../torch/support.ts"
import { tarOf } from "../torch/tar-file.ts"

function refusal(bytes: Uint8Array): Promise<AnyCheckpointError> {
  const options = { limits: DEFAULT_LIMITS, crc32: () => 0, signal: undefined, byteOrder: undefined }
  return refusedAsync(readCheckpoint(storeOfOne(memorySource(bytes)), options))
}

const zipOf = (...names: readonly (string | MemberSpec)[]): Uint8Array =>
  buildZip({
    members: names.map((name) => (typeof name === "string" ? { name, data: text("content") } : name)),
  })

describe("a file that is no checkpoint", () => {
  it.each<[kind: string, what: string, bytes: Uint8Array]>([
    ["empty", "an empty file", hex("")],
    ["zeros", "a file of zeros", new Uint8Array(4096)],
    ["gzip", "a gzip file", hex("1f 8b 08 00")],
    ["bzip2", "a bzip2 file", latin1("BZh91AY&SY")],
    ["xz", "an xz file", hex("fd 37 7a 58 5a 00")],
    ["zstd", "a Zstandard file", hex("28 b5 2f fd")],
    ["7z", "a 7z archive", hex("37 7a bc af 27 1c")],
    ["rar", "a RAR archive", latin1("Rar!\x1a\x07\x00")],
    ["numpy", "a NumPy array", latin1("\x93NUMPY\x01\x00")],
    ["hdf5", "an HDF5 file", hex("89 48 44 46 0d 0a 1a 0a")],
    ["gguf", "a GGUF file", latin1("GGUF\x03\0\0\0")],
    ["ggml", "a GGML file", latin1("lmgg\x01\0\0\0")],
    ["ggml", "a GGML file", latin1("tjgg\x03\0\0\0")],
    ["onnx", "an ONNX model", join(hex("08 08 12 07"), latin1("pytorch"), hex("1a 05"))],
    ["onnx", "an ONNX model", join(hex("08 04 12 05"), latin1("tf2onnx"))],
    ["tensorflow", "a TensorFlow SavedModel", hex("08 01 12 c4 02 0a")],
    ["tensorflow", "a TensorFlow Lite model", join(hex("1c 00 00 00"), latin1("TFL3"))],
    ["msgpack", "a MessagePack file (Flax)", join(hex("83 a6"), latin1("params"), hex("81"))],
    ["msgpack", "a MessagePack file (Flax)", join(hex("de 00 20 a5"), latin1("layer"))],
    ["html", "a web page", latin1("\n\n  <!DOCTYPE html><html>")],
    ["html", "a web page", join(hex("ef bb bf"), latin1("<HTML lang=en>"))],
    ["html", "a web page", latin1("<head><title>403</title>")],
    ["pdf", "a PDF", latin1("%PDF-1.7")],
    ["text", "an XML file", latin1("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>")],
    ["text", "a text file", text("Entry not found: modèle\n")],
    ["json", "a JSON file", latin1('{"model_type": "llama"}')],
    ["json", "a JSON file", latin1(' [{"id": 0}]')],
    ["json", "a JSON file", latin1('{"weight_map": {}}')],
    ["unknown", "a PNG image", hex("89 50 4e 47 0d 0a 1a 0a 00")],
    ["unknown", "no format that is known here", hex("ff fe 00 01")],
  ])("is named: %s, %s", async (kind, what, bytes) => {
    const error = await refusal(bytes)
    expect(error).toMatchObject({ code: "not-a-checkpoint", detail: { kind } })
    expect(error.message).toContain(what)
    expect(error.nextStep).not.toContain("--")
  })

  it.each<[what: string, bytes: Uint8Array]>([
    ["a joblib file", assemble(["PROTO", 3], ["GLOBAL", "joblib.numpy_pickle", "NumpyArrayWrapper"])],
    [
      "a pickled scikit-learn model",
      pickle2(["GLOBAL", "sklearn.svm._classes", "SVC"], "EMPTY_TUPLE", "REDUCE"),
    ],
    ["a pickle of tensors that pickle.dump wrote", pickle2(["GLOBAL", "torch.storage", "_load_from_bytes"])],
    [
      "a pickle of tensors that pickle.dump wrote",
      assemble(
        ["PROTO", 4],
        ["SHORT_BINUNICODE", "torch.storage"],
        ["SHORT_BINUNICODE", "_load_from_bytes"],
        "STACK_GLOBAL",
        "STOP",
      ),
    ],
    ["a pickle of NumPy arrays", pickle2(["GLOBAL", "numpy.core.multiarray", "_reconstruct"])],
    ["a plain pickle", pickle2("NONE")],
    // A word of data is no storage, and a name of another pickler's is none either.
    ["a plain pickle", pickle2(["BINUNICODE", "storage"])],
    ["a plain pickle", pickle2(["BINUNICODE", "other"], "BINPERSID")],
  ])("is a pickle, which nobody is told to load: %s", async (what, bytes) => {
    const error = await refusal(bytes)
    expect(error).toMatchObject({ code: "not-a-checkpoint", detail: { kind: "pickle" } })
    expect(error.message).toContain(what)
    expect(error.nextStep).toContain("`scan`")
    expect(error.nextStep).not.toMatch(/torch\.load|pickle\.load/)
  })

  it("that another pickle lies in is not taken for what lies in it", async () => {
    const inner = pickle2(
      ["GLOBAL", "torch.storage", "_load_from_bytes"],
      ["BINBYTES", DATA_PKL],
      "TUPLE1",
      "REDUCE",
    )
    expect((await refusal(inner)).detail).toMatchObject({ kind: "pickle" })
  })

  const storages: readonly [string, Uint8Array][] = [
    ["of protocol 2", DATA_PKL],
    ["of protocol 4", join(hex("80 04"), DATA_PKL.subarray(2))],
    ["cut off behind its first storage", DATA_PKL.subarray(0, DATA_PKL.indexOf(0x51) + 1)],
    [
      "with much before its first storage",
      pickle2(["BINUNICODE", "x".repeat(100_000)], ["BINUNICODE", "storage"], "TUPLE1", "BINPERSID"),
    ],
    [
      "with names from the memo",
      pickle2(["BINUNICODE", "storage"], ["BINPUT", 0], "POP", ["BINGET", 0], "TUPLE1", "BINPERSID"),
    ],
  ]
  it.each(storages)("is the data.pkl of an archive, %s", async (_, bytes) => {
    const error = await refusal(bytes)
    expect(error).toMatchObject({ code: "not-a-checkpoint", detail: { kind: "pickled-storages" } })
    expect(error.message).toContain("this is the data.pkl of an unpacked PyTorch checkpoint")
  })

  it.each([
    ["", "\n"],
    ["as Windows writes it", "\r\n"],
  ])("is a Git LFS pointer %s, and says what it stands for", async (_, end) => {
    const sha256 = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    const lines = ["version https://git-lfs.github.com/spec/v1", `oid sha256:${sha256}`, "size 438007537", ""]
    const error = await refusal(latin1(lines.join(end)))
    expect(error.detail).toMatchObject({ kind: "lfs-pointer", pointsTo: { sha256, byteLength: 438_007_537 } })
    expect(error.message).toContain("438007537 bytes")
  })

  it("is a Git LFS pointer of the time before, with extensions, or cut off", async () => {
    for (const lines of [
      ["version https://hawser.github.com/spec/v1", `oid sha256:${"0".repeat(64)}`, "size 1"],
      ["version https://git-lfs.github.com/spec/v1", `ext-0-foo sha256:${"1".repeat(64)}`, "size 12"],
      ["version https://git-lfs.github.com/spec/v1"],
    ]) {
      expect((await refusal(latin1(lines.join("\n")))).detail).toMatchObject({ kind: "lfs-pointer" })
    }
  })

  it("is an index of shards, and names them", async () => {
    const names = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    const index = JSON.stringify(
      { metadata: {}, weight_map: { a: names[0], b: names[1], c: names[0] } },
      null,
      1,
    )
    const error = await refusal(text(index))
    expect(error.detail).toMatchObject({ kind: "shard-index", shards: names })
    expect(error.message).toContain(`${names[0]} and 1 more`)
  })

  it("is an index, whose names command nothing", async () => {
    const error = await refusal(text('{"weight_map": {"a": "\u202Ex\u001b[31m.bin"}}'))
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })
})

describe("an archive whose first bytes were written over", () => {
  const SIZES: readonly [string, string, string][] = [
    ["GPT-SoVITS v2Pro", "30 35", '"05" in place of "PK"'],
    ["GPT-SoVITS v2ProPlus", "30 36", '"06" in place of "PK"'],
    ["zeros", "00 00", "00 00 in place of 50 4b"],
    ["a pickle's protocol", "80 02", "80 02 in place of 50 4b"],
    ["one letter", "50 6b", '"Pk" in place of "PK"'],
    ["all four", "de ad be ef", "de ad be ef in place of 50 4b 03 04"],
    ["XOR", "af b4 fc fb", "af b4 fc fb in place of 50 4b 03 04"],
    ["another record's", "50 4b 07 08", "50 4b 07 08 in place of 50 4b 03 04"],
  ]
  it.each(SIZES)("is named: %s", async (_, found, words) => {
    const bytes = SMALL_CHECKPOINT.slice()
    bytes.set(hex(found))
    const error = await refusal(bytes)
    expect(error).toMatchObject({ code: "zip-signature", detail: { found } })
    expect(error.message).toContain(`this is a PyTorch checkpoint whose first`)
    expect(error.message).toContain(words)
  })

  it("is none where more is wrong, or nothing is known", async () => {
    for (const bytes of [
      join(text("PK00"), SMALL_CHECKPOINT),
      join(text("0"), SMALL_CHECKPOINT.subarray(2)),
      join(text("05\x03\x05"), SMALL_CHECKPOINT.subarray(4)).fill(0xff, 4, 30),
      join(text("05"), SMALL_CHECKPOINT.subarray(2, -1)),
      text("05"),
    ]) {
      expect((await refusal(bytes)).code).toBe("not-a-checkpoint")
    }
  })

  it("is called a zip archive where it holds no checkpoint", async () => {
    const bytes = zipOf("notes.txt")
    bytes.set(text("XY"))
    expect((await refusal(bytes)).message).toContain('this is a zip archive whose first 2 bytes are "XY"')
  })
})

describe("an archive of files", () => {
  const HOLDERS: readonly [what: string, files: readonly (string | MemberSpec)[], held: readonly string[]][] =
    [
      [
        "a model of Stable-Baselines3",
        ["data", "pytorch_variables.pth", "policy.pth", "policy.optimizer.pth", "_stable_baselines3_version"],
        ["pytorch_variables.pth", "policy.pth", "policy.optimizer.pth"],
      ],
      [
        "a TorchServe archive (.mar)",
        [{ name: "model.pt", data: SMALL_CHECKPOINT, method: 8 }, "service.py", "MAR-INF/MANIFEST.json"],
        ["model.pt"],
      ],
      ["a zip archive", ["model.PTH"], ["model.PTH"]],
      [
        "a zip archive",
        ["bert/config.json", "bert/pytorch_model.bin", "bert/vocab.txt"],
        ["bert/pytorch_model.bin"],
      ],
      ["a zip archive", ["a/b/c/epoch=3.ckpt", "a/b/d/last.ckpt"], ["a/b/c/epoch=3.ckpt", "a/b/d/last.ckpt"]],
      [
        "a zip archive",
        ["x.pth.tar", "model.safetensors", "__MACOSX/._x.pth"],
        ["x.pth.tar", "model.safetensors"],
      ],
      ["a Python wheel (.whl)", ["lpips/alex.pth", "lpips-0.1.dist-info/WHEEL"], ["lpips/alex.pth"]],
    ]
  it.each(HOLDERS)("that holds checkpoints lists them: %s %j", async (what, files, held) => {
    const error = await refusal(zipOf(...files))
    expect(error).toMatchObject({
      code: "holds-checkpoints",
      detail: { container: "zip", what, count: held.length },
    })
    expect(error.detail).toMatchObject({ files: held.map((name) => ({ name })) })
    for (const name of held) expect(error.message).toContain(name)
  })

  it.each<[what: string, kind: string, files: readonly string[]]>([
    ["an Office document", "archive", ["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"]],
    ["NumPy arrays (.npz)", "numpy", ["arr_0.npy", "weights/b.npy"]],
    ["a Java archive (.jar)", "archive", ["META-INF/MANIFEST.MF", "A.class"]],
    ["an Android app (.apk)", "archive", ["AndroidManifest.xml", "META-INF/MANIFEST.MF", "assets/x.bin"]],
    ["a Python wheel (.whl)", "archive", ["x/__init__.py", "x-1.dist-info/WHEEL"]],
    ["a Keras model (.keras)", "archive", ["metadata.json", "config.json", "model.weights.h5"]],
    ["an OpenDocument or EPUB file", "archive", ["mimetype", "content.xml"]],
  ])("without a checkpoint is named: %s", async (what, kind, files) => {
    const error = await refusal(zipOf(...files))
    expect(error).toMatchObject({ code: "not-a-checkpoint", detail: { kind } })
    expect(error.message).toContain(what)
  })

  const REPACKED: readonly [folder: string, files: Readonly<Record<string, Uint8Array>>][] = [
    ["", CHECKPOINT_FILES],
    ["x/model/", filesIn("x/model/")],
    ["a/b/archive/", filesIn("a/b/archive/")],
    ["model/", { "__MACOSX/model/._data.pkl": text("Mac"), ...filesIn("model/") }],
    ["model/", { ...filesIn("model/"), "README.md": text("read me") }],
  ]
  it.each(REPACKED)("with the files of a checkpoint in %j says where they are", async (folder, files) => {
    const members = Object.entries(files).map(([name, data]) => ({ name, data }))
    const error = await refusal(buildZip({ members }))
    expect(error).toMatchObject({ code: "zip-layout", detail: { folder } })
    expect(error.nextStep).toContain("pack data.pkl and what lies beside it again")
  })

  it("that is nothing of this is refused as before", async () => {
    expect(await refusal(zipOf("a/x.txt", "b/y.txt"))).toMatchObject({
      code: "zip-layout",
      message: 'members lie in more than one folder: "a/x.txt" and "b/y.txt"',
    })
  })

  it("of which two folders have the files of a checkpoint names neither", async () => {
    const members = Object.entries({ ...filesIn("a/"), ...filesIn("b/") }).map(([name, data]) => ({
      name,
      data,
    }))
    expect((await refusal(buildZip({ members }))).detail).not.toHaveProperty("folder")
  })
})

describe("a tar archive", () => {
  it.each(["sys_info", "pickle", "storages", "tensors"])(
    "that begins with %s is torch 0.1's",
    async (name) => {
      const error = await refusal(tarOf([{ name, data: text("x") }]))
      expect(error).toMatchObject({
        code: "unsupported-layout",
        detail: { layout: "a tar checkpoint of torch 0.1" },
      })
    },
  )

  const long = `${"folder/".repeat(20)}model.ckpt`
  const TARS: readonly [string, Parameters<typeof tarOf>[0], readonly string[]][] = [
    [
      "of NeMo",
      [
        { name: "./", type: "5" },
        { name: "./model_config.yaml" },
        { name: "./model_weights.ckpt", data: new Uint8Array(700) },
      ],
      ["./model_weights.ckpt"],
    ],
    ["with the magic of GNU", [{ name: "a/x.pt", magic: "ustar  \0" }], ["a/x.pt"]],
    ["with a prefix", [{ name: "x.pth", prefix: "some/where" }], ["some/where/x.pth"]],
    [
      "with a long name of GNU's",
      [{ name: "././@LongLink", type: "L", data: text(`${long}\0`) }, { name: long.slice(0, 99) }],
      [long],
    ],
    [
      "with a long name of pax's",
      [
        { name: "PaxHeader", type: "x", data: text(`${long.length + 10} path=${long}\n`) },
        { name: long.slice(0, 99) },
      ],
      [long],
    ],
    ["behind other files", [{ name: "notes.txt", data: new Uint8Array(1025) }, { name: "m.bin" }], ["m.bin"]],
  ]
  it.each(TARS)("%s that holds checkpoints lists them", async (_, members, held) => {
    const error = await refusal(tarOf(members))
    expect(error).toMatchObject({
      code: "holds-checkpoints",
      detail: { container: "tar", files: held.map((name) => ({ name })) },
    })
  })

  it("of other files is called that", async () => {
    const error = await refusal(tarOf([{ name: "train/0001.jpg" }, { name: "train/0002.jpg" }]))
    expect(error).toMatchObject({ code: "not-a-checkpoint", detail: { kind: "archive" } })
    expect(error.message).toContain('a tar archive of other files, "train/0001.jpg" first')
  })

  it("that is cut off or says too much is listed as far as it goes", async () => {
    const whole = tarOf([{ name: "a.txt", data: new Uint8Array(600) }, { name: "x.pt" }])
    for (const length of [512, 600, 1536, 1700]) {
      expect((await refusal(whole.slice(0, length))).code).toBe("not-a-checkpoint")
    }
  })
})

it("a length of a safetensors header that fits is a safetensors file", async () => {
  const bytes = join(littleEndian(2, 8), latin1("{}"))
  expect((await refusal(bytes)).message).toBe("this is a safetensors file already")
})
