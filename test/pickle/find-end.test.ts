import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { findPickleEndSteps } from "../../src/pickle/decode.ts"
import { assemble, hex, join, pickle2, pickle5 } from "./assemble.ts"
import { refusal } from "./run.ts"

const endOf = (bytes: Uint8Array, start = 0, limits: Partial<Limits> = {}) =>
  atOnce(findPickleEndSteps(bytes, start, "p", { ...DEFAULT_LIMITS, ...limits }))

describe("findPickleEndSteps", () => {
  const first = pickle2(["BINUNICODE", "a.b"])
  const second = pickle5(["FRAME", 1], "NONE")
  const both = join([first, second, hex("00 00")])

  it("finds the STOP, which is not any full stop", () => {
    expect(endOf(both)).toBe(first.length)
    expect(endOf(both, first.length)).toBe(first.length + second.length)
  })

  it("finds none in a pickle that is cut off anywhere", () => {
    for (let length = 0; length < first.length; length++)
      expect(endOf(first.subarray(0, length))).toBeUndefined()
    expect(endOf(first, first.length)).toBeUndefined()
  })

  it("refuses what cannot be decoded", () => {
    expect(refusal(() => endOf(hex("80 02 ff 2e"))).code).toBe("pickle-opcode")
    expect(refusal(() => endOf(hex("80 02 58 01 00 00 00 ff 2e"))).code).toBe("pickle-text")
  })

  it("reads maxOpcodes opcodes and no more", () => {
    const bytes = assemble(["PROTO", 2], "NONE", "STOP")
    expect(endOf(bytes, 0, { maxOpcodes: 3 })).toBe(4)
    expect(refusal(() => endOf(bytes, 0, { maxOpcodes: 2 })).code).toBe("limit-exceeded")
  })
})
