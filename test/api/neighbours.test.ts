/** What goes in and out fits the libraries next door, by the compiler's word and by their code. */

import type { CommitFile } from "@huggingface/hub"
import { describe, expect, expectTypeOf, it } from "vitest"
import type { AsyncBuffer, CheckpointInput, HttpOptions, PlannedOutput } from "../../src/index.ts"
import { toSafetensorsBlob } from "../../src/index.ts"
import { EXPECTED, SAMPLE } from "./sample.ts"

/** `AsyncBuffer` of hyparquet 1.x, `src/types.d.ts`. */
interface HyparquetBuffer {
  byteLength: number
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>
}

describe("@huggingface/hub", () => {
  it("uploads what toSafetensorsBlob makes", async () => {
    const { blob } = await toSafetensorsBlob(SAMPLE)
    const file = { path: "model.safetensors", content: blob } satisfies Omit<CommitFile, "operation">
    expectTypeOf(file.content).toExtend<CommitFile["content"]>()
    expect(Buffer.compare(Buffer.from(await file.content.arrayBuffer()), EXPECTED)).toBe(0)
  })
})

describe("types", () => {
  it("take a fetch and headers of others", () => {
    type Fetch = NonNullable<HttpOptions["fetch"]>
    expectTypeOf<typeof fetch>().toExtend<Fetch>()
    expectTypeOf<Headers>().toExtend<HttpOptions["headers"]>()
    expectTypeOf<{ authorization: string }>().toExtend<HttpOptions["headers"]>()
    expectTypeOf<URL>().toExtend<CheckpointInput>()
    expectTypeOf<PlannedOutput>().toExtend<CheckpointInput>()
  })

  it("take the inputs of others", () => {
    expectTypeOf<HyparquetBuffer>().toExtend<CheckpointInput>()
    expectTypeOf<AsyncBuffer>().toExtend<HyparquetBuffer>()
    expectTypeOf<Blob>().toExtend<CheckpointInput>()
    expectTypeOf<File>().toExtend<CheckpointInput>()
    expectTypeOf<Float32Array>().not.toExtend<CheckpointInput>()
    expectTypeOf<Response>().not.toExtend<CheckpointInput>()
  })
})
