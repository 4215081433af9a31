import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import type { BlobOptions, ByteSource, CheckpointInput } from "../../src/index.ts"
import { isCheckpointError, toSafetensorsBlob, toSafetensorsBytes } from "../../src/index.ts"
import { toSafetensorsBlob as toBlobInNode } from "../../src/node/index.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"
import { mixedTensors, planOf } from "../transfer/plans.ts"
import type { FileOperation } from "./fake-files.ts"
import { FakeFiles } from "./fake-files.ts"

let files: FakeFiles
let checkpoint: Uint8Array<ArrayBuffer>

beforeEach(async () => {
  files = new FakeFiles()
  vi.stubGlobal("navigator", files)
  vi.stubGlobal(
    "FileSystemFileHandle",
    class {
      createWritable(): void {}
    },
  )
  const { file } = await planOf(mixedTensors(), { deflated: (name) => name.length % 2 === 0 })
  checkpoint = file
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Everything that has to be made is spilled. */
function spilled(input: CheckpointInput = new Blob([checkpoint]), options: BlobOptions = {}) {
  return toSafetensorsBlob(input, { maxMemoryBytes: 0, ...options })
}

/** What was begun is gone: file, lock and stream. */
function expectNothingLeft(): void {
  expect([...files.entries.keys()]).toEqual([])
  expect([...files.held]).toEqual([])
  expect(files.writing).toBe(0)
}

async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe("a Blob of which more is made than memory may hold", () => {
  it("is the same file, and lies in the file system where it is no slice", async () => {
    const { bytes } = await toSafetensorsBytes(checkpoint)
    for (const input of [new Blob([checkpoint]), checkpoint]) {
      const { blob, spilledBytes } = await spilled(input)
      expect(Buffer.compare(new Uint8Array(await blob.arrayBuffer()), bytes)).toBe(0)
      expect([...files.entries.values()].at(-1)?.length).toBe(spilledBytes)
      if (input === checkpoint) expect(spilledBytes).toBe(blob.size)
    }
    expect([...files.folders]).toEqual(["tosafetensors-spill"])
    expect(files.held.size).toBe(2)
  })

  it("is spilled above the bound, and not at it", async () => {
    const { spilledBytes } = await spilled()
    const more = await spilled(undefined, { maxMemoryBytes: spilledBytes - 1 })
    expect(more.spilledBytes).toBe(spilledBytes)
    const held = await spilled(undefined, { maxMemoryBytes: spilledBytes })
    expect(held.spilledBytes).toBe(0)
    expect(files.entries.size).toBe(2)
    await held.close()
    expect(files.entries.size).toBe(2)
  })

  it("gives the file back when it is closed, as often as that may be", async () => {
    const converted = await spilled()
    await converted.close()
    expectNothingLeft()
    await converted.close()
    {
      await using again = await spilled()
      expect(again.spilledBytes).toBeGreaterThan(0)
      expect(files.entries.size).toBe(1)
    }
    expectNothingLeft()
  })

  it("can be posted to another thread", async () => {
    const { blob, report, spilledBytes } = structuredClone({ ...(await spilled()) })
    expect(blob.size).toBe(report.byteLength)
    expect(spilledBytes).toBeGreaterThan(0)
    expect(structuredClone(await spilled()).report).toEqual(report)
  })
})

describe("what fails leaves nothing and says why", () => {
  const full = new DOMException("it would exceed the quota", "QuotaExceededError")
  const operations: readonly FileOperation[] = [
    "getDirectory",
    "getFileHandle",
    "createWritable",
    "truncate",
    "write",
    "close",
    "getFile",
  ]

  it.each(operations)("%s", async (operation) => {
    files.failing.set(operation, full)
    const error = await refusal(spilled())
    if (!isCheckpointError(error) || error.code !== "blob-memory") throw error
    expect(error.cause).toBe(full)
    expect(error.detail).toMatchObject({ allowed: 0, wanted: expect.any(Number) })
    expect(error.message).toContain("QuotaExceededError: it would exceed the quota")
    expect(error.nextStep).toMatch(/file or stream.*maxMemoryBytes/)
    expectNothingLeft()
  })

  it("an aborted signal, whenever it comes", async () => {
    let calls = 0
    await spilled(undefined, { onProgress: () => void calls++ })
    files.entries.clear()
    files.held.clear()
    for (let at = 1; at <= calls; at++) {
      const controller = new AbortController()
      let call = 0
      const onProgress = (): void => {
        if (++call === at) controller.abort("enough")
      }
      expect(await refusal(spilled(undefined, { onProgress, signal: controller.signal }))).toBe("enough")
      expectNothingLeft()
    }
  })

  it("a checksum that does not match, and an input that changes", async () => {
    const value = tensor(dtypeNamed("float32"), [5000])
    const { file } = await planOf(new Map([["slice", value]]))
    // Found when the rest is complete: the slice is read for its checksum behind it.
    const at = Buffer.from(file.buffer).indexOf(value.storage.bytes)
    file[at] = (file[at] ?? 0) ^ 1
    expect(await refusal(spilled(new Blob([file])))).toMatchObject({ code: "checksum" })
    expectNothingLeft()
    const changing: ByteSource = {
      byteLength: checkpoint.length,
      read: async (offset, length) => checkpoint.slice(offset, offset + length),
      assertUnchanged: async () => {
        const isComplete = Array.from(files.entries.values()).some(({ length }) => length > 0)
        if (isComplete) throw new Error("it changed")
      },
    }
    expect(await refusal(spilled(changing))).toBeDefined()
    expectNothingLeft()
  })
})

describe("where there is no such file system", () => {
  it.each([
    ["no navigator", () => vi.stubGlobal("navigator", undefined), /no origin private file system here/],
    ["no storage", () => vi.stubGlobal("navigator", { locks: files.locks }), /no origin private file system/],
    [
      "no locks",
      () => vi.stubGlobal("navigator", { storage: files.storage }),
      /no origin private file system/,
    ],
    ["no createWritable", () => vi.stubGlobal("FileSystemFileHandle", class {}), /Safari can from 26 on/],
  ])("(%s) that is said before anything is made", async (_, stub, message) => {
    stub()
    const error = await refusal(spilled())
    expect(error).toMatchObject({ code: "blob-memory", message: expect.stringMatching(message) })
    expectNothingLeft()
  })

  it("the Node build holds everything, unless it is given a bound", async () => {
    const input = new Blob([checkpoint])
    expect((await toBlobInNode(input)).spilledBytes).toBe(0)
    const error = await refusal(toBlobInNode(input, { maxMemoryBytes: 100 }))
    expect(error).toMatchObject({ code: "blob-memory", detail: { allowed: 100 } })
    expectNothingLeft()
  })
})

describe("what is left over of earlier visits", () => {
  const HOUR_MS = 60 * 60_000
  const named = (age: number, rest: string): string => `${Date.now() - age}-${rest}`
  const add = (...names: readonly string[]): void => {
    for (const name of names) files.entries.set(name, new Uint8Array(9))
  }

  it("is removed when the next spill begins, but for what is in use, new, or not ours", async () => {
    const old = named(HOUR_MS + 5000, "old")
    const used = named(HOUR_MS + 5000, "used")
    const young = named(HOUR_MS - 60_000, "young")
    add(old, used, young, "notes.txt")
    files.held.add(`tosafetensors-spill/${used}`)
    await toSafetensorsBlob(checkpoint)
    expect(files.entries.size).toBe(4)
    await spilled()
    expect([...files.entries.keys()].slice(0, 3)).toEqual([used, young, "notes.txt"])
    expect(files.entries.size).toBe(4)
  })

  it("is left where it cannot be removed", async () => {
    const old = named(HOUR_MS * 2, "old")
    add(old)
    files.failing.set("removeEntry", new DOMException("not now", "NoModificationAllowedError"))
    const converted = await spilled()
    expect([...files.entries.keys()][0]).toBe(old)
    await converted.close()
    expect(files.held.size).toBe(0)
  })
})
