import { describe, expect, it, vi } from "vitest"
import { unlessAborted } from "../../src/bytes/turns.ts"

const never = new Promise<never>(() => {})

describe("waits for one signal", () => {
  it("share a listener, which goes with the last of them", async () => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, "addEventListener")
    const removed = vi.spyOn(signal, "removeEventListener")
    const resolves: ((value: number) => void)[] = []
    const waits = Array.from({ length: 50 }, () =>
      unlessAborted(new Promise<number>((resolve) => resolves.push(resolve)), signal),
    )
    expect(added).toHaveBeenCalledTimes(1)
    for (const [i, resolve] of resolves.entries()) resolve(i)
    expect(await Promise.all(waits)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    await Promise.resolve()
    expect(removed).toHaveBeenCalledTimes(1)
    expect(await unlessAborted(7, signal)).toBe(7)
    expect(added).toHaveBeenCalledTimes(2)
  })

  it("all end with it, and those that come later at once", async () => {
    const controller = new AbortController()
    const { signal } = controller
    const waits = Array.from({ length: 50 }, () => unlessAborted(never, signal).catch((reason) => reason))
    controller.abort("enough")
    expect(new Set(await Promise.all(waits))).toEqual(new Set(["enough"]))
    await expect(unlessAborted(never, signal)).rejects.toBe("enough")
  })
})
