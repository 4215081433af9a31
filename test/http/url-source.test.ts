/** Range requests against a server on this machine, whose answers go wrong one by one. */

import { describe, expect, it } from "vitest"
import { readExactly } from "../../src/bytes/read-exactly.ts"
import { type AnyCheckpointError, isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { openUrlSource, type UrlSource, type UrlSourceOptions } from "../../src/http/url-source.ts"
import { answerWith, breakOffAfter, type Fault, type FileServer, serveFile } from "./file-server.ts"

/** Longer than head and tail together. */
const FILE = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff)

const waits: number[] = []
const OPTIONS: UrlSourceOptions = { wait: async (milliseconds) => void waits.push(milliseconds) }

async function refusal(work: Promise<unknown>): Promise<AnyCheckpointError> {
  const error = await work.then(
    () => expect.unreachable(),
    (thrown: unknown) => thrown,
  )
  return isCheckpointError(error) ? error : expect.unreachable(String(error))
}

async function expectBytes(source: UrlSource, offset: number, length: number): Promise<void> {
  const bytes = await readExactly(source, { offset, length })
  expect(Buffer.compare(bytes, FILE.subarray(offset, offset + length))).toBe(0)
}

const ranges = ({ asked }: FileServer): readonly (string | undefined)[] => asked.map(({ range }) => range)

describe("opening", () => {
  it("takes one request, which brings length and head", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    expect(source.byteLength).toBe(600_000)
    await expectBytes(source, 0, 512)
    await expectBytes(source, 100, 65_436)
    expect(ranges(server)).toEqual(["bytes=0-65535"])
  })

  it("of a short file brings all of it", async () => {
    await using server = await serveFile(FILE.subarray(0, 1000))
    const source = await openUrlSource(server.url, OPTIONS)
    expect(source.byteLength).toBe(1000)
    await expectBytes(source, 0, 1000)
    expect(server.asked.length).toBe(1)
  })

  it("of an empty file gives an empty source", async () => {
    await using server = await serveFile(new Uint8Array(0))
    expect((await openUrlSource(server.url, OPTIONS)).byteLength).toBe(0)
  })

  it.each([
    [401, "it wants to know who asks"],
    [403, "it does not allow this"],
    [404, "no such file"],
    [410, "no such file any more"],
    [418, "418"],
  ])("says what a status of %d means, and does not ask again", async (status, reason) => {
    await using server = await serveFile(FILE)
    server.always = answerWith(status)
    const error = await refusal(openUrlSource(server.url, OPTIONS))
    expect(error).toMatchObject({ code: "read-failed", detail: { path: server.url.href } })
    expect(error.message).toContain(reason)
    expect(server.asked.length).toBe(1)
  })

  it("of a server without ranges downloads nothing", async () => {
    const endless = { byteLength: 2 ** 40, slice: () => new Uint8Array(0) }
    await using server = await serveFile(endless)
    let closed = false
    let written = 0
    server.always = (_, response) => {
      response.writeHead(200, { "content-length": String(2 ** 40) })
      const piece = new Uint8Array(1 << 20)
      const write = (): void => {
        if (closed) return
        written += piece.length
        response.write(piece, write)
      }
      response.on("close", () => {
        closed = true
      })
      write()
      return "answered"
    }
    const error = await refusal(openUrlSource(server.url, OPTIONS))
    expect(error.message).toContain("it knows no range requests")
    await expect.poll(() => closed).toBe(true)
    expect(written).toBeLessThan(64 << 20)
  })

  it("of a server that is not there fails after a second try, and says why", async () => {
    const server = await serveFile(FILE)
    await server[Symbol.asyncDispose]()
    waits.length = 0
    const error = await refusal(openUrlSource(server.url, OPTIONS))
    expect(error.message).toContain("ECONNREFUSED")
    expect(waits.length).toBe(1)
  })

  it("names CORS where a page is told nothing", async () => {
    const fetch = (): Promise<Response> => Promise.reject(new TypeError("Failed to fetch"))
    const error = await refusal(openUrlSource(new URL("https://a.example/x"), { ...OPTIONS, fetch }))
    expect(error.message).toContain("CORS")
  })

  it("keeps queries, which may be signatures, out of messages", async () => {
    await using server = await serveFile(FILE)
    server.always = answerWith(403)
    const error = await refusal(openUrlSource(new URL("?signature=secret", server.url), OPTIONS))
    expect(JSON.stringify(error)).not.toContain("secret")
    expect(server.asked[0]?.path).toBe("/model.pt?signature=secret")
  })

  it.each(["file:///model.pt", "ftp://a.example/m", "data:,x", "https://me:pw@a.example/m"])(
    "refuses %s",
    async (url) => {
      const error = await refusal(openUrlSource(new URL(url), OPTIONS))
      expect(error.code).toBe("invalid-argument")
      expect(error.message).not.toContain("pw")
    },
  )
})

const set =
  (name: string, value: string): Fault =>
  ({ headers }) => {
    headers[name] = value
  }
const drop =
  (name: string): Fault =>
  ({ headers }) => {
    delete headers[name]
  }

/** Answers to a request for 100 bytes from 300,000 on, and what is said of them. */
const WRONG: readonly (readonly [string, Fault, AnyCheckpointError["code"], string])[] = [
  ["another range", set("content-range", "bytes 300001-300100/600000"), "read-failed", "100 from 300001 on"],
  ["a shorter range", set("content-range", "bytes 300000-300098/600000"), "read-failed", "99 from 300000 on"],
  ["a longer range", set("content-range", "bytes 300000-300100/600000"), "read-failed", "101 from 300000 on"],
  ["no range", drop("content-range"), "read-failed", "Access-Control-Expose-Headers"],
  ["a range that cannot be", set("content-range", "bytes 9-3/600000"), "read-failed", "cannot be"],
  [
    "a range without a length",
    set("content-range", "bytes 300000-300099/*"),
    "read-failed",
    "how long the file is",
  ],
  [
    "a range in other units",
    set("content-range", "items 300000-300099/600000"),
    "read-failed",
    "Content-Range",
  ],
  [
    "another length of the file",
    set("content-range", "bytes 300000-300099/600001"),
    "input-changed",
    "600001 now",
  ],
  ["another ETag", set("etag", '"two"'), "input-changed", "another version"],
  ["no ETag any more", drop("etag"), "input-changed", "another version"],
  ["a weak ETag now", set("etag", 'W/"one"'), "input-changed", "another version"],
  ["a compressed form", set("content-encoding", "br"), "read-failed", "compressed"],
  ["the whole file", answerWith(200), "read-failed", "no range requests"],
  ["416", answerWith(416), "read-failed", "416"],
  ["416 and another length", answerWith(416, { "content-range": "bytes */5" }), "input-changed", "has 5 now"],
  ["403", answerWith(403), "read-failed", "does not allow this"],
  [
    "a body that is too long",
    (part) => {
      part.body = new Uint8Array(101)
      delete part.headers["content-length"]
    },
    "read-failed",
    "more bytes",
  ],
  [
    "a length of the body that is another",
    (part) => {
      part.body = new Uint8Array(99)
      part.headers["content-length"] = "99"
    },
    "read-failed",
    "another length",
  ],
]

describe("an answer with", () => {
  it.each(WRONG)("%s is an error, at once", async (_, fault, code, text) => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    server.faults.push(fault)
    const error = await refusal(readExactly(source, { offset: 300_000, length: 100 }))
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
    expect(server.asked.length).toBe(2)
  })

  it("a version is held to the time of change where there is no strong ETag", async () => {
    for (const etag of [undefined, 'W/"one"']) {
      await using server = await serveFile(FILE)
      server.etag = etag
      server.always = set("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT")
      const source = await openUrlSource(server.url, OPTIONS)
      await expectBytes(source, 300_000, 100)
      server.always = set("last-modified", "Mon, 01 Jan 2024 00:00:01 GMT")
      const error = await refusal(readExactly(source, { offset: 400_000, length: 100 }))
      expect(error.code).toBe("input-changed")
    }
  })
})

describe("a failure that may pass", () => {
  it.each<[string, readonly Fault[]]>([
    ["500, then 503", [answerWith(500), answerWith(503)]],
    ["429", [answerWith(429)]],
    ["a connection that is cut", [breakOffAfter(0)]],
    ["a body that breaks off, twice", [breakOffAfter(150_000), breakOffAfter(60_000)]],
    ["four in a row", [500, 502, 504, 599].map((status) => answerWith(status))],
  ])("(%s) is tried again", async (_, faults) => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    server.faults.push(...faults)
    await expectBytes(source, 100_000, 400_000)
    expect(server.asked.length).toBe(2 + faults.length)
  })

  it("goes on where the body broke off", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    server.faults.push(breakOffAfter(150_000))
    await expectBytes(source, 100_000, 400_000)
    const [, whole, rest] = ranges(server)
    expect(whole).toBe("bytes=100000-499999")
    const from = Number(/^bytes=(\d+)-499999$/.exec(rest ?? "")?.[1])
    expect(from).toBeGreaterThan(100_000)
    expect(from).toBeLessThanOrEqual(250_000)
  })

  it("is not joined with the rest of another version", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    server.faults.push(breakOffAfter(150_000), set("etag", '"two"'))
    const error = await refusal(readExactly(source, { offset: 100_000, length: 400_000 }))
    expect(error.code).toBe("input-changed")
  })

  it("that does not pass is an error after five requests", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    server.always = answerWith(503)
    waits.length = 0
    const error = await refusal(readExactly(source, { offset: 300_000, length: 9 }))
    expect(error.message).toContain("503")
    expect(server.asked.length).toBe(6)
    const most = [250, 500, 1000, 2000]
    expect(waits.length).toBe(most.length)
    expect(waits.every((wait, i) => wait >= (most[i] ?? 0) / 2 && wait <= (most[i] ?? 0))).toBe(true)
  })

  it("waits as long as the server asks, up to a minute", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    waits.length = 0
    server.faults.push(answerWith(429, { "retry-after": "7" }))
    await expectBytes(source, 300_000, 9)
    server.faults.push(answerWith(503, { "retry-after": new Date(Date.now() + 30_000).toUTCString() }))
    await expectBytes(source, 400_000, 9)
    expect(waits[0]).toBe(7000)
    expect(waits[1]).toBeGreaterThan(25_000)
    server.faults.push(answerWith(429, { "retry-after": "61" }))
    await refusal(readExactly(source, { offset: 500_000, length: 9 }))
    expect(waits.length).toBe(2)
  })

  it("that is waited for ends with the signal", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, {})
    server.always = answerWith(429, { "retry-after": "60" })
    const controller = new AbortController()
    const read = readExactly(source, { offset: 300_000, length: 9 }, controller.signal)
    await expect.poll(() => server.asked.length).toBe(2)
    controller.abort("enough")
    await expect(read).rejects.toBe("enough")
  })
})

describe("reads", () => {
  it("that lie close together in one turn share a request", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    const offsets = [300_500, 300_000, 300_100, 300_200, 340_000, 500_000]
    await Promise.all(offsets.map((offset) => expectBytes(source, offset, 150)))
    expect(ranges(server).slice(1).sort()).toEqual(["bytes=300000-340149", "bytes=500000-500149"])
  })

  it("of what has just been fetched cost nothing, and of the rest only the rest", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    await expectBytes(source, 500_000, 100_000)
    await expectBytes(source, 550_000, 50_000)
    await expectBytes(source, 60_000, 10_000)
    await expectBytes(source, 400_000, 150_000)
    await expectBytes(source, 0, 600_000)
    expect(ranges(server).slice(1)).toEqual([
      "bytes=500000-599999",
      "bytes=65536-69999",
      "bytes=400000-499999",
      "bytes=70000-499999",
    ])
  })

  it("are joined to requests of no more than 8 MiB", async () => {
    const large = {
      byteLength: 40_000_000,
      slice: (start: number, end: number) => new Uint8Array(end - start),
    }
    await using server = await serveFile(large)
    const source = await openUrlSource(server.url, OPTIONS)
    await Promise.all(Array.from({ length: 4 }, (_, i) => source.read(10_000_000 + i * 3_000_000, 3_000_000)))
    // One read alone may be longer.
    expect((await source.read(25_000_000, 9_000_000)).length).toBe(9_000_000)
    expect(ranges(server).slice(1)).toEqual([
      "bytes=10000000-15999999",
      "bytes=16000000-21999999",
      "bytes=25000000-33999999",
    ])
  })

  it("are at most six at a time", async () => {
    const large = {
      byteLength: 40_000_000,
      slice: (start: number, end: number) => new Uint8Array(end - start),
    }
    await using server = await serveFile(large)
    const source = await openUrlSource(server.url, OPTIONS)
    let count = 0
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    server.always = () => {
      // A seventh would come soon after.
      if (++count === 6) setTimeout(release, 20)
      return released
    }
    await Promise.all(Array.from({ length: 30 }, (_, i) => source.read(1_000_000 * (i + 1), 100)))
    expect(server.asked.length).toBe(31)
    expect(server.mostAtOnce).toBe(6)
  })

  it("are given up with the signal, and the request when nobody waits any more", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, OPTIONS)
    let closed = 0
    server.always = (_, response) => {
      response.on("close", () => closed++)
      return "answered"
    }
    const [one, two] = [new AbortController(), new AbortController()]
    const reads = [
      source.read(300_000, 9, one.signal),
      source.read(300_100, 9, two.signal),
      source.read(500_000, 9),
    ]
    const ends = reads.map((read) => read.catch((reason: unknown) => reason))
    await expect.poll(() => server.asked.length).toBe(3)
    one.abort("first")
    expect(await ends[0]).toBe("first")
    expect(closed).toBe(0)
    two.abort("second")
    expect(await ends[1]).toBe("second")
    await expect.poll(() => closed).toBe(1)
    await source.close()
    expect(await ends[2]).toMatchObject({ code: "read-failed" })
    await expect.poll(() => closed).toBe(2)
  })
})

describe("headers", () => {
  const token = { authorization: "Bearer secret" }

  it("go with every request", async () => {
    await using server = await serveFile(FILE)
    const source = await openUrlSource(server.url, { ...OPTIONS, headers: { ...token, "x-key": "k" } })
    await expectBytes(source, 300_000, 9)
    expect(server.asked.map(({ headers }) => [headers.authorization, headers["x-key"]])).toEqual([
      ["Bearer secret", "k"],
      ["Bearer secret", "k"],
    ])
  })

  it("of authorization stay with their host when it redirects to another", async () => {
    await using elsewhere = await serveFile(FILE)
    await using server = await serveFile(FILE)
    server.always = answerWith(302, { location: new URL("/signed?by=them", elsewhere.url).href })
    const source = await openUrlSource(server.url, { ...OPTIONS, headers: new Headers(token) })
    await expectBytes(source, 300_000, 100)
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(
      [token, token].map((t) => t.authorization),
    )
    expect(elsewhere.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
    expect(ranges(elsewhere)).toEqual(["bytes=0-65535", "bytes=300000-300099"])
  })

  it.each(["x-api-key", "cookie"])(
    "of %s, which might be a secret, are not taken anywhere else",
    async (name) => {
      await using elsewhere = await serveFile(FILE)
      await using server = await serveFile(FILE)
      server.always = answerWith(302, { location: elsewhere.url.href })
      const error = await refusal(openUrlSource(server.url, { ...OPTIONS, headers: { [name]: "secret" } }))
      expect(error.message).toContain("redirects")
      expect(elsewhere.asked).toEqual([])
    },
  )

  it("cannot change what is asked for", async () => {
    await using server = await serveFile(FILE)
    await openUrlSource(server.url, { ...OPTIONS, headers: { Range: "bytes=5-9" } })
    expect(ranges(server)).toEqual(["bytes=0-65535"])
  })
})

function redirected(response: Response, url: string): Response {
  return Object.defineProperties(response, { redirected: { value: true }, url: { value: url } })
}

describe("a fetch of the caller", () => {
  it("is what is called", async () => {
    await using server = await serveFile(FILE)
    const urls: string[] = []
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      urls.push(url)
      return globalThis.fetch(server.url, init)
    }
    await expectBytes(await openUrlSource(new URL("https://a.example/m"), { ...OPTIONS, fetch }), 9, 9)
    expect(urls).toEqual(["https://a.example/m"])
  })

  it("may break off behind the last byte", async () => {
    let fetched = 0
    const fetch = async (): Promise<Response> => {
      fetched += 1
      let pulled = 0
      const body = new ReadableStream({
        pull(controller) {
          if (pulled++ === 0) controller.enqueue(FILE.slice(0, 10))
          else controller.error(new Error("reset"))
        },
      })
      return new Response(body, { status: 206, headers: { "content-range": "bytes 0-9/10" } })
    }
    const source = await openUrlSource(new URL("https://a.example/m"), { ...OPTIONS, fetch })
    await expectBytes(source, 0, 10)
    expect(fetched).toBe(1)
  })

  it("may answer nonsense", async () => {
    const headers = { "content-range": "bytes 0-9/10" }
    const text = new ReadableStream({
      start(controller) {
        controller.enqueue("0123456789")
        controller.close()
      },
    })
    const answers: (() => Response)[] = [
      () => new Response(text, { status: 206, headers }),
      () => new Response(null, { status: 206, headers }),
      () => redirected(new Response("0123456789", { status: 206, headers }), "http://b.example/"),
      () => undefined as unknown as Response,
      () => ({ status: 206, headers: new Headers(headers), body: "0123456789" }) as unknown as Response,
    ]
    for (const answer of answers) {
      const fetch = async (): Promise<Response> => answer()
      const error = await refusal(openUrlSource(new URL("https://a.example/m"), { ...OPTIONS, fetch }))
      expect(error.code).toBe("read-failed")
    }
  })
})
