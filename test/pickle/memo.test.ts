/** The pass that walks over a pickle without making its operands must see the same opcodes as the decoder. */

import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { PickleDecoder } from "../../src/pickle/decode.ts"
import { findMemoReadsSteps, Memo } from "../../src/pickle/memo.ts"
import { depth } from "../depth.ts"
import { assemble } from "./assemble.ts"

const REAL: readonly { about: string; hex: string }[] = JSON.parse(
  readFileSync(new URL("real-pickles.json", import.meta.url), "utf8"),
)

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))

const findMemoReads = (bytes: Uint8Array, start: number) => atOnce(findMemoReadsSteps(bytes, start))

/** By the decoder; undefined where it does not get to STOP, and where a number is read as text. */
function decodedReads(bytes: Uint8Array, start = 0): ReadonlySet<number> | undefined {
  const decoder = new PickleDecoder(bytes, "test", DEFAULT_LIMITS, start)
  const reads = new Set<number>()
  try {
    for (;;) {
      const { name } = decoder.next()
      if (name === "STOP") return reads
      if (name === "GET") return undefined
      if (name === "BINGET" || name === "LONG_BINGET") reads.add(Number(decoder.operand))
    }
  } catch {
    return undefined
  }
}

describe("findMemoReads", () => {
  it.each(REAL.map(({ about, hex }) => [about, bytesOf(hex)] as const))(
    "reads %s as the decoder does",
    (_, bytes) => {
      expect(findMemoReads(bytes, 0)).toEqual(decodedReads(bytes))
    },
  )

  it("begins where it is told to, and stops at STOP", () => {
    const first = assemble(["PROTO", 2], ["BINGET", 1], "STOP")
    const second = assemble(["PROTO", 2], ["BINGET", 7], ["LONG_BINGET", 4_294_967_295], "STOP")
    const both = new Uint8Array([...first, ...second])
    expect(findMemoReads(both, 0)).toEqual(new Set([1]))
    expect(findMemoReads(both, first.length)).toEqual(new Set([7, 4_294_967_295]))
  })

  it("passes over every kind of operand, whatever bytes it holds", () => {
    const bytes = assemble(
      ["PROTO", 5],
      ["FRAME", 0],
      ["BINUNICODE", "h\u0001j."],
      ["SHORT_BINUNICODE", "h\u0002"],
      ["BINUNICODE8", "h\u0003"],
      ["GLOBAL", "module", "hj."],
      ["BININT", 0x2e682e68],
      ["BINGET", 9],
      "STOP",
    )
    expect(findMemoReads(bytes, 0)).toEqual(new Set([9]))
  })

  it("says nothing of a pickle that ends early or has an unknown opcode", () => {
    expect(findMemoReads(assemble(["PROTO", 2], ["BINGET", 1]), 0)).toBeUndefined()
    expect(findMemoReads(Uint8Array.of(0x80, 2, 0x68), 0)).toBeUndefined()
    expect(findMemoReads(Uint8Array.of(0x80, 2, 0xff, 0x2e), 0)).toBeUndefined()
    expect(findMemoReads(Uint8Array.of(0x80, 2, 0x58, 255, 255, 255, 255, 0x2e), 0)).toBeUndefined()
  })

  it("never misses a read of a pickle that decodes, however it was damaged", () => {
    const real = fc.constantFrom(...REAL.map(({ hex }) => bytesOf(hex)))
    fc.assert(
      fc.property(real, fc.nat(), fc.nat(255), (whole, position, byte) => {
        const bytes = whole.slice()
        bytes[position % bytes.length] = byte
        const decoded = decodedReads(bytes)
        if (decoded !== undefined) expect(findMemoReads(bytes, 0)).toEqual(decoded)
      }),
      { numRuns: depth({ quick: 800, deep: 5000 }), seed: 11 },
    )
  })
})

describe("Memo", () => {
  it("keeps what is read and counts what is stored", () => {
    const memo = new Memo(new Set([1, 70]))
    for (const index of [0, 1, 2, 1, 70, 3]) memo.set(index, `value ${index}`)
    expect(memo.size).toBe(5)
    expect([0, 1, 70, 99].map((index) => memo.get(index))).toEqual([
      undefined,
      "value 1",
      "value 70",
      undefined,
    ])
  })

  it("keeps everything where anything may be read", () => {
    const memo = new Memo(undefined)
    memo.set(5, "five")
    memo.set(0, "zero")
    expect([memo.get(5), memo.get(0), memo.size]).toEqual(["five", "zero", 2])
  })
})
