/** Small checkpoints in the legacy layout, written by hand, whose tensors can be as large as a test needs. */

import { truncateSync, writeFileSync } from "node:fs"

/** One tensor `weight` of float32 over one storage. */
export interface LegacyCheckpoint {
  /** Elements of the storage, which hold 0, 1, 2, … */
  readonly storageElements: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** The checkpoint's bytes. */
export function legacyCheckpoint(checkpoint: LegacyCheckpoint): Uint8Array<ArrayBuffer> {
  const { storageElements } = checkpoint
  const head = headOf(checkpoint)
  const bytes = new Uint8Array(head.length + storageElements * 4)
  bytes.set(head)
  // `Float32Array.from` takes thirty times as long.
  const values = new Float32Array(storageElements)
  for (let index = 0; index < storageElements; index++) values[index] = index
  bytes.set(new Uint8Array(values.buffer), head.length)
  return bytes
}

/** Writes a checkpoint of `gigabytes` GiB of zeros that takes next to no room on the disk. */
export function writeSparseCheckpoint(path: string, gigabytes: number): void {
  const elements = 256 * 1024 * 1024 * gigabytes
  const head = headOf({ storageElements: elements, shape: [elements], strides: [1] })
  writeFileSync(path, new Uint8Array(head))
  truncateSync(path, head.length + elements * 4)
}

/** Everything before the storage's bytes. */
function headOf({ storageElements, shape, strides }: LegacyCheckpoint): number[] {
  const storage = tuple([
    text("storage"),
    global("torch", "FloatStorage"),
    text("0"),
    text("cpu"),
    integer(storageElements),
    NONE,
  ])
  const argumentsOfRebuild = [
    [...storage, ...ascii("Q")],
    integer(0),
    tuple(shape.map(integer)),
    tuple(strides.map(integer)),
    FALSE,
    [...global("collections", "OrderedDict"), ...ascii(")R")],
  ]
  const rebuild = [
    ...global("torch._utils", "_rebuild_tensor_v2"),
    ...tuple(argumentsOfRebuild),
    ...ascii("R"),
  ]
  const sizes = dict([
    [text("short"), integer(2)],
    [text("int"), integer(4)],
    [text("long"), integer(4)],
  ])
  const head = [
    pickle([0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]),
    pickle(integer(1001)),
    pickle(
      dict([
        [text("protocol_version"), integer(1001)],
        [text("little_endian"), TRUE],
        [text("type_sizes"), sizes],
      ]),
    ),
    pickle(dict([[text("weight"), rebuild]])),
    pickle([...ascii("]"), ...text("0"), ...ascii("a")]),
    [...new Uint8Array(new BigInt64Array([BigInt(storageElements)]).buffer)],
  ].flat()
  return head
}

/** A contiguous tensor of `megabytes` MiB. */
export function largeCheckpoint(megabytes: number): Uint8Array<ArrayBuffer> {
  const elements = megabytes * 256 * 1024
  return legacyCheckpoint({ storageElements: elements, shape: [elements], strides: [1] })
}

/** A few hundred bytes that convert to gigabytes, or quarters of one: one element, repeated. */
export function expandingCheckpoint(gigabytes: number): Uint8Array<ArrayBuffer> {
  return legacyCheckpoint({ storageElements: 1, shape: [gigabytes * 4, 64 * 1024 * 1024], strides: [0, 0] })
}

const NONE = ascii("N")
const TRUE = [0x88]
const FALSE = [0x89]

function ascii(value: string): number[] {
  return [...Buffer.from(value, "latin1")]
}

function pickle(body: readonly number[]): number[] {
  return [0x80, 2, ...body, ...ascii(".")]
}

function text(value: string): number[] {
  return [...ascii("X"), ...new Uint8Array(new Int32Array([value.length]).buffer), ...ascii(value)]
}

function integer(value: number): number[] {
  return [...ascii("J"), ...new Uint8Array(new Int32Array([value]).buffer)]
}

function global(module: string, name: string): number[] {
  return ascii(`c${module}\n${name}\n`)
}

function tuple(items: readonly (readonly number[])[]): number[] {
  return [...ascii("("), ...items.flat(), ...ascii("t")]
}

function dict(pairs: readonly (readonly [readonly number[], readonly number[]])[]): number[] {
  return [...ascii("}"), ...pairs.flatMap(([key, value]) => [...key, ...value, ...ascii("s")])]
}
