/** Servers that take a request and fall silent. The clock is the test's own: it goes when a server is silent. */

import type { ServerResponse } from "node:http"
import { describe, expect, it } from "vitest"
import { readExactly } from "../../src/bytes/read-exactly.ts"
import { Silence, type Waiting } from "../../src/http/range-reader.ts"
import { openUrlSource } from "../../src/http/url-source.ts"
import { openCheckpoint } from "../../src/index.ts"
import { type Fault, serveFile } from "./file-server.ts"

const FILE = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff)

/** More looks than a limit has. */
const LIMIT = 11

class TestClock implements Waiting {
  readonly waits: number[] = []
  readonly intervals: number[] = []
  readonly running = new Set<() => void>()
  readonly wait = async (milliseconds: number): Promise<void> => void this.waits.push(milliseconds)
  readonly every = (milliseconds: number, look: () => void): (() => void) => {
    const own = (): void => look()
    this.intervals.push(milliseconds)
    this.running.add(own)
    return () => this.running.delete(own)
  }

  tick(looks: number): void {
    for (let i = 0; i < looks; i++) for (const look of [...this.running]) look()
  }

  /** Says nothing while the time runs out. */
  readonly silent: Fault = () => {
    this.tick(LIMIT)
    return "answered"
  }

  /** Sends `count` bytes of the body and then nothing. */
  silentAfter(count: number): Fault {
    return (part, response) => {
      response.writeHead(part.status, part.headers)
      response.write(part.body.subarray(0, count), () => this.#tickUntilLeft(response))
      return "answered"
    }
  }

  /** One look in a turn of the event loop: what has been sent arrives between them, and whoever reads it gives up after it. */
  async #tickUntilLeft(response: ServerResponse): Promise<void> {
    while (!response.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      this.tick(1)
    }
  }
}

async function refusal(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.unreachable(),
    (thrown: unknown) => thrown,
  )
}

describe("the limit", () => {
  const watch = (limitMs: number, caller = new AbortController()) => {
    const clock = new TestClock()
    const silence = new Silence(limitMs, caller.signal, () => "stalled", clock.every)
    return { clock, silence, caller }
  }

  it("is reached by looks in a row that find nothing", () => {
    const { clock, silence } = watch(30_000)
    expect(clock.intervals).toEqual([3000])
    clock.tick(10)
    silence.broken()
    clock.tick(10)
    expect(silence.signal.aborted).toBe(false)
    clock.tick(1)
    expect(silence.signal.reason).toBe("stalled")
  })

  it("is none with 0 and Infinity", () => {
    for (const limitMs of [0, Number.POSITIVE_INFINITY]) {
      const { clock, silence, caller } = watch(limitMs)
      expect(clock.running.size).toBe(0)
      caller.abort("enough")
      expect(silence.signal.reason).toBe("enough")
    }
  })

  it("is not counted with more milliseconds than timers know", () => {
    expect(watch(Number.MAX_VALUE).clock.intervals).toEqual([2 ** 31 - 1])
  })

  it("leaves no timer and no listener", () => {
    const { clock, silence, caller } = watch(1000)
    silence.end()
    expect(clock.running.size).toBe(0)
    caller.abort("enough")
    expect(silence.signal.aborted).toBe(false)
  })
})

describe("a server that is silent", () => {
  it("from the first request on is asked twice", async () => {
    await using server = await serveFile(FILE)
    const clock = new TestClock()
    server.always = clock.silent
    const error = await refusal(openUrlSource(server.url, { ...clock, stallTimeoutMs: 5000 }))
    expect(error).toMatchObject({ code: "read-failed", cause: { name: "TimeoutError" } })
    expect(String(error)).toContain("sent nothing for 5 seconds")
    expect([server.asked.length, clock.waits.length, clock.running.size]).toEqual([2, 1, 0])
  })

  it("later is asked five times, with pauses", async () => {
    await using server = await serveFile(FILE)
    const clock = new TestClock()
    const source = await openUrlSource(server.url, clock)
    server.always = clock.silent
    const error = await refusal(readExactly(source, { offset: 300_000, length: 9 }))
    expect(String(error)).toContain("sent nothing for 30 seconds")
    expect([server.asked.length, clock.waits.length, clock.running.size]).toEqual([6, 4, 0])
    expect(clock.intervals.every((interval) => interval === 3000)).toBe(true)
  })

  it("for a time is no failure, midway neither", async () => {
    await using server = await serveFile(FILE)
    const clock = new TestClock()
    const source = await openUrlSource(server.url, clock)
    server.faults.push(clock.silent, clock.silentAfter(0), clock.silentAfter(150_000))
    const bytes = await readExactly(source, { offset: 100_000, length: 400_000 })
    expect(Buffer.compare(bytes, FILE.subarray(100_000, 500_000))).toBe(0)
    expect([server.asked.length, clock.running.size]).toEqual([5, 0])
    const rest = server.asked.at(-1)?.range
    expect(Number(/^bytes=(\d+)-499999$/.exec(rest ?? "")?.[1])).toBeGreaterThan(100_000)
  })

  it("when it has sent everything is not asked again", async () => {
    await using server = await serveFile(FILE)
    const clock = new TestClock()
    const source = await openUrlSource(server.url, clock)
    server.faults.push((part, response, asked) => {
      delete part.headers["content-length"]
      return clock.silentAfter(part.body.length)(part, response, asked)
    })
    const bytes = await readExactly(source, { offset: 300_000, length: 100_000 })
    expect(Buffer.compare(bytes, FILE.subarray(300_000, 400_000))).toBe(0)
    expect([server.asked.length, clock.running.size]).toEqual([2, 0])
  })

  it("is left with the caller's signal", async () => {
    await using server = await serveFile(FILE)
    const clock = new TestClock()
    const source = await openUrlSource(server.url, clock)
    const controller = new AbortController()
    server.always = () => {
      controller.abort("enough")
      return "answered"
    }
    expect(await refusal(readExactly(source, { offset: 300_000, length: 9 }, controller.signal))).toBe(
      "enough",
    )
    await expect.poll(() => clock.running.size).toBe(0)
  })

  it("is left though a fetch of the caller's own takes no notice", async () => {
    const clock = new TestClock()
    const fetch = (): Promise<Response> => {
      setTimeout(() => clock.tick(LIMIT), 0)
      return new Promise(() => {})
    }
    const error = await refusal(openUrlSource(new URL("https://a.example/m"), { ...clock, fetch }))
    expect(error).toMatchObject({ code: "read-failed" })
  })

  it("is left by the clock of the platform", async () => {
    await using server = await serveFile(FILE)
    server.always = () => "answered"
    const { wait } = new TestClock()
    const error = await refusal(openUrlSource(server.url, { wait, stallTimeoutMs: 20 }))
    expect(String(error)).toContain("sent nothing for 0.02 seconds")
  })
})

it.each([-1, Number.NaN, "5", null])("stallTimeoutMs of %j is refused", async (stallTimeoutMs) => {
  const http = { stallTimeoutMs } as object
  const error = await refusal(openCheckpoint(new URL("http://127.0.0.1:1/m"), { http }))
  expect(error).toMatchObject({ code: "invalid-argument", detail: { argument: "http" } })
})
