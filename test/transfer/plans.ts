/** Plans of small checkpoints whose bytes come from any source. */

import { bindExtents } from "../../src/api/write-plan.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { type ConversionPlan, type ConvertOptions, DEFAULT_LIMITS, openCheckpoint } from "../../src/index.ts"
import { type TransferPlan, transferPlan } from "../../src/transfer/transfer-plan.ts"
import { type CheckpointStyle, writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestTensor, type TestValue, tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")
const I64 = dtypeNamed("int64")
const C64 = dtypeNamed("complex64")
const U8 = dtypeNamed("uint8")

/** Copies of several chunks, small and large gathers, a slice, a scalar and an empty tensor. */
export function mixedTensors(): ReadonlyMap<string, TestTensor> {
  const matrix = tensor(F32, [30, 20])
  return new Map([
    ["matrix", matrix],
    ["transposed", { ...matrix, shape: [20, 30], strides: [1, 20] }],
    ["part", tensor(F32, [7], { storage: matrix.storage, offset: 40 })],
    ["conj", tensor(C64, [9, 3], { conj: true })],
    ["steps", tensor(I64, [40], { strides: [3], neg: true })],
    // So far apart that its window is packed from many reads.
    ["wide", tensor(F32, [3, 12], { strides: [1, 1500] })],
    ["scalar", tensor(I64, [])],
    ["empty", tensor(F32, [0, 4])],
    ["bytes", tensor(U8, [301])],
    ["column", tensor(U8, [50], { strides: [17] })],
  ])
}

/** A checkpoint and the plan for it. */
export interface Planned {
  readonly file: Uint8Array<ArrayBuffer>
  readonly plan: ConversionPlan
  /** The same plan over the file. */
  readonly transfer: TransferPlan
}

export async function planOf(
  value: TestValue,
  style: Partial<CheckpointStyle> = {},
  options: ConvertOptions = {},
): Promise<Planned> {
  const file = writeCheckpoint(value, style)
  const plan = (await openCheckpoint(file, options)).plan(options)
  return { file, plan, transfer: overSource(plan, memorySource(file)) }
}

const UNBOUNDED = {
  limits: { ...DEFAULT_LIMITS, outputRatio: Infinity, gatherRatio: Infinity, inflateRatio: Infinity },
  inputByteLength: 1,
}

/** The same plan over another source with the same bytes. */
export function overSource(plan: ConversionPlan, source: ByteSource): TransferPlan {
  return transferPlan(plan, bindExtents(plan, [{ name: "input", source }], UNBOUNDED))
}
