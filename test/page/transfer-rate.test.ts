import { describe, expect, it } from "vitest"
import { sayDuration } from "../../examples/web/src/model/quantities.ts"
import { TransferRate } from "../../examples/web/src/model/transfer-rate.ts"

function rateOf(...samples: readonly (readonly [at: number, done: number])[]): TransferRate {
  const rate = new TransferRate()
  for (const [at, done] of samples) rate.add(at, done)
  return rate
}

describe("TransferRate", () => {
  it("says nothing before a second has passed", () => {
    expect(rateOf([0, 0], [900, 900]).bytesPerSecond).toBeUndefined()
    expect(rateOf().secondsLeft(10)).toBeUndefined()
  })

  it("is what happened in the last seconds", () => {
    const rate = rateOf([0, 0], [1000, 9000], [2000, 9100], [4000, 9300], [6500, 9550])
    expect(rate.bytesPerSecond).toBe(100)
    expect(rate.secondsLeft(10_050)).toBe(5)
  })

  it("says nothing while nothing goes on, and begins anew when less is done", () => {
    expect(rateOf([0, 5], [2000, 5]).bytesPerSecond).toBeUndefined()
    expect(rateOf([0, 5000], [2000, 9000], [2100, 0], [3100, 50]).bytesPerSecond).toBe(50)
  })
})

describe("sayDuration", () => {
  it.each([
    [0.2, "1 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [3599, "1 h"],
    [4800, "1 h 20 min"],
  ])("says %s seconds as %s", (seconds, said) => {
    expect(sayDuration(seconds)).toBe(said)
  })
})
