import { describe, expect, it } from "vitest"
import { toPlainValue } from "../../src/api/checkpoint.ts"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { PickleDict, PickleList, PickleSet, PickleTuple, type PickleValue } from "../../src/pickle/values.ts"
import { float, list, tuple } from "../torch/support.ts"

describe("plain values", () => {
  it("are made of values as deep as may be, without recursion", () => {
    let value: PickleValue = 7
    for (let level = 0; level < 200_000; level++) value = level % 2 === 0 ? tuple(value) : list(value)
    let plain = toPlainValue(value, { ...DEFAULT_LIMITS, maxNesting: 200_000 })
    for (let level = 0; level < 200_000; level++) plain = Array.isArray(plain) ? plain[0] : null
    expect(plain).toBe(7)
  })

  it("share what was shared, and each float is a number", () => {
    const shared = list(float(1.5), "x")
    const dict = new PickleDict()
    dict.set("a", shared)
    dict.set(float(2), new PickleSet(true, [shared, 1]))
    const plain = toPlainValue(new PickleTuple([dict, shared, new PickleList()]), DEFAULT_LIMITS)
    const [map, first, empty] = plain as [Map<unknown, unknown>, unknown, unknown]
    expect(map.get("a")).toBe(first)
    expect(map.get(2)).toEqual(new Set([first, 1]))
    expect([first, empty]).toEqual([[1.5, "x"], []])
  })

  it("are refused where something contains itself, through keys as well", () => {
    const refused = (value: PickleValue): string => {
      try {
        toPlainValue(value, DEFAULT_LIMITS)
        return "taken"
      } catch (error) {
        return isCheckpointError(error) ? error.code : String(error)
      }
    }
    const own = new PickleDict()
    own.set(tuple(own), null)
    expect(refused(own)).toBe("pickle-cycle")

    // The value refers to the key, which waits to be filled then, and the key to the value.
    const [key, value, both] = [new PickleList(), new PickleList(), new PickleDict()]
    key.append([value])
    value.append([key])
    both.set(key, value)
    expect(refused(both)).toBe("pickle-cycle")

    const [shared, twice] = [list(1), new PickleDict()]
    twice.set(tuple(shared), list(shared))
    expect(refused(twice)).toBe("taken")
    expect(refused(Array.from({ length: 201 }).reduce<PickleValue>((inner) => list(inner), null))).toBe(
      "limit-exceeded",
    )
  })
})
