import { createHash } from "node:crypto"
import {
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import * as universal from "../../src/index.ts"
import { openCheckpoint, scan, toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import { openNodeInput } from "../../src/node/platform.ts"
import { sha256Of } from "../../src/node/sha256.ts"
import { largeCheckpoint, legacyCheckpoint } from "./legacy-checkpoint.ts"
import { refusal } from "./refusal.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()
const CHECKPOINT = legacyCheckpoint({ storageElements: 6, shape: [2, 3], strides: [3, 1] })
const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
const DIGEST = hashOf(CHECKPOINT)
const OTHER = "0".repeat(64)

function written(bytes: Uint8Array): { folder: string; input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, bytes)
  return { folder, input, output: join(folder, "model.safetensors") }
}

/** Every kind of input that holds `bytes`. */
function inputsOf(
  bytes: Uint8Array<ArrayBuffer>,
): readonly (readonly [string, () => Parameters<typeof openCheckpoint>[0]])[] {
  return [
    ["a path", () => written(bytes).input],
    ["bytes", () => bytes],
    ["a Blob", () => new Blob([bytes])],
    ["a stream", () => new Blob([bytes]).stream()],
    [
      "a source",
      () => ({
        byteLength: bytes.byteLength,
        read: async (offset, length) => bytes.subarray(offset, offset + length),
      }),
    ],
  ]
}

describe("the sha256 option", () => {
  it.each(inputsOf(CHECKPOINT))("holds %s against the digest", async (_, input) => {
    const { report } = await toSafetensorsBytes(input(), { sha256: DIGEST.toUpperCase() })
    expect(report.tensorCount).toBe(1)
    const error = await refusal(toSafetensorsBytes(input(), { sha256: OTHER }))
    expect(error).toMatchObject({ code: "digest-mismatch", detail: { expected: OTHER, actual: DIGEST } })
  })

  it("refuses before anything is parsed or written", async () => {
    const { folder, input, output } = written(Buffer.from("no checkpoint"))
    expect((await refusal(toSafetensors(input, output, { sha256: OTHER }))).code).toBe("digest-mismatch")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it.each([["abc"], [`${DIGEST} `], [7]])("takes nothing but a digest: %s", async (sha256) => {
    const error = await refusal(openCheckpoint(CHECKPOINT, { sha256: sha256 as string }))
    expect(error).toMatchObject({ code: "invalid-argument", detail: { argument: "sha256" } })
  })

  it("is refused by the build that cannot hash, rather than passed over", async () => {
    const options: object = { sha256: DIGEST }
    const error = await refusal(universal.openCheckpoint(CHECKPOINT, options))
    expect(error).toMatchObject({ code: "invalid-argument", detail: { argument: "sha256" } })
  })

  it("ends when it is aborted", async () => {
    const { input } = written(largeCheckpoint(8))
    const reason = new Error("enough")
    const opened = openCheckpoint(input, { sha256: OTHER, signal: AbortSignal.abort(reason) })
    await expect(opened).rejects.toBe(reason)
  })

  it.skipIf(process.platform === "win32").each([
    ["set back to its old time", true],
    ["removed", false],
  ])("makes a file that was %s a changed one", async (_, setsBack) => {
    const { folder, input, output } = written(largeCheckpoint(4))
    const { atime, mtime } = statSync(input)
    const digest = hashOf(readFileSync(input))
    let changed = false
    const onProgress = (): void => {
      if (changed) return
      changed = true
      if (setsBack) {
        chmodSync(input, 0o600)
        utimesSync(input, atime, mtime)
      } else {
        unlinkSync(input)
      }
    }
    const error = await refusal(toSafetensors(input, output, { sha256: digest, onProgress }))
    expect(error.code).toBe("input-changed")
    expect(readdirSync(folder)).toEqual(setsBack ? ["model.pt"] : [])
  })
})

/** The checkpoint with other weights in the same places. */
const OTHER_CHECKPOINT = Uint8Array.from(CHECKPOINT)
OTHER_CHECKPOINT.fill(7, CHECKPOINT.byteLength - 6 * 4)

type Answer = (start: number, end: number) => Uint8Array<ArrayBuffer>

/** The right bytes for `most` reads, and others from then on. */
function fickle(most: number): Answer {
  let reads = 0
  return (start, end) => (reads++ < most ? CHECKPOINT : OTHER_CHECKPOINT).slice(start, end)
}

/** Inputs whose second answer may be another one. */
const FICKLE: readonly (readonly [string, (answer: Answer) => Parameters<typeof openCheckpoint>[0]])[] = [
  [
    "read",
    (answer) => ({
      byteLength: CHECKPOINT.byteLength,
      read: async (offset, length) => answer(offset, offset + length),
    }),
  ],
  [
    "read and readInto",
    (answer) => ({
      byteLength: CHECKPOINT.byteLength,
      read: async (offset, length) => answer(offset, offset + length),
      readInto: async (offset, target) => {
        target.set(answer(offset, offset + target.byteLength))
        return target.byteLength
      },
    }),
  ],
  [
    "slice",
    (answer) => ({
      byteLength: CHECKPOINT.byteLength,
      slice: async (start: number, end = CHECKPOINT.byteLength) => answer(start, end).buffer,
    }),
  ],
  [
    "slice at once",
    (answer) => ({
      byteLength: CHECKPOINT.byteLength,
      slice: (start: number, end = CHECKPOINT.byteLength) => answer(start, end).buffer,
    }),
  ],
  [
    "what looks like a Blob",
    (answer) => ({
      size: CHECKPOINT.byteLength,
      slice: (start = 0, end = CHECKPOINT.byteLength) => new Blob([answer(start, end)]),
      arrayBuffer: async () => answer(0, CHECKPOINT.byteLength).buffer,
    }),
  ],
  [
    "a class of Blob",
    (answer) => {
      class Fetched extends Blob {
        override slice(start = 0, end = CHECKPOINT.byteLength): Blob {
          return new Blob([answer(start, end)])
        }
      }
      return new Fetched([CHECKPOINT])
    },
  ],
  [
    "a Blob with a method of its own",
    (answer) =>
      Object.assign(new Blob([CHECKPOINT]), {
        slice: (start = 0, end = CHECKPOINT.byteLength) => new Blob([answer(start, end)]),
      }),
  ],
]

describe("an input that may answer otherwise the second time", () => {
  it.each(FICKLE)("is converted as it was hashed: %s", async (_, make) => {
    const { bytes: expected } = await toSafetensorsBytes(CHECKPOINT)
    const { bytes } = await toSafetensorsBytes(make(fickle(1)), { sha256: DIGEST })
    expect(Buffer.compare(bytes, expected)).toBe(0)
    const { output } = written(CHECKPOINT)
    await toSafetensors(make(fickle(1)), output, { sha256: DIGEST })
    expect(Buffer.compare(readFileSync(output), expected)).toBe(0)
  })

  it.each(FICKLE)("is read in full once, whatever is done with it: %s", async (_, make) => {
    let read = 0
    const answer: Answer = (start, end) => {
      read += end - start
      return CHECKPOINT.slice(start, end)
    }
    await using checkpoint = await openCheckpoint(make(answer), { sha256: DIGEST })
    for (const name of checkpoint.tensors.keys()) await checkpoint.readTensor(name)
    const output = checkpoint.output(checkpoint.plan())
    await output.read(0, output.byteLength)
    expect(read).toBe(CHECKPOINT.byteLength)
  })

  it.each(FICKLE)("is refused when the first answer is the wrong one: %s", async (_, make) => {
    const error = await refusal(toSafetensorsBytes(make(fickle(0)), { sha256: DIGEST }))
    expect(error.code).toBe("digest-mismatch")
    expect((await refusal(scan(make(fickle(0)), { sha256: DIGEST }))).code).toBe("digest-mismatch")
  })

  it.each([
    ["an array", (bytes: Uint8Array<ArrayBuffer>) => bytes],
    ["a buffer", (bytes: Uint8Array<ArrayBuffer>) => bytes.buffer],
    ["a part of a buffer", (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(bytes.buffer)],
    ["a Buffer of Node's", (bytes: Uint8Array<ArrayBuffer>) => Buffer.from(bytes.buffer)],
  ])("is not what the caller writes into memory meanwhile: %s", async (_, view) => {
    const bytes = CHECKPOINT.slice()
    const { bytes: expected } = await toSafetensorsBytes(CHECKPOINT)
    // Before anything is waited for, and whenever the conversion tells of itself.
    const change = (): void => void bytes.set(OTHER_CHECKPOINT)
    const converted = toSafetensorsBytes(view(bytes), { sha256: DIGEST, onProgress: change })
    change()
    expect(Buffer.compare((await converted).bytes, expected)).toBe(0)
  })

  it("is not what another thread writes into shared memory", async () => {
    const shared = new SharedArrayBuffer(CHECKPOINT.byteLength)
    const bytes = new Uint8Array(shared)
    bytes.set(CHECKPOINT)
    const { bytes: expected } = await toSafetensorsBytes(CHECKPOINT)
    for (const input of [shared, bytes]) {
      bytes.set(CHECKPOINT)
      const converted = toSafetensorsBytes(input, { sha256: DIGEST })
      bytes.set(OTHER_CHECKPOINT)
      expect(Buffer.compare((await converted).bytes, expected)).toBe(0)
    }
  })

  it("leaves no temporary file, and the caller's source open", async () => {
    const before = process.env["TMPDIR"]
    const folder = newFolder()
    process.env["TMPDIR"] = folder
    onTestFinished(() => {
      if (before === undefined) delete process.env["TMPDIR"]
      else process.env["TMPDIR"] = before
    })
    let closed = 0
    const source = {
      byteLength: CHECKPOINT.byteLength,
      read: async (offset: number, length: number) => CHECKPOINT.slice(offset, offset + length),
      close: async () => void closed++,
    }
    await toSafetensorsBytes(source, { sha256: DIGEST })
    await refusal(toSafetensorsBytes(source, { sha256: OTHER }))
    expect(closed).toBe(0)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe("a digest", () => {
  it.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 7])(
    "of %i bytes is right",
    async (size) => {
      const bytes = Uint8Array.from({ length: size }, (_, index) => index * 7 + (index >> 8))
      for (const [kind, input] of inputsOf(bytes)) {
        const { source, close } = await openNodeInput(input(), { hashed: true })
        expect(await sha256Of(source, undefined), kind).toBe(hashOf(bytes))
        await close()
      }
    },
  )
})
