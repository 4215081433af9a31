/** Writes checkpoints in the two layouts that torch has. */

import { isTestTensor, type TestStorage, type TestTensor, type TestValue, Tuple } from "./model.ts"
import { type PickleStyle, pickle } from "./pickle-assembler.ts"
import { writeZip, type ZipStyle } from "./zip-writer.ts"

/** How a checkpoint is written. */
export interface CheckpointStyle extends Omit<PickleStyle, "layout">, ZipStyle {
  readonly layout: "zip" | "legacy"
  readonly byteOrder: "little" | "big"
  /** The folder within the archive. */
  readonly prefix: string
}

/** The most usual style. */
export const PLAIN_STYLE: CheckpointStyle = {
  layout: "zip",
  protocol: 2,
  ordered: true,
  memo: true,
  torch: true,
  checksums: true,
  deflated: () => false,
  byteOrder: "little",
  prefix: "archive",
}

const MAGIC = 0x1950a86a20f9469cfc6cn

/** Every tensor in `value`, in the order in which a pickle names them. */
export function tensorsIn(value: TestValue): readonly TestTensor[] {
  if (isTestTensor(value)) return [value]
  if (value instanceof Tuple) return value.items.flatMap(tensorsIn)
  if (value instanceof Map) return [...value.values()].flatMap(tensorsIn)
  return Array.isArray(value) ? value.flatMap(tensorsIn) : []
}

/** The members of an archive, for whatever writes archives. */
export function zipMembers(value: TestValue, style: CheckpointStyle): ReadonlyMap<string, Uint8Array> {
  const folder = `${style.prefix}/`
  const storages = new Set(tensorsIn(value).map(({ storage }) => storage))
  return new Map([
    [`${folder}data.pkl`, pickle(value, style)],
    [`${folder}byteorder`, Buffer.from(style.byteOrder)],
    ...Array.from(storages, ({ key, bytes }) => [`${folder}data/${key}`, bytes] as const),
    [`${folder}version`, Buffer.from("3\n")],
  ])
}

/** The file. */
export function writeCheckpoint(
  value: TestValue,
  changes: Partial<CheckpointStyle> = {},
): Uint8Array<ArrayBuffer> {
  const style = { ...PLAIN_STYLE, ...changes }
  const file = style.layout === "zip" ? writeZip(zipMembers(value, style), style) : writeLegacy(value, style)
  return new Uint8Array(file)
}

function writeLegacy(value: TestValue, style: CheckpointStyle): Uint8Array {
  const { pickles, storages } = legacyParts(value, style)
  return Buffer.concat([pickles, ...storages.flatMap(({ count, storage }) => [count, storage.bytes])])
}

/** The pickles at the start of a legacy file, and what follows them: before each storage stands its count. */
export function legacyParts(
  value: TestValue,
  style: CheckpointStyle,
): { pickles: Uint8Array; storages: readonly { count: Uint8Array; storage: TestStorage }[] } {
  // The count is what the first mention says: elements, or bytes where that is untyped.
  const counts = new Map<TestStorage, number>()
  for (const { storage, untyped } of tensorsIn(value)) {
    if (counts.has(storage)) continue
    const itemBytes = untyped ? 1 : (storage.dtype?.itemBytes ?? 1)
    counts.set(storage, storage.bytes.length / itemBytes)
  }
  const ordered = [...counts].sort(([a], [b]) => (a.key < b.key ? -1 : 1))
  const info = new Map<string, TestValue>([
    ["protocol_version", 1001],
    ["little_endian", style.byteOrder === "little"],
    [
      "type_sizes",
      new Map([
        ["short", 2],
        ["int", 4],
        ["long", 4],
      ]),
    ],
  ])
  const plain = { ...style, ordered: false }
  const heads = [MAGIC, 1001, info].map((head) => pickle(head, plain))
  const keys = pickle(
    ordered.map(([{ key }]) => key),
    plain,
  )
  const storages = ordered.map(([storage, elements]) => {
    const count = Buffer.alloc(8)
    count.writeBigInt64LE(BigInt(elements))
    return { count, storage }
  })
  return { pickles: Buffer.concat([...heads, pickle(value, style), keys]), storages }
}
