/** Memory that its owner transfers away or makes shorter, at any step of a conversion: an error of ours, or all is well. */

import { describe, expect, it } from "vitest"
import {
  type CheckpointInput,
  checkSafetensors,
  isCheckpointError,
  openCheckpoint,
  parseSafetensorsHeader,
  readSafetensorsHeader,
  scan,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import { toSafetensors } from "../../src/node/index.ts"
import { beside, checkpoint } from "../hostile/checkpoint-parts.ts"
import { legacyCheckpoint } from "./legacy-checkpoint.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ["zip", checkpoint(beside(["NONE"]))],
  ["legacy", legacyCheckpoint({ storageElements: 6, shape: [2, 3], strides: [3, 1] })],
]
const [[, ZIP]] = FILES as readonly [readonly [string, Uint8Array]]

const VERBS: readonly (readonly [string, (input: CheckpointInput) => Promise<unknown>])[] = [
  ["toSafetensors", (input) => toSafetensors(input, `${newFolder()}/out.safetensors`)],
  ["toSafetensorsBytes", (input) => toSafetensorsBytes(input)],
  ["toSafetensorsBlob", async (input) => (await toSafetensorsBlob(input)).blob.arrayBuffer()],
  ["toSafetensorsStream", async (input) => new Response((await toSafetensorsStream(input)).stream).blob()],
  [
    "openCheckpoint",
    async (input) => {
      await using opened = await openCheckpoint(input)
      for (const name of opened.tensors.keys()) await opened.readTensor(name)
      const output = opened.output(opened.plan())
      await output.read(0, output.byteLength)
    },
  ],
  ["scan", (input) => scan(input)],
  ["readSafetensorsHeader", (input) => readSafetensorsHeader(input)],
  ["checkSafetensors", (input) => checkSafetensors(input)],
]

type TakeAway = (buffer: ArrayBuffer) => void

const transfer: TakeAway = (buffer) => void structuredClone(buffer, { transfer: [buffer] })

/** Resizable buffers are in the types of newer libraries than ours. */
interface Resizable extends ArrayBuffer {
  resize(byteLength: number): void
}

function resizable(bytes: Uint8Array): Resizable {
  const Buffers = ArrayBuffer as unknown as new (length: number, options: object) => Resizable
  const buffer = new Buffers(bytes.byteLength, { maxByteLength: 2 * bytes.byteLength })
  new Uint8Array(buffer).set(bytes)
  return buffer
}

const shrink =
  (to: number): TakeAway =>
  (buffer) =>
    (buffer as Resizable).resize(to)

/** How the memory is given, and how it is taken away. */
const KINDS: readonly (readonly [string, (bytes: Uint8Array) => [CheckpointInput, ArrayBuffer], TakeAway])[] =
  [
    ["a buffer, transferred", (bytes) => whole(bytes.slice().buffer as ArrayBuffer), transfer],
    ["an array, transferred", (bytes) => viewed(bytes.slice().buffer as ArrayBuffer), transfer],
    [
      "an array within a buffer, transferred",
      (bytes) => {
        const buffer = new ArrayBuffer(bytes.byteLength + 20)
        new Uint8Array(buffer, 8).set(bytes)
        return [new Uint8Array(buffer, 8, bytes.byteLength), buffer]
      },
      transfer,
    ],
    ["a Buffer of Node's, transferred", (bytes) => buffered(bytes), transfer],
    ["a resizable buffer, emptied", (bytes) => whole(resizable(bytes)), shrink(0)],
    ["a resizable buffer, cut", (bytes) => whole(resizable(bytes)), shrink(100)],
    ["an array that follows its buffer, cut", (bytes) => viewed(resizable(bytes)), shrink(7)],
    [
      "an array of fixed length, cut",
      (bytes) => {
        const buffer = resizable(bytes)
        return [new Uint8Array(buffer, 0, bytes.byteLength), buffer]
      },
      shrink(99),
    ],
    ["a source of views, transferred", (bytes) => sourceOfViews(bytes), transfer],
    ["a source of buffers, transferred", (bytes) => sourceOfBuffers(bytes), transfer],
  ]

function whole(buffer: ArrayBuffer): [CheckpointInput, ArrayBuffer] {
  return [buffer, buffer]
}

function viewed(buffer: ArrayBuffer): [CheckpointInput, ArrayBuffer] {
  return [new Uint8Array(buffer), buffer]
}

function buffered(bytes: Uint8Array): [CheckpointInput, ArrayBuffer] {
  const buffer = bytes.slice().buffer as ArrayBuffer
  return [Buffer.from(buffer), buffer]
}

/** Of the caller's: what it answers with is its own memory, as the interface allows. */
function sourceOfViews(bytes: Uint8Array): [CheckpointInput, ArrayBuffer] {
  const buffer = bytes.slice().buffer as ArrayBuffer
  const read = async (offset: number, length: number): Promise<Uint8Array> =>
    new Uint8Array(buffer, offset, length)
  return [{ byteLength: bytes.byteLength, read }, buffer]
}

/** Hands the same buffer out for each slice of the same place. */
function sourceOfBuffers(bytes: Uint8Array): [CheckpointInput, ArrayBuffer] {
  const buffer = bytes.slice().buffer as ArrayBuffer
  const slice = (start: number, end = bytes.byteLength): ArrayBuffer =>
    start === 0 && end === bytes.byteLength ? buffer : buffer.slice(start, end)
  return [{ byteLength: bytes.byteLength, slice }, buffer]
}

/** Moments: before the call, at once behind it, and after so many turns of the microtasks. */
const TURNS = [-1, 0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 70, 100, 150] as const

async function endsInOurError(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => {
      if (isCheckpointError(error)) return error.code
      throw error
    },
  )
}

describe.each(VERBS)("%s", (_, verb) => {
  it.each(KINDS)("of %s ends in an error of ours, whenever that is", async (_, make, takeAway) => {
    for (const [, file] of FILES) {
      for (const turns of TURNS) {
        const [input, buffer] = make(file)
        if (turns < 0) takeAway(buffer)
        const ended = endsInOurError(verb(input))
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        if (turns >= 0) takeAway(buffer)
        expect(await ended).toMatch(/^[a-z0-9-]+$/)
      }
    }
  })
})

describe("memory that was transferred", () => {
  it("before the call is no input", async () => {
    for (const make of [whole, viewed]) {
      const [input, buffer] = make(ZIP.slice().buffer as ArrayBuffer)
      transfer(buffer)
      for (const [name, verb] of VERBS)
        expect(await endsInOurError(verb(input)), name).toBe("invalid-argument")
    }
  })

  it("between opening and converting makes the input a changed one", async () => {
    const [input, buffer] = viewed(ZIP.slice().buffer as ArrayBuffer)
    await using opened = await openCheckpoint(input)
    const plan = opened.plan()
    transfer(buffer)
    expect(await endsInOurError(opened.readTensor("weight"))).toBe("input-changed")
    expect(await endsInOurError(opened.output(plan).read(0, plan.byteLength))).toBe("input-changed")
  })

  it("while the output is written makes the input a changed one", async () => {
    const [input, buffer] = viewed(ZIP.slice().buffer as ArrayBuffer)
    const onProgress = (): void => transfer(buffer)
    expect(await endsInOurError(toSafetensorsBytes(input, { onProgress }))).toBe("input-changed")
  })

  it("is no header", () => {
    const [, buffer] = whole(ZIP.slice().buffer as ArrayBuffer)
    const view = new Uint8Array(buffer)
    transfer(buffer)
    expect(() => parseSafetensorsHeader(view)).toThrow(
      expect.objectContaining({ code: "safetensors-invalid" }),
    )
  })

  it("by the sink that it was written to is not written to again", async () => {
    const expected = await toSafetensorsBytes(ZIP)
    const parts: Uint8Array[] = []
    await toSafetensors(ZIP, {
      randomAccess: false,
      write: async (_position, bytes) => {
        parts.push(structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] }))
      },
      close: async () => {},
      abort: async () => {},
    })
    expect(Buffer.compare(Buffer.concat(parts), expected.bytes)).toBe(0)
  })
})

describe("memory that threads share", () => {
  it.each(VERBS)("is an input like any other: %s", async (_, verb) => {
    const shared = new SharedArrayBuffer(ZIP.byteLength)
    const view = new Uint8Array(shared)
    view.set(ZIP)
    const expected = await endsInOurError(verb(ZIP))
    expect(await endsInOurError(verb(view))).toBe(expected)
    expect(await endsInOurError(verb(shared))).toBe(expected)
  })
})
