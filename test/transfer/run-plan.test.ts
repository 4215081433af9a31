import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { crc32 } from "../../src/bytes/crc32.ts"
import { isCheckpointError, toSafetensorsBytes } from "../../src/index.ts"
import { runPlan } from "../../src/transfer/run-plan.ts"
import { depth, places } from "../depth.ts"
import { Conductor, FillingSource, SlowSource, settle, WatchingSink } from "./instruments.ts"
import { mixedTensors, overSource, type Planned, planOf } from "./plans.ts"

const SIZES = {
  chunkBytes: 256,
  chunksInFlight: 4,
  smallGatherBytes: 128,
  directBytes: 512,
  windowBytes: 512,
  directWindowBytes: 512,
}

/** Orders in which things get done. */
const SEEDS = depth({ quick: 4, deep: 25 })

const unhandled: unknown[] = []
const keep = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on("unhandledRejection", keep)
})
afterEach(async () => {
  await settle()
  process.off("unhandledRejection", keep)
  expect(unhandled).toEqual([])
})

const FILES = [
  ["stored", {}],
  ["deflated", { deflated: (name: string) => name.includes("data/") }],
  ["big-endian", { byteOrder: "big" }],
  ["without checksums", { checksums: false }],
] as const

const plannedFiles = Promise.all(FILES.map(([, style]) => planOf(mixedTensors(), style)))

async function planned(index: number): Promise<Planned> {
  const found = (await plannedFiles)[index]
  if (found === undefined) throw new Error("no such file")
  return found
}

interface Run {
  readonly source: SlowSource
  readonly sink: WatchingSink
  readonly done: Promise<void>
}

interface RunSettings {
  readonly randomAccess: boolean
  readonly signal?: AbortSignal
  readonly filling?: boolean
}

function start({ file, plan }: Planned, conductor: Conductor, settings: RunSettings): Run {
  const Source = settings.filling ? FillingSource : SlowSource
  const source = new Source(file, conductor)
  const sink = new WatchingSink(settings.randomAccess, conductor)
  const onProgress = (): void => conductor.strike()
  const { signal } = settings
  const done = runPlan(overSource(plan, source), sink, { crc32, sizes: SIZES, onProgress, signal })
  return { source, sink, done }
}

describe.each(FILES.map(([name], index) => [name, index] as const))("a %s checkpoint", (_, index) => {
  it.each([true, false])("is written byte by byte exactly once (random access: %s)", async (randomAccess) => {
    const given = await planned(index)
    const { bytes } = await toSafetensorsBytes(given.file)
    for (let seed = 0; seed < SEEDS; seed++) {
      const { sink, done } = start(given, new Conductor(seed), { randomAccess, filling: seed % 2 === 1 })
      await done
      expect(Buffer.compare(sink.bytes, bytes)).toBe(0)
      expect(sink).toMatchObject({ complaints: [], aborts: [], closed: 1, coveredOnce: true })
    }
  })

  it.each([true, false])(
    "ends with the failure of any operation, one abort, and nothing after (random access: %s)",
    async (randomAccess) => {
      const given = await planned(index)
      const counting = new Conductor(3)
      await start(given, counting, { randomAccess }).done
      expect(counting.operations).toBeGreaterThan(20)
      for (const failAt of places(counting.operations, 12)) {
        const conductor = new Conductor(3)
        conductor.failAt = failAt
        const { source, sink, done } = start(given, conductor, { randomAccess })
        const error: unknown = await done.then(
          () => expect.unreachable(`operation ${failAt} failed`),
          (reason: unknown) => reason,
        )
        // What a source throws is explained; all else is passed on as it is.
        const original = isCheckpointError(error) && error.code === "read-failed" ? error.cause : error
        expect(original).toBe(conductor.failure)
        expect(sink).toMatchObject({ complaints: [], aborts: [error], underWay: 0 })
        expect(source.underWay).toBe(0)
        const { operations } = conductor
        await settle()
        expect(conductor.operations).toBe(operations)
      }
    },
  )

  it.each([true, false])(
    "ends with the signal's own reason, whenever it comes (random access: %s)",
    async (randomAccess) => {
      const given = await planned(index)
      const counting = new Conductor(4)
      await start(given, counting, { randomAccess }).done
      for (const abortAt of places(counting.operations, 12)) {
        const reason = { at: abortAt }
        const controller = new AbortController()
        const conductor = new Conductor(4)
        conductor.failAt = abortAt
        conductor.instead = () => controller.abort(reason)
        const { sink, done } = start(given, conductor, { randomAccess, signal: controller.signal })
        const error: unknown = await done.then(
          () => "done",
          (thrown: unknown) => thrown,
        )
        // The last operation is `close`: what is done is done.
        if (abortAt === counting.operations - 1) expect(error).toBe("done")
        else expect(error).toBe(reason)
        expect(sink.complaints).toEqual([])
        expect(sink.aborts).toEqual(error === "done" ? [] : [reason])
      }
    },
  )

  it("does nothing under a signal that was aborted before", async () => {
    const conductor = new Conductor(1)
    const signal = AbortSignal.abort("before")
    const { source, sink, done } = start(await planned(index), conductor, { randomAccess: true, signal })
    await expect(done).rejects.toBe("before")
    expect([source.reads, sink.writes, sink.aborts]).toEqual([0, 0, ["before"]])
  })
})

describe("a sink", () => {
  const broken = {
    randomAccess: true,
    write: () => Promise.reject(new Error("full")),
    close: async () => {},
  }

  it("whose abort fails too does not hide the first failure", async () => {
    const { transfer } = await planned(0)
    const sinks = [
      { ...broken, abort: () => Promise.reject(new Error("abort")) },
      {
        ...broken,
        abort: (): Promise<void> => {
          throw new Error("abort")
        },
      },
    ]
    for (const sink of sinks) await expect(runPlan(transfer, sink, { crc32 })).rejects.toThrow("full")
  })

  it("that answers nothing from abort, as plain JavaScript may, is no failure of its own", async () => {
    const { transfer } = await planned(0)
    const abort = (() => undefined) as unknown as () => Promise<void>
    await expect(runPlan(transfer, { ...broken, abort }, { crc32 })).rejects.toThrow("full")
  })

  it("gets no more than the chunks in flight before it takes any", async () => {
    const { file, plan } = await planned(0)
    const conductor = new Conductor(1)
    const source = new SlowSource(file, conductor)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const sink = { randomAccess: false, write: () => held, close: async () => {}, abort: async () => {} }
    const done = runPlan(overSource(plan, source), sink, { crc32, sizes: SIZES })
    await settle()
    const { reads } = source
    await settle()
    expect(source.reads).toBe(reads)
    expect(reads).toBeLessThan(30)
    release()
    await done
  })
})

describe("a plan that does not add up", () => {
  it.each([
    ["a gap", 1, 0],
    ["an overlap", -1, 0],
    ["a length that is too short", 0, -1],
    ["a length that is too long", 0, 1],
  ])("because of %s is given up before anything is written", async (_, move, more) => {
    const { transfer } = await planned(0)
    const segments = transfer.segments.map((segment, i) =>
      i === 0 ? segment : { ...segment, start: segment.start + move },
    )
    const sink = new WatchingSink(true, new Conductor(1))
    const wrong = { ...transfer, segments, byteLength: transfer.byteLength + more }
    await expect(runPlan(wrong, sink, { crc32 })).rejects.toMatchObject({ code: "output-incomplete" })
    expect([sink.writes, sink.aborts.length, sink.complaints]).toEqual([0, 1, []])
  })
})
