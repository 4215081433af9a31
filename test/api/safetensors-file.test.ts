/** Safetensors files as inputs: listed, and written anew. */

import { describe, expect, it } from "vitest"
import { MemorySink } from "../../src/bytes/sinks.ts"
import {
  checkSafetensors,
  open,
  openSafetensors,
  parseSafetensorsHeader,
  toSafetensorsBytes,
  writePlan,
} from "../../src/index.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { writeHeader } from "../safetensors/written-header.ts"
import { mixedTensors } from "../transfer/plans.ts"

const written = async (): Promise<Uint8Array> =>
  (await toSafetensorsBytes(writeCheckpoint(mixedTensors()))).bytes

/** A file whose header stands in another order than the reference writes, padded more than it need be. */
function foreign(metadata = '{"author":"x","format":"np"}'): Uint8Array {
  const json = `{"__metadata__":${metadata},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"c":{"dtype":"BOOL","shape":[3],"data_offsets":[12,15]},"f":{"dtype":"F4","shape":[2,3],"data_offsets":[15,18]},"g":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[18,21]}}`
  const text = json + " ".repeat(64 - (json.length % 8))
  const bytes = new Uint8Array(8 + text.length + 21)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(new TextEncoder().encode(text), 8)
  bytes.set(
    Array.from({ length: 21 }, (_, index) => index + 1),
    8 + text.length,
  )
  bytes.set([0, 1, 1], 8 + text.length + 12)
  return bytes
}

async function rewritten(input: Uint8Array, options = {}): Promise<Uint8Array> {
  const file = await openSafetensors(input)
  const sink = new MemorySink()
  await file.write(file.plan(options), sink)
  return sink.bytes
}

describe("a safetensors file", () => {
  it("that this library wrote stays what it is", async () => {
    const bytes = await written()
    expect(Buffer.compare(await rewritten(bytes), bytes)).toBe(0)
  })

  it("of others is put in order, and its tensors and metadata stay", async () => {
    const input = foreign()
    const output = await rewritten(input)
    const [before, after] = [parseSafetensorsHeader(input), parseSafetensorsHeader(output)]
    expect([...after.tensors.keys()]).toEqual(["a", "b", "g", "f", "c"])
    expect(Object.fromEntries(after.metadata ?? [])).toEqual({ author: "x", format: "np" })
    for (const [name, { dtype, shape, start, end }] of before.tensors) {
      const tensor = after.tensors.get(name)
      expect(tensor).toMatchObject({ dtype, shape })
      const stored = input.subarray(before.dataOffset + start, before.dataOffset + end)
      const kept = output.subarray(
        after.dataOffset + (tensor?.start ?? 0),
        after.dataOffset + (tensor?.end ?? 0),
      )
      expect(Buffer.compare(stored, kept), name).toBe(0)
    }
    expect((await checkSafetensors(output)).findings).toEqual([])
  })

  it("gets a format where it has none, and the metadata that is asked for", async () => {
    const metadataOf = async (options: object, given?: string): Promise<object> =>
      Object.fromEntries(parseSafetensorsHeader(await rewritten(foreign(given), options)).metadata ?? [])
    expect(await metadataOf({}, '{"a":"b"}')).toEqual({ format: "pt", a: "b" })
    expect(await metadataOf({ metadata: { only: "this" } })).toEqual({ only: "this" })
  })

  it("is filtered and renamed like a checkpoint", async () => {
    const output = await rewritten(foreign(), {
      exclude: ["c", "g", "f"],
      rename: (name: string) => `model.${name}`,
    })
    expect([...parseSafetensorsHeader(output).tensors.keys()]).toEqual(["model.a", "model.b"])
  })

  it("lists its tensors, and shares no memory", async () => {
    const file = await openSafetensors(foreign())
    expect(file.format).toBe("safetensors")
    expect([...file.tensors.keys()]).toEqual(["b", "a", "c", "f", "g"])
    expect(file.tensors.get("a")).toMatchObject({
      kind: "tensor",
      torchDtype: "float32",
      dtype: "F32",
      shape: [2],
      byteLength: 8,
    })
    expect(file.sharedMemory).toEqual([])
    expect(file.metadata.get("author")).toBe("x")
    expect(await file.tensor("c").toTypedArray()).toEqual(Uint8Array.of(0, 1, 1))
  })

  it("counts packed elements as its header does, and has rows where they fill whole bytes", async () => {
    const file = await openSafetensors(foreign())
    expect(file.tensors.get("f")).toMatchObject({
      dtype: "F4",
      shape: [2, 3],
      elementCount: 6,
      byteLength: 3,
    })
    expect(file.tensors.get("g")).toMatchObject({
      dtype: "F6_E2M3",
      shape: [4],
      elementCount: 4,
      byteLength: 3,
    })
    expect(file.tensor("f").shape).toEqual([2, 3])
    expect(() => file.tensor("f").rows(0, 1)).toThrow(/whole bytes/)
    expect((await file.tensor("f").toFloat32Array()).length).toBe(6)
    const header = '{"p":{"dtype":"F4","shape":[3,4],"data_offsets":[0,6]}}'.padEnd(56)
    const bytes = new Uint8Array(8 + 56 + 6).fill(7)
    new DataView(bytes.buffer).setBigUint64(0, 56n, true)
    bytes.set(new TextEncoder().encode(header), 8)
    bytes.set([1, 2, 3, 4, 5, 6], 64)
    const rows = (await openSafetensors(bytes)).tensor("p").rows(1, 3)
    expect(rows.shape).toEqual([2, 4])
    expect(await rows.bytes()).toEqual(Uint8Array.of(3, 4, 5, 6))
    expect(rows.rows(1, 2).shape).toEqual([1, 4])
  })

  it("is opened by open, as checkpoints are", async () => {
    const [file, checkpoint] = [await open(foreign()), await open(writeCheckpoint(mixedTensors()))]
    expect([file.format, checkpoint.format]).toEqual(["safetensors", "zip"])
    expect(checkpoint.tensors.size).toBe(mixedTensors().size)
  })

  it("may be told by its name alone, which makes no difference to a checkpoint", async () => {
    const page = "<!doctype html><title>404</title>".padEnd(4096)
    await expect(open(new File([page], "a.safetensors"))).rejects.toMatchObject({
      code: "safetensors-invalid",
      detail: { findings: [{ rule: "header-too-large" }, { rule: "header-past-end" }] },
    })
    await expect(open(new File([page], "a.pt"))).rejects.toMatchObject({ code: "not-a-checkpoint" })
    const checkpoint = new Uint8Array(writeCheckpoint(mixedTensors()))
    expect((await open(new File([checkpoint], "a.safetensors"))).format).toBe("zip")
  })

  it("is carried out elsewhere too", async () => {
    const file = await openSafetensors(foreign())
    const sink = new MemorySink()
    await writePlan(JSON.parse(JSON.stringify(file.plan())), { input: foreign() }, sink)
    expect(Buffer.compare(sink.bytes, await rewritten(foreign()))).toBe(0)
  })

  it("that is broken is refused with what is wrong", async () => {
    const { bytes } = writeHeader([{ name: "a", dtype: "F32", shape: [2], byteLength: 8 }])
    await expect(openSafetensors(bytes)).rejects.toMatchObject({ code: "safetensors-invalid" })
    await expect(openSafetensors(writeCheckpoint(mixedTensors()))).rejects.toMatchObject({
      code: "safetensors-invalid",
    })
    await expect(openSafetensors(new Uint8Array(3))).rejects.toMatchObject({ code: "safetensors-invalid" })
  })
})
