/** What reading a written checkpoint yields, for tests of what is made of it. */

import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { storeOfOne } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { atOnce } from "../../src/bytes/turns.ts"
import {
  type ConversionPlan,
  type PlanOptions,
  planConversionSteps,
} from "../../src/checkpoint/plan-checkpoint.ts"
import { readCheckpoint } from "../../src/layouts/table.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import type { CheckpointContents } from "../../src/torch/checkpoint-contents.ts"
import { type CheckpointStyle, writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestTensor, type TestValue, tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")

/** A tensor of two numbers with a storage of its own. */
export function pair(): TestTensor {
  return tensor(F32, [2])
}

/** A dictionary. */
export function dict(entries: Readonly<Record<string, TestValue>>): ReadonlyMap<string, TestValue> {
  return new Map(Object.entries(entries))
}

export async function contentsOf(
  value: TestValue,
  style: Partial<CheckpointStyle> = {},
): Promise<CheckpointContents> {
  return contentsIn(memorySource(writeCheckpoint(value, style)))
}

function contentsIn(source: ByteSource): Promise<CheckpointContents> {
  const options = { limits: DEFAULT_LIMITS, crc32, signal: undefined, byteOrder: undefined }
  return readCheckpoint(storeOfOne(source), options)
}

/** The plan for `value`, written in the usual way. */
export async function planFor(
  value: TestValue,
  options: PlanOptions = {},
  limits: Partial<Limits> = {},
): Promise<ConversionPlan> {
  const source = memorySource(writeCheckpoint(value))
  const contents = await contentsIn(source)
  const bounds = { limits: { ...DEFAULT_LIMITS, ...limits }, inputByteLength: source.byteLength }
  return atOnce(planConversionSteps(contents, [{ name: "checkpoint", source }], options, bounds)).plan
}

/** The names of the output, in its order. */
export function namesOf({ report }: ConversionPlan): readonly string[] {
  return report.tensors.map(({ name }) => name)
}
