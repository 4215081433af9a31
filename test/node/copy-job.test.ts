import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { type CopyAnswer, type CopyJob, runCopyJob } from "../../src/node/copy-job.ts"
import { FileCopier, WriteSizes } from "../../src/node/file-copier.ts"
import { openFileSource } from "../../src/node/file-source.ts"
import type { CopyRange } from "../../src/transfer/transfer-plan.ts"
import { refusal } from "./refusal.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const KiB = 1024
const INPUT = Buffer.from(Uint32Array.from({ length: 80 * KiB }, (_, i) => Math.imul(i, 2654435761)).buffer)

const newFolder = temporaryFolders()
const opened: number[] = []
afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd)
})

function files(): { readonly from: number; readonly to: number; readonly output: string; input: string } {
  const folder = newFolder()
  const [input, output] = [join(folder, "input"), join(folder, "output")]
  writeFileSync(input, INPUT)
  const from = openSync(input, "r")
  const to = openSync(output, "wx+")
  opened.push(from, to)
  return { from, to, output, input }
}

const ranges = fc.array(
  fc.record({
    offset: fc.nat(INPUT.length - 1),
    length: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 300 * KiB })),
    checksum: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
)

function within(given: readonly CopyRange[]): readonly CopyRange[] {
  return given.map((range) => ({ ...range, length: Math.min(range.length, INPUT.length - range.offset) }))
}

describe("ranges that are copied from file to file", () => {
  it("stand one behind the other in the output, wherever that begins, and have their checksums", () => {
    fc.assert(
      fc.property(
        ranges,
        fc.nat(200 * KiB),
        fc.constantFrom(32 * KiB, 128 * KiB),
        (given, position, size) => {
          const { from, to, output } = files()
          const wanted = within(given)
          const answer = runCopyJob({ kind: "ranges", from, to, position, ranges: wanted, writeBytes: size })
          const parts = wanted.map(({ offset, length }) => INPUT.subarray(offset, offset + length))
          const expected = Buffer.concat([Buffer.alloc(position), ...parts])
          expect(Buffer.compare(readFileSync(output), expected)).toBe(0)
          const checksums = wanted.map(({ checksum }, i) => (checksum ? crc32(parts[i] as Buffer) : 0))
          expect(answer).toEqual({ checksums, milliseconds: expect.any(Number) })
        },
      ),
      { seed: 1, numRuns: 60 },
    )
  })

  it("are named when the input ends within them", () => {
    const { from, to } = files()
    const whole = { offset: 0, length: 10, checksum: true }
    const range = { offset: INPUT.length - 5, length: 6, checksum: true }
    const job = { kind: "ranges", from, to, position: 0, writeBytes: 32 * KiB } as const
    const answer = runCopyJob({ ...job, ranges: [whole, range] })
    expect(answer).toEqual({ short: { offset: range.offset, length: 6, got: 5 } })
  })

  it("fail on the side that fails", () => {
    const { from, to, input } = files()
    const readOnly = openSync(input, "r")
    opened.push(readOnly)
    const ranges = [{ offset: 0, length: 1, checksum: false }]
    const job = { kind: "ranges", position: 0, ranges, writeBytes: 32 * KiB } as const
    const failed = (side: string): unknown => ({
      failed: { side, code: "EBADF", message: expect.any(String) },
    })
    expect(runCopyJob({ ...job, from, to: readOnly })).toEqual(failed("write"))
    closeSync(opened.splice(opened.indexOf(from), 1)[0] as number)
    expect(runCopyJob({ ...job, from, to })).toEqual(failed("read"))
  })
})

describe("a copier", () => {
  const request = { position: 3, ranges: [{ offset: 1, length: 2, checksum: true }] }

  it("hands on what it was asked for, and the checksums that come back", async () => {
    const jobs: CopyJob[] = []
    const copier = new FileCopier(async (job) => {
      jobs.push(job)
      return { checksums: [7], milliseconds: 1 }
    })
    const source = await openFileSource(files().input)
    try {
      expect(await copier.copy({ source, ...request }, 99)).toEqual([7])
      const place = { from: source.descriptor, to: 99, writeBytes: 32 * KiB }
      expect(jobs).toEqual([{ kind: "ranges", ...request, ...place }])
    } finally {
      await source.close()
    }
  })

  it("says of which file a failure is", async () => {
    const source = await openFileSource(files().input)
    const failing = (answer: CopyAnswer): Promise<unknown> =>
      new FileCopier(async () => answer).copy({ source, ...request }, 99)
    try {
      const short = failing({ short: { offset: 1, length: 2, got: 1 } })
      expect((await refusal(short)).detail).toEqual({ within: source.path, at: 1, wanted: 2, got: 1 })
      const failed = { code: "EIO", message: "EIO: i/o error" }
      const read = await refusal(failing({ failed: { side: "read", ...failed } }))
      expect([read.code, read.detail]).toEqual([
        "read-failed",
        { path: source.path, reason: "the disk reported an error (EIO)" },
      ])
      const write = failing({ failed: { side: "write", ...failed } })
      await expect(write).rejects.toMatchObject({ code: "EIO", message: "EIO: i/o error" })
    } finally {
      await source.close()
    }
  })
})

describe("the size of writes", () => {
  const SMALL = 32 * KiB
  const LARGE = 128 * KiB

  /** The sizes of `jobs` jobs, each measured before the next begins. */
  function sizesOf(sizes: WriteSizes, jobs: number, milliseconds: (size: number) => number): number[] {
    return Array.from({ length: jobs }, () => {
      const size = sizes.next()
      sizes.took(size, 1, milliseconds(size))
      return size
    })
  }

  it("is large where that is no slower", () => {
    const sizes = sizesOf(new WriteSizes(), 128, (size) => (size === SMALL ? 2 : 1))
    const period = [SMALL, SMALL, ...new Array<number>(62).fill(LARGE)]
    expect(sizes).toEqual([...period, ...period])
  })

  it("is small again after one large job that was slower, until the next trial", () => {
    let slow = false
    const writes = new WriteSizes()
    expect(sizesOf(writes, 10, () => 1).slice(2)).toEqual(new Array(8).fill(LARGE))
    slow = true
    const rest = sizesOf(writes, 54, (size) => (slow && size === LARGE ? 3 : 1))
    expect(rest).toEqual([LARGE, ...new Array<number>(53).fill(SMALL)])
    slow = false
    expect(sizesOf(writes, 3, () => 1)).toEqual([SMALL, SMALL, LARGE])
  })

  it("stays small while large jobs are not known to be fast", () => {
    const writes = new WriteSizes()
    const sizes = Array.from({ length: 6 }, () => writes.next())
    expect(sizes).toEqual([SMALL, SMALL, LARGE, LARGE, SMALL, SMALL])
    writes.took(SMALL, 1, 2)
    writes.took(LARGE, 1, 1)
    expect(writes.next()).toBe(LARGE)
  })
})
