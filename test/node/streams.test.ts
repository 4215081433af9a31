import { readdirSync, readFileSync } from "node:fs"
import { Readable } from "node:stream"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import {
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
  toSafetensorsStream,
} from "../../src/node/index.ts"
import { largeCheckpoint, legacyCheckpoint } from "./legacy-checkpoint.ts"
import { refusal } from "./refusal.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()
const CHECKPOINT = legacyCheckpoint({ storageElements: 6, shape: [3, 2], strides: [1, 3] })

let spoolFolder = ""
beforeEach(() => {
  spoolFolder = newFolder()
  vi.stubEnv("TMPDIR", spoolFolder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  expect(readdirSync(spoolFolder), "temporary files that are left").toEqual([])
})

/** `bytes` in pieces of 7. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(offset, offset + 7))
      offset += 7
    },
  })
}

describe("a stream as input", () => {
  it("gives the same file as its bytes, whatever kind of stream it is", async () => {
    const { bytes } = await toSafetensorsBytes(CHECKPOINT)
    const inputs = [
      streamOf(CHECKPOINT),
      new Blob([CHECKPOINT]).stream(),
      Readable.toWeb(Readable.from([CHECKPOINT])) as ReadableStream<Uint8Array>,
      new Blob([CHECKPOINT]),
      CHECKPOINT.buffer,
    ]
    for (const input of inputs) {
      expect(Buffer.compare((await toSafetensorsBytes(input)).bytes, bytes)).toBe(0)
    }
  })

  it("becomes a Blob and a stream too", async () => {
    const { bytes } = await toSafetensorsBytes(CHECKPOINT)
    const { blob } = await toSafetensorsBlob(new Blob([CHECKPOINT]))
    expect(Buffer.compare(new Uint8Array(await blob.arrayBuffer()), bytes)).toBe(0)
    const { stream } = await toSafetensorsStream(streamOf(CHECKPOINT))
    expect(Buffer.compare(new Uint8Array(await new Response(stream).arrayBuffer()), bytes)).toBe(0)
  })

  it("that fails is refused with the reason", async () => {
    const failing = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("cable cut")),
    })
    const error = await refusal(toSafetensorsBytes(failing))
    expect(error).toMatchObject({ code: "read-failed", detail: { reason: "cable cut" } })
  })

  it("that is locked, or yields no bytes, is refused", async () => {
    const locked = streamOf(CHECKPOINT)
    locked.getReader()
    expect((await refusal(toSafetensorsBytes(locked))).code).toBe("invalid-argument")
    const words = new ReadableStream({ start: (controller) => controller.enqueue("words") })
    expect((await refusal(toSafetensorsBytes(words))).code).toBe("read-failed")
  })

  it("that says nothing any more ends with the signal, and is cancelled", async () => {
    const controller = new AbortController()
    const reason = new Error("too slow")
    let cancelled: unknown
    const silent = new ReadableStream<Uint8Array>({
      pull: () => {
        setTimeout(() => controller.abort(reason), 5)
        return new Promise(() => {})
      },
      cancel: (why) => {
        cancelled = why
      },
    })
    await expect(toSafetensorsBytes(silent, { signal: controller.signal })).rejects.toBe(reason)
    expect(cancelled).toBe(reason)
  })

  it("is cancelled, too, when the signal comes before its first byte is asked for", async () => {
    const controller = new AbortController()
    const reason = new Error("changed my mind")
    let cancelled: unknown
    const stream = new ReadableStream<Uint8Array>({
      cancel: (why) => {
        cancelled = why
      },
    })
    const converting = toSafetensorsBytes(stream, { signal: controller.signal })
    controller.abort(reason)
    await expect(converting).rejects.toBe(reason)
    expect(cancelled).toBe(reason)
  })

  it("of something else is refused, and its temporary file removed", async () => {
    expect((await refusal(toSafetensorsBytes(streamOf(new Uint8Array(100))))).code).toBe("not-a-checkpoint")
  })
})

describe("a stream as output", () => {
  it("gets the bytes in order, one write at a time, and is closed", async () => {
    const input = largeCheckpoint(6)
    const { bytes } = await toSafetensorsBytes(input)
    const parts: Uint8Array[] = []
    let writing = 0
    let closed = false
    const output = new WritableStream<Uint8Array>(
      {
        async write(chunk) {
          expect(++writing).toBe(1)
          await new Promise((resolve) => setTimeout(resolve, 2))
          parts.push(chunk)
          writing--
        },
        close: () => {
          closed = true
        },
      },
      { highWaterMark: 1 },
    )
    await toSafetensors(input, output)
    expect(closed).toBe(true)
    expect(Buffer.compare(Buffer.concat(parts), bytes)).toBe(0)
  })

  it("that fails ends the conversion with its error", async () => {
    let writes = 0
    const output = new WritableStream<Uint8Array>({
      write: () => {
        if (++writes === 2) throw new Error("the other side hung up")
      },
    })
    await expect(toSafetensors(largeCheckpoint(6), output)).rejects.toThrow("the other side hung up")
    expect(writes).toBe(2)
  })

  it("is aborted when the checkpoint is refused", async () => {
    let aborted: unknown
    const output = new WritableStream<Uint8Array>({
      abort: (reason) => {
        aborted = reason
      },
    })
    const error = await refusal(toSafetensors(new Uint8Array(10), output))
    expect(aborted).toBe(error)
  })

  it("is refused when it is locked", async () => {
    const output = new WritableStream<Uint8Array>()
    output.getWriter()
    expect((await refusal(toSafetensors(CHECKPOINT, output))).code).toBe("invalid-argument")
  })
})

describe("a sink as output", () => {
  it("whose writes fail is aborted once and never closed", async () => {
    const calls: string[] = []
    const sink = {
      randomAccess: true,
      write: async (position: number) => {
        if (position > 0) throw new Error("no space left on device")
      },
      close: async () => void calls.push("close"),
      abort: async () => void calls.push("abort"),
    }
    await expect(toSafetensors(largeCheckpoint(6), sink)).rejects.toThrow("no space left")
    expect(calls).toEqual(["abort"])
  })
})

describe("the spooled stream", () => {
  it("is read back from a file that others cannot see", async () => {
    const folder = newFolder()
    const path = `${folder}/out.safetensors`
    const seen: string[][] = []
    await toSafetensors(streamOf(CHECKPOINT), path, {
      onProgress: () => void seen.push(readdirSync(spoolFolder)),
    })
    expect(readFileSync(path).length).toBeGreaterThan(0)
    if (process.platform !== "win32") expect(seen.flat()).toEqual([])
  })
})
