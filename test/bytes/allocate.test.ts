import { describe, expect, it } from "vitest"
import { allocate } from "../../src/bytes/failures.ts"
import { refusal } from "../pickle/run.ts"

describe("allocate", () => {
  it("gives zeros", () => {
    expect(allocate(3, "x")).toEqual(new Uint8Array(3))
  })

  it("says that there is no room, instead of the engine", () => {
    const error = refusal(() => allocate(2 ** 52, "a/data/0"))
    expect(error).toMatchObject({ code: "read-failed", cause: expect.any(RangeError) })
    expect(error.message).toContain("4503599627370496 bytes of a/data/0")
  })
})
