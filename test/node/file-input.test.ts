import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  readdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { openFileSource } from "../../src/node/file-source.ts"
import { openCheckpoint, toSafetensors } from "../../src/node/index.ts"
import { largeCheckpoint, legacyCheckpoint } from "./legacy-checkpoint.ts"
import { refusal } from "./refusal.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()
const GIB = 1024 ** 3

function written(bytes: Uint8Array): { folder: string; input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, bytes)
  return { folder, input, output: join(folder, "model.safetensors") }
}

describe("a file as input", () => {
  it.each<readonly [string, (folder: string) => string, RegExp]>([
    ["is missing", (folder) => join(folder, "missing.pt"), /there is no such file or folder \(ENOENT\)/],
    ["is a folder", (folder) => folder, /it is a folder/],
    ["lies in a file", (folder) => join(folder, "model.pt", "x.pt"), /ENOTDIR/],
  ])("that %s is refused", async (_, pathOf, message) => {
    const { folder } = written(legacyCheckpoint({ storageElements: 1, shape: [1], strides: [1] }))
    const error = await refusal(openCheckpoint(pathOf(folder)))
    expect(error.code).toBe("read-failed")
    expect(error.message).toMatch(message)
  })

  it.skipIf(process.platform === "win32")(
    "that is a named pipe is refused without waiting for it",
    async () => {
      const pipe = join(newFolder(), "pipe")
      spawnSync("mkfifo", [pipe])
      expect((await refusal(openCheckpoint(pipe))).message).toContain("it is not a regular file")
    },
  )

  it("that grows or is touched during the conversion is refused at its end", async () => {
    const changes: readonly ((path: string) => void)[] = [
      (path) => appendFileSync(path, "x"),
      (path) => utimesSync(path, 1, 1),
    ]
    for (const change of changes) {
      const { folder, input, output } = written(largeCheckpoint(1))
      const error = await refusal(toSafetensors(input, output, { onProgress: () => change(input) }))
      expect(error).toMatchObject({ code: "input-changed", detail: { within: input } })
      expect(readdirSync(folder)).toEqual(["model.pt"])
    }
  })

  it("that shrinks during the conversion is refused as changed", async () => {
    const { folder, input, output } = written(largeCheckpoint(24))
    const onProgress = (): void => truncateSync(input, 1024 * 1024)
    expect((await refusal(toSafetensors(input, output, { onProgress }))).code).toBe("input-changed")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it.skipIf(process.platform === "win32")("may be deleted during the conversion: it stays open", async () => {
    const { input, output } = written(largeCheckpoint(8))
    let deleted = false
    const onProgress = (): void => {
      if (!deleted) unlinkSync(input)
      deleted = true
    }
    const { byteLength } = await toSafetensors(input, output, { onProgress })
    expect(statSync(output).size).toBe(byteLength)
  })
})

describe("positions in a file source", () => {
  it("beyond 4 GiB are exact", async () => {
    const path = join(newFolder(), "sparse")
    const marks = [0, 2 * GIB - 3, 2 * GIB, 4 * GIB - 3, 4 * GIB, 4 * GIB + 10, 5 * GIB - 8]
    const handle = await open(path, "w")
    await handle.truncate(5 * GIB)
    for (const [index, position] of marks.entries()) {
      await handle.write(new Uint8Array([index + 1, 0xaa]), 0, 2, position)
    }
    await handle.close()
    const source = await openFileSource(path)
    expect(source.byteLength).toBe(5 * GIB)
    for (const [index, position] of marks.entries()) {
      expect([...(await source.read(position, 3))], String(position)).toEqual([index + 1, 0xaa, 0])
      const target = new Uint8Array(2)
      expect(await source.readInto(position, target)).toBe(2)
      expect([...target]).toEqual([index + 1, 0xaa])
    }
    expect(await source.read(5 * GIB - 2, 10)).toHaveLength(2)
    expect(await source.readInto(5 * GIB, new Uint8Array(4))).toBe(0)
    await source.close()
  })
})
