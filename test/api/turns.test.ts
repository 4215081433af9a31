/** Conversions of bytes in memory let the event loop turn, and end with their signals. */

import { deflateRawSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import {
  checkSafetensors,
  openCheckpoint,
  readSafetensorsHeader,
  scan,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/index.ts"
import * as node from "../../src/node/index.ts"
import { buildZip } from "../archive/zip-builder.ts"
import { sampled } from "../depth.ts"
import { checkpoint, stateDict, tensor, text, WEIGHT } from "../hostile/checkpoint-parts.ts"
import { assemble, type Part, repeat } from "../pickle/assemble.ts"

/** A pickle of `{"w": tensor, "x": [what `unit` makes, many times]}`. */
const pickleOf = (length: number, ...unit: readonly Part[]): Uint8Array => {
  const size = assemble(...unit).length
  const many = repeat(Math.floor(length / size), ...unit)
  return assemble(
    ["PROTO", 4],
    ...["EMPTY_DICT", "MARK", text("w"), ...tensor(), text("x")],
    ...["EMPTY_LIST", "MARK", many, "APPENDS", "SETITEMS", "STOP"],
  )
}

/** The checkpoint with its pickle deflated: a few hundred bytes that ask for a million opcodes. */
function deflated(pickle: Uint8Array): Uint8Array {
  const stored = new Uint8Array(deflateRawSync(pickle, { level: 9 }))
  const weight = { name: "archive/data/0", data: WEIGHT }
  return buildZip({ members: [{ name: "archive/data.pkl", data: pickle, method: 8, stored }, weight] })
}

const LARGE: readonly (readonly [what: string, make: () => Uint8Array])[] = [
  ["a million empty dicts", () => checkpoint(pickleOf(1_000_000, "EMPTY_DICT"))],
  ["a million Nones", () => checkpoint(pickleOf(1_000_000, "NONE"))],
  ["numbers that are pushed and popped", () => checkpoint(pickleOf(1_000_000, ["BININT1", 7], "POP"))],
  [
    "entries of one dict",
    () => {
      const items = repeat(300_000, "EMPTY_TUPLE", "NONE")
      return checkpoint([
        ["PROTO", 2],
        "EMPTY_DICT",
        "MARK",
        text("w"),
        ...tensor(),
        items,
        "SETITEMS",
        "STOP",
      ])
    },
  ],
  [
    "60,000 names for one tensor",
    () => {
      const put: Part = ["BINPUT", 7]
      const names = Array.from({ length: 60_000 }, (_, i): readonly Part[] => [text(`n${i}`), ["BINGET", 7]])
      return checkpoint([
        ["PROTO", 2],
        ...["EMPTY_DICT", "MARK", text("w"), ...tensor(), put, ...names.flat(), "SETITEMS", "STOP"],
      ])
    },
  ],
]

/** How often the loop turned while `work` was done, and what came of it. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let goesOn = true
  const look = (): void => {
    turns++
    if (goesOn) setImmediate(look)
  }
  setImmediate(look)
  await work().catch(() => {})
  goesOn = false
  return turns
}

const VERBS: readonly (readonly [string, (input: Uint8Array, signal?: AbortSignal) => Promise<unknown>])[] = [
  ["toSafetensorsBytes", (input, signal) => toSafetensorsBytes(input, { signal, root: "all" })],
  ["toSafetensorsBlob", (input, signal) => toSafetensorsBlob(input, { signal, root: "all" })],
  ["toSafetensorsStream", (input, signal) => toSafetensorsStream(input, { signal, root: "all" })],
  ["openCheckpoint", (input, signal) => openCheckpoint(input, { signal })],
  ["scan", (input, signal) => scan(input, { signal })],
  [
    "toSafetensorsBytes of Node's build",
    (input, signal) => node.toSafetensorsBytes(input, { signal, root: "all" }),
  ],
  ["scan of Node's build", (input, signal) => node.scan(input, { signal })],
]

describe.each(sampled(LARGE, 3))("%s in memory", (_, make) => {
  const input = make()

  it.each(sampled(VERBS, 2))("let a timer in that was set before %s", async (_name, verb) => {
    let ended = false
    let fired = "after"
    const timer = setTimeout(() => {
      fired = ended ? "after" : "before"
    }, 1)
    await verb(input).catch(() => {})
    ended = true
    clearTimeout(timer)
    expect(fired).toBe("before")
  })

  it.each(sampled(VERBS, 2))(
    "end with the reason of a signal that is aborted during %s",
    async (_name, verb) => {
      const controller = new AbortController()
      const reason = new Error("enough")
      // Two turns in: whatever is done by then, most is not.
      setImmediate(() => setImmediate(() => controller.abort(reason)))
      await expect(verb(input, controller.signal)).rejects.toBe(reason)
    },
  )
})

describe("a few hundred bytes that ask for two million opcodes", () => {
  const input = deflated(pickleOf(2_000_000, "EMPTY_TUPLE"))

  it("are ended by their signal, forty at a time", async () => {
    expect(input.length).toBeLessThan(4096)
    for (const build of sampled([{ toSafetensorsBytes, scan }, node], 1)) {
      const reason = new Error("enough")
      const controller = new AbortController()
      const { signal } = controller
      const work = Array.from({ length: 40 }, (_, i) =>
        i % 2 === 0 ? build.toSafetensorsBytes(input, { signal }) : build.scan(input, { signal }),
      )
      setImmediate(() => setImmediate(() => controller.abort(reason)))
      for (const { status, ...outcome } of await Promise.allSettled(work)) {
        expect(status).toBe("rejected")
        expect(outcome).toMatchObject({ reason })
      }
    }
  })
})

describe("many small conversions at once", () => {
  it("take turns, so that the loop goes round between them", async () => {
    const input = checkpoint(stateDict([[text("w")], tensor()]))
    const turns = await turnsOf(() =>
      Promise.all(Array.from({ length: 300 }, () => toSafetensorsBytes(input))),
    )
    // Each of them waits for a turn before it begins, as nobody knows how long the loop has been held.
    expect(turns).toBeGreaterThan(20)
  })
})

/** A safetensors file with this header and no data. */
function safetensors(json: string): Uint8Array {
  const header = Buffer.from(json)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header])
}

const numbered = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join(",")

describe.each([
  ["tensors", `{${numbered(60_000, (i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`],
  ["metadata", `{"__metadata__":{${numbered(300_000, (i) => `"${i}":""`)}}}`],
  [
    "an endless shape",
    `{"a":{"dtype":"U8","shape":[${numbered(2_000_000, () => "1")}],"data_offsets":[0,1]}}`,
  ],
  ["fields that are unknown", `{"a":{${numbered(200_000, (i) => `"${i}":0`)}}}`],
  ["a value that is passed over", `{"a":[${numbered(1_000_000, () => "[]")}]}`],
])("a header of %s in memory", (_, json) => {
  const input = safetensors(json)

  it.each([
    ["checkSafetensors", checkSafetensors],
    ["readSafetensorsHeader", readSafetensorsHeader],
    ["scan", scan],
  ])("ends with its signal in %s", async (_name, verb) => {
    const controller = new AbortController()
    const reason = new Error("enough")
    setImmediate(() => setImmediate(() => controller.abort(reason)))
    await expect(verb(input, { signal: controller.signal })).rejects.toBe(reason)
  })
})
