/** Every call of an output goes wrong, in every way, and so does every piece of a stream that is taken in. */

import { readdirSync } from "node:fs"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import * as universal from "../../src/index.ts"
import { type ByteSink, toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import { settle } from "../api/sample.ts"
import { places } from "../depth.ts"
import { largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { refusal } from "../node/refusal.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { mixedTensors } from "../transfer/plans.ts"

const newFolder = temporaryFolders()
const SMALL = writeCheckpoint(mixedTensors())
const LARGE = largeCheckpoint(5)

const never = (): Promise<never> => new Promise(() => {})
const failure = new Error("told to fail")
const FAULTS: readonly (readonly [string, () => Promise<void>])[] = [
  ["rejects", () => Promise.reject(failure)],
  [
    "throws at once",
    () => {
      throw failure
    },
  ],
]

interface WatchedSink extends ByteSink {
  calls: number
  readonly aborts: unknown[]
  closed: number
}

/** Answers late, as real ones do; call number `at` is made of `fault`. */
function sinkOf(randomAccess: boolean, at: number, fault: () => Promise<void>): WatchedSink {
  const call = (): Promise<void> =>
    sink.calls++ === at ? fault() : new Promise((resolve) => setImmediate(resolve))
  const sink: WatchedSink = {
    randomAccess,
    calls: 0,
    closed: 0,
    aborts: [],
    open: call,
    write: call,
    close: () => {
      sink.closed += 1
      return call()
    },
    abort: async (reason) => void sink.aborts.push(reason),
  }
  return sink
}

describe.concurrent.each([true, false])("a sink (random access: %s)", (randomAccess) => {
  it("whose open, any write, or close fails is aborted once, and its error gets out", async () => {
    const counting = sinkOf(randomAccess, -1, never)
    await toSafetensors(LARGE, counting)
    for (const [name, fault] of FAULTS) {
      for (const at of places(counting.calls, 4)) {
        const sink = sinkOf(randomAccess, at, fault)
        await expect(toSafetensors(LARGE, sink), `call ${at} ${name}`).rejects.toBe(failure)
        expect(sink.aborts).toEqual([failure])
      }
    }
  })

  it("of which any call never ends is left with the signal, and aborted all the same", async () => {
    const counting = sinkOf(randomAccess, -1, never)
    await toSafetensors(LARGE, counting)
    const runs = places(counting.calls, 4).map(async (at) => {
      const controller = new AbortController()
      const sink = sinkOf(randomAccess, at, () => {
        setImmediate(() => controller.abort("enough"))
        return never()
      })
      await expect(toSafetensors(LARGE, sink, { signal: controller.signal })).rejects.toBe("enough")
      expect(sink.aborts).toEqual(["enough"])
    })
    await Promise.all(runs)
  })

  it("whose abort fails, or never ends, does not hide why", async () => {
    const aborts = [...FAULTS.map(([, fault]) => fault), never]
    const runs = aborts.flatMap((abort) =>
      [0, 1, 2].map(async (at) => {
        const sink = { ...sinkOf(randomAccess, at, () => Promise.reject(failure)), abort }
        await expect(toSafetensors(SMALL, sink)).rejects.toBe(failure)
        const refused = { ...sinkOf(randomAccess, -1, never), abort }
        expect((await refusal(toSafetensors(new Uint8Array(10), refused))).code).toBe("not-a-checkpoint")
      }),
    )
    await Promise.all(runs)
  })

  it("that is closed soon after the signal has been closed", async () => {
    const controller = new AbortController()
    const sink = sinkOf(randomAccess, -1, never)
    const close = async (): Promise<void> => {
      controller.abort("late")
      await new Promise((resolve) => setTimeout(resolve, 5))
      sink.closed += 1
    }
    await toSafetensors(SMALL, { ...sink, close }, { signal: controller.signal })
    expect([sink.closed, sink.aborts]).toEqual([1, []])
  })
})

describe("a writable stream", () => {
  it("that fails in any write, its close or its abort passes on why, and is not left locked open", async () => {
    let writes = 0
    await toSafetensors(LARGE, new WritableStream({ write: () => void writes++ }))
    for (const at of places(writes, 3)) {
      for (const abort of [async () => {}, () => Promise.reject(new Error("abort")), never]) {
        let write = 0
        const output = new WritableStream({
          write: () => (write++ === at ? Promise.reject(failure) : Promise.resolve()),
          abort,
        })
        await expect(toSafetensors(LARGE, output)).rejects.toBe(failure)
      }
    }
    const closing = new WritableStream({ close: () => Promise.reject(failure) })
    await expect(toSafetensors(SMALL, closing)).rejects.toBe(failure)
  })

  it("whose abort never ends does not hide why the checkpoint was refused", async () => {
    const output = new WritableStream({ abort: never })
    expect((await refusal(toSafetensors(new Uint8Array(10), output))).code).toBe("not-a-checkpoint")
  })
})

describe("a stream that is taken in", () => {
  let spoolFolder = ""
  beforeEach(() => {
    spoolFolder = newFolder()
    vi.stubEnv("TMPDIR", spoolFolder)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    expect(readdirSync(spoolFolder), "temporary files that are left").toEqual([])
  })

  const BUILDS = [
    ["Node", toSafetensorsBytes],
    ["universal", universal.toSafetensorsBytes],
  ] as const
  const PIECE_BYTES = Math.ceil(SMALL.length / 12)

  /** Yields `SMALL` in pieces; piece number `at` is what `fault` makes of it. */
  function faultyStream(
    at: number,
    fault: (controller: ReadableStreamDefaultController) => unknown,
    cancel: (reason: unknown) => Promise<void> = async () => {},
  ): ReadableStream<Uint8Array> {
    let piece = 0
    return new ReadableStream(
      {
        pull(controller) {
          if (piece === at) return fault(controller) as Promise<void>
          if (piece * PIECE_BYTES >= SMALL.length) return controller.close()
          controller.enqueue(SMALL.slice(piece * PIECE_BYTES, ++piece * PIECE_BYTES))
        },
        cancel,
      },
      { highWaterMark: 0 },
    )
  }

  it.each(BUILDS)("fails at every piece with a typed error (%s build)", async (_, convert) => {
    for (let at = 0; at <= 12; at++) {
      const failing = refusal(convert(faultyStream(at, (controller) => controller.error(failure))))
      expect(await failing).toMatchObject({ code: "read-failed", cause: failure })
      const throws = refusal(convert(faultyStream(at, () => Promise.reject(failure))))
      expect((await throws).code).toBe("read-failed")
      if (at === 0 || at === 12) continue
      const early = refusal(convert(faultyStream(at, (controller) => controller.close())))
      expect(["truncated", "not-a-checkpoint", "zip-end-record"]).toContain((await early).code)
    }
  })

  it.each(BUILDS)(
    "that yields what is no bytes is cancelled, and need not answer (%s build)",
    async (_, convert) => {
      for (const strange of ["words", 7, null, new ArrayBuffer(4), undefined]) {
        for (const at of [0, 5]) {
          let cancelled = 0
          const stream = faultyStream(
            at,
            (controller) => controller.enqueue(strange),
            () => {
              cancelled += 1
              return never()
            },
          )
          expect((await refusal(convert(stream))).code).toBe("read-failed")
          await settle()
          expect(cancelled, String(strange)).toBe(1)
        }
      }
    },
  )

  it.each(BUILDS)("that says nothing any more is left with the signal (%s build)", async (_, convert) => {
    for (let at = 0; at <= 12; at++) {
      const controller = new AbortController()
      const reasons: unknown[] = []
      const silent = (): Promise<never> => {
        setImmediate(() => controller.abort("enough"))
        return never()
      }
      const stream = faultyStream(at, silent, (reason) => {
        reasons.push(reason)
        return never()
      })
      await expect(convert(stream, { signal: controller.signal })).rejects.toBe("enough")
      await settle()
      expect(reasons).toEqual(["enough"])
    }
  })
})
