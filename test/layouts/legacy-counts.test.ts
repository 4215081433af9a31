/** Counts before storages, where reads are dear: looked at late, and not left out. */

import { expect, it } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { openCheckpoint, scan, toSafetensorsBytes } from "../../src/index.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"

const F32 = dtypeNamed("float32")
const FILE = writeCheckpoint(
  new Map(Array.from({ length: 9 }, (_, i) => [`w${i}`, tensor(F32, [100_000], { seed: i })])),
  { layout: "legacy" },
)

function dear(bytes: Uint8Array): ByteSource & { reads: number } {
  return {
    byteLength: bytes.length,
    readCost: "high",
    reads: 0,
    async read(offset, length) {
      this.reads += 1
      return bytes.subarray(offset, offset + length)
    },
  }
}

it("opening does not look at them, reading a tensor looks at its own", async () => {
  const source = dear(FILE)
  await using checkpoint = await openCheckpoint(source)
  expect(source.reads).toBe(2)
  expect((await checkpoint.readTensor("w5")).length).toBe(400_000)
  // Its count, the end of the file, and itself.
  expect(source.reads).toBe(5)
  await checkpoint.readTensor("w5")
  expect(source.reads).toBe(6)
  const { bytes } = await toSafetensorsBytes(source)
  expect(Buffer.compare(bytes, (await toSafetensorsBytes(FILE)).bytes)).toBe(0)
})

it("one that is wrong is refused when its storage is needed, and by a scan", async () => {
  const bytes = FILE.slice()
  const at = bytes.length - 400_008
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await using checkpoint = await openCheckpoint(dear(bytes))
  const refused: string[] = []
  for (const name of checkpoint.tensors.keys()) {
    await checkpoint
      .readTensor(name)
      .catch((error: { code: string }) => refused.push(`${name} ${error.code}`))
  }
  expect(refused).toEqual(["w8 storage-size"])
  await expect(toSafetensorsBytes(dear(bytes))).rejects.toMatchObject({ code: "storage-size" })
  expect(await scan(dear(bytes))).toEqual(await scan(bytes))
})
