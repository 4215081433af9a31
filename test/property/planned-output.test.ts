/** Random parts of random outputs that were never written, against the whole that a conversion writes. */

import fc from "fast-check"
import { expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { openCheckpoint, toSafetensorsBytes } from "../../src/index.ts"
import { TRANSFER_SIZES } from "../../src/transfer/cut-segments.ts"
import { PlannedOutput } from "../../src/transfer/planned-output.ts"
import { depth } from "../depth.ts"
import { overSource } from "../transfer/plans.ts"
import { expectSame } from "./check-routes.ts"
import { writeCheckpoint } from "./checkpoint-writer.ts"
import { type RandomCheckpoint, randomCheckpoint } from "./random-state.ts"

const RUNS = depth({ quick: 30, deep: 250 })

/** Sizes at which small tensors cross the bounds of pieces and windows. */
const SIZES = [
  { ...TRANSFER_SIZES, chunkBytes: 16, smallGatherBytes: 16, windowBytes: 16 },
  { ...TRANSFER_SIZES, chunkBytes: 64, smallGatherBytes: 32, windowBytes: 96 },
  { ...TRANSFER_SIZES, chunkBytes: 1024, smallGatherBytes: 0, windowBytes: 256 },
]

/** Two places of the output, as parts of its length. */
const part = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))

async function check(given: RandomCheckpoint, parts: readonly (readonly [number, number])[]): Promise<void> {
  const input = writeCheckpoint(given.value, given.style)
  const { bytes: file } = await toSafetensorsBytes(input, given.options)
  await using checkpoint = await openCheckpoint(input, given.options)
  const plan = checkpoint.plan(given.options)
  const sizes = file.length < 20_000 ? SIZES : SIZES.slice(2)
  const outputs = [
    checkpoint.output(plan),
    ...sizes.map((each) => new PlannedOutput(overSource(plan, memorySource(input)), { crc32, sizes: each })),
  ]
  const ranges = parts.map(([a, b]) => {
    const [start, end] = [Math.floor(Math.min(a, b) * file.length), Math.ceil(Math.max(a, b) * file.length)]
    return { start, end: file.length > 50_000 ? Math.min(end, start + 20_000) : end }
  })
  for (const output of outputs) {
    expect(output.byteLength).toBe(file.length)
    await Promise.all(
      ranges.map(async ({ start, end }) => {
        expectSame(await output.read(start, end - start), file.slice(start, end), `[${start}, ${end})`)
      }),
    )
    await output.close()
  }
  expectSame(await checkpoint.output(plan).read(0, file.length), file, "the whole")
}

for (const layout of ["zip", "legacy"] as const) {
  it(`any part of ${RUNS} random outputs (${layout}) is that part of the file`, async () => {
    const parts = fc.array(part, { minLength: 1, maxLength: 8 })
    const property = fc.asyncProperty(randomCheckpoint(layout), parts, check)
    await fc.assert(property, { seed: 20_240_229, numRuns: RUNS })
  })
}
