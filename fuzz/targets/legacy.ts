/**
 * A legacy file, opened, listed, converted, and read back: the output is a valid safetensors file that holds, under each
 * name, what `readTensor` gives.
 */

import type { Checkpoint } from "../../src/api/checkpoint.ts"
import { UNIVERSAL_PLATFORM } from "../../src/api/platform.ts"
import { openCheckpoint } from "../../src/api/verbs.ts"
import { MemorySink } from "../../src/bytes/sinks.ts"
import type { PlanOptions } from "../../src/checkpoint/plan-checkpoint.ts"
import { parseSafetensorsHeader } from "../../src/safetensors/parse-header.ts"
import { changeLegacy } from "../formats/change-legacy.ts"
import { watchedSource } from "../formats/watched-source.ts"
import { type FuzzTarget, outcomeOf, outcomeOfSync, require } from "../target.ts"

/** An output of 64 MiB, which the default allows, would take a tenth of a second. */
const limits = { outputFloorBytes: 2 ** 18 }

export const target: FuzzTarget = {
  rooms: [
    "layouts/torch-legacy/",
    "torch/storage-table",
    "torch/rebuild",
    "torch/torch-policy",
    "layouts/table",
    "pickle/",
    "checkpoint/",
    "plan/",
    "bytes/read-regions",
  ],
  maxLength: 4096,
  mutate: changeLegacy,
  run: async (bytes) => {
    const opened = await outcomeOf(() => openCheckpoint(UNIVERSAL_PLATFORM, watchedSource(bytes), { limits }))
    if (opened.error?.code === "byte-order") return forced(bytes)
    if (opened.error !== undefined) return opened.error.code
    return convert(opened.value)
  },
}

/** The caller's word on the byte order stands in for what the file does not say. */
async function forced(bytes: Uint8Array): Promise<string> {
  const opened = await outcomeOf(() =>
    openCheckpoint(UNIVERSAL_PLATFORM, watchedSource(bytes), { limits, byteOrder: "big" }),
  )
  return opened.error === undefined ? `big ${await convert(opened.value)}` : `big ${opened.error.code}`
}

async function convert(checkpoint: Checkpoint): Promise<string> {
  const listed = outcomeOfSync(() => [checkpoint.values, checkpoint.tensors, checkpoint.globals] as const)
  const planned = outcomeOfSync(() => checkpoint.plan({ root: "all" }))
  const rooted = outcomeOfSync(() => checkpoint.plan(OPTIONS[checkpoint.byteLength % OPTIONS.length]))
  const plan = rooted.value ?? planned.value
  if (plan === undefined) return `opened, ${rooted.error?.code}`
  const sink = new MemorySink()
  await checkpoint.write(plan, sink)
  const output = sink.bytes
  require(output.byteLength === plan.byteLength, `${output.byteLength} bytes, ${plan.byteLength} planned`)
  const { tensors, dataOffset, metadata } = parseSafetensorsHeader(output, {
    fileByteLength: output.byteLength,
  })
  require(tensors.size ===
    plan.report.tensorCount, `${tensors.size} tensors, ${plan.report.tensorCount} planned`)
  require(metadata?.get("format") === "pt", "the metadata is lost")
  if (listed.error !== undefined) return `converted, ${listed.error.code}`
  if (plan !== planned.value || planned.value.report.aliases.length > 0) return "converted"
  return compare(checkpoint, output.subarray(dataOffset), tensors)
}

/** What callers ask for, by the length of the input. */
const OPTIONS: readonly PlanOptions[] = [
  {},
  {},
  { shared: "copy", metadata: { format: "pt", a: "b" } },
  { shared: "error" },
  { include: ["*a*", "w?ights"], rename: (name) => name.replace("module.", "") },
  { root: "all", exclude: ({ byteLength }) => byteLength > 16, verify: "none" },
]

type Ranges = ReadonlyMap<string, { readonly start: number; readonly end: number }>

async function compare(checkpoint: Checkpoint, data: Uint8Array, tensors: Ranges): Promise<string> {
  // Two are enough for one input: reading a tensor alone costs as much as converting them all.
  for (const [name, { start, end }] of [...tensors].slice(0, 2)) {
    const alone = await checkpoint.readTensor(name)
    require(Buffer.compare(alone, data.subarray(start, end)) ===
      0, "readTensor gives other bytes than the conversion")
  }
  return "compared"
}
