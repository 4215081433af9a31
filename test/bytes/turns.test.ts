/** Turns of the event loop, on a clock and a loop of the test's own. */

import { describe, expect, it } from "vitest"
import { sortedSteps } from "../../src/bytes/sorted.ts"
import { afterRest, atOnce, type Steps, Turns } from "../../src/bytes/turns.ts"

/** A clock that goes on when it is told to, and a loop that turns when it is told to. */
function makeLoop(): {
  readonly turns: Turns
  pass(milliseconds: number): void
  turn(): Promise<boolean>
} {
  let now = 0
  const waiting: (() => void)[] = []
  return {
    turns: new Turns({ now: () => now, soon: (go) => waiting.push(go) }),
    pass: (milliseconds) => {
      now += milliseconds
    },
    turn: async () => {
      const go = waiting.shift()
      go?.()
      // What was woken runs until it waits again.
      for (let i = 0; i < 20; i++) await Promise.resolve()
      return go !== undefined
    },
  }
}

function* work(steps: number, onStep: () => void): Steps<string> {
  for (let i = 0; i < steps; i++) {
    onStep()
    yield
  }
  return "done"
}

describe("Turns", () => {
  it("lets the loop turn once it has been held for 8 ms, and not before", async () => {
    const { turns, pass, turn } = makeLoop()
    let steps = 0
    const result = turns.take(
      work(100, () => {
        steps++
        pass(1)
      }),
    )
    // When the loop turned last is not known at first.
    expect(steps).toBe(1)
    const counts: number[] = []
    while (await turn()) counts.push(steps)
    expect(await result).toBe("done")
    expect(counts.slice(0, 3)).toEqual([9, 17, 25])
    expect(counts.length).toBe(13)
  })

  it("gives each that waits a turn of its own, in the order in which they came", async () => {
    const { turns, pass, turn } = makeLoop()
    const log: string[] = []
    const results = ["a", "b", "c"].map((name) =>
      turns.take(
        work(3, () => {
          log.push(name)
          pass(8)
        }),
      ),
    )
    expect(log.join("")).toBe("abc")
    let most = 0
    for (let before = log.length; await turn(); before = log.length)
      most = Math.max(most, log.length - before)
    expect(await Promise.all(results)).toEqual(["done", "done", "done"])
    expect(log.join("")).toBe("abcabcabc")
    expect(most).toBe(1)
  })

  it("ends with the signal's reason while others wait", async () => {
    const { turns, pass, turn } = makeLoop()
    const { signal, abort } = (() => {
      const controller = new AbortController()
      return { signal: controller.signal, abort: (reason: unknown) => controller.abort(reason) }
    })()
    let steps = 0
    const count = (): void => {
      steps++
      pass(8)
    }
    const ended = turns.take(work(1000, count), signal)
    const other = turns.take(work(3, () => pass(8)))
    await turn()
    abort("enough")
    await expect(ended).rejects.toBe("enough")
    const before = steps
    while (await turn()) {}
    expect(steps).toBe(before)
    expect(await other).toBe("done")
  })

  it("is not asked for a turn by work of one step", async () => {
    const { turns, turn } = makeLoop()
    expect(await turns.take(work(0, () => {}))).toBe("done")
    expect(await turn()).toBe(false)
  })

  it("throws what the steps throw", async () => {
    const { turns } = makeLoop()
    const failing = turns.take(
      work(1, () => {
        throw new RangeError("broken")
      }),
    )
    await expect(failing).rejects.toThrow("broken")
  })
})

describe("afterRest", () => {
  it("goes on at once when nothing is left, and behind what is left otherwise", () => {
    const log: string[] = []
    expect(afterRest(undefined, () => log.push("now"))).toBeUndefined()
    function* rest(): Steps<void> {
      log.push("rest")
      yield
    }
    const steps = afterRest(rest(), () => log.push("then"))
    expect(log).toEqual(["now"])
    if (steps !== undefined) atOnce(steps)
    expect(log).toEqual(["now", "rest", "then"])
  })
})

describe("sortedSteps", () => {
  it.each([0, 1, 2, 4095, 4096, 4097, 8193, 20_000])("sorts %i items as the engine does, stably", (count) => {
    let seed = 7
    const items = Array.from({ length: count }, (_, index) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return { key: seed % 500, index }
    })
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key
    expect(atOnce(sortedSteps(items, compare))).toEqual([...items].sort(compare))
    expect(atOnce(sortedSteps(items, compare, { runItems: 16 }))).toEqual([...items].sort(compare))
  })

  it("takes steps in proportion to the items", () => {
    const steps = (count: number): number => {
      const sorting = sortedSteps(
        Array.from({ length: count }, (_, i) => -i),
        (a, b) => a - b,
      )
      let taken = 0
      while (sorting.next().done !== true) taken++
      return taken
    }
    expect(steps(4096)).toBe(0)
    expect(steps(100_000)).toBeGreaterThan(100)
  })
})
