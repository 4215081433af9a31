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
import { describe, expect, it } from "vitest"
import * as universal from "../../src/index.ts"
import { openCheckpoint, toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
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
