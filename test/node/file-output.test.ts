import { spawnSync } from "node:child_process"
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { basename, join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import { expandingCheckpoint, largeCheckpoint, legacyCheckpoint } from "./legacy-checkpoint.ts"
import { refusal } from "./refusal.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()
const CHECKPOINT = legacyCheckpoint({ storageElements: 6, shape: [2, 3], strides: [3, 1] })

/** A folder with `model.pt` in it. */
function folderWithInput(bytes: Uint8Array = CHECKPOINT): { folder: string; input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, bytes)
  return { folder, input, output: join(folder, "model.safetensors") }
}

describe("a file as output", () => {
  it("holds what the conversion in memory gives, and nothing else is left in the folder", async () => {
    const { folder, input, output } = folderWithInput()
    const report = await toSafetensors(input, output)
    const { bytes } = await toSafetensorsBytes(CHECKPOINT)
    expect(Buffer.compare(readFileSync(output), bytes)).toBe(0)
    expect(report.byteLength).toBe(bytes.byteLength)
    expect(readdirSync(folder).sort()).toEqual(["model.pt", "model.safetensors"])
  })

  it("takes file: URLs for both", async () => {
    const { input, output } = folderWithInput()
    await toSafetensors(pathToFileURL(input), pathToFileURL(output))
    expect(existsSync(output)).toBe(true)
  })

  it("may have the longest name that a folder takes", async () => {
    const { folder, input } = folderWithInput()
    const output = join(folder, `${"ä".repeat(121)}.safetensors`)
    expect(Buffer.byteLength(basename(output))).toBeLessThanOrEqual(255)
    await toSafetensors(input, output)
    expect(existsSync(output)).toBe(true)
  })

  it("is opened for nothing when the checkpoint is refused", async () => {
    const { folder, input, output } = folderWithInput(new Uint8Array(10))
    expect((await refusal(toSafetensors(input, output))).code).toBe("not-a-checkpoint")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })
})

describe("an output that exists", () => {
  it("is kept", async () => {
    const { folder, input, output } = folderWithInput()
    writeFileSync(output, "precious")
    expect(await refusal(toSafetensors(input, output))).toMatchObject({
      code: "output-exists",
      detail: { path: output },
    })
    expect(readFileSync(output, "utf8")).toBe("precious")
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it("is kept when it appears during the conversion", async () => {
    const { folder, input, output } = folderWithInput()
    const onProgress = (): void => writeFileSync(output, "precious")
    expect((await refusal(toSafetensors(input, output, { onProgress }))).code).toBe("output-exists")
    expect(readFileSync(output, "utf8")).toBe("precious")
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it("is replaced with overwrite, and only by a whole file", async () => {
    const { folder, input, output } = folderWithInput()
    writeFileSync(output, "old")
    let during = ""
    const onProgress = (): void => {
      during = readFileSync(output, "utf8")
    }
    await toSafetensors(input, output, { overwrite: true, onProgress })
    expect(during).toBe("old")
    expect(readFileSync(output).byteLength).toBeGreaterThan(20)
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it("survives a conversion with overwrite that fails", async () => {
    const { folder, input, output } = folderWithInput()
    writeFileSync(output, "old")
    const onProgress = (): void => {
      throw new Error("enough")
    }
    await expect(toSafetensors(input, output, { overwrite: true, onProgress })).rejects.toThrow("enough")
    expect(readFileSync(output, "utf8")).toBe("old")
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it.each([false, true])("is refused when it is the input (overwrite %s)", async (overwrite) => {
    const { folder, input } = folderWithInput()
    const soft = join(folder, "soft.pt")
    const hard = join(folder, "hard.pt")
    symlinkSync(input, soft)
    linkSync(input, hard)
    for (const output of [input, soft, hard, join(folder, ".", "..", basename(folder), "model.pt")]) {
      expect((await refusal(toSafetensors(input, output, { overwrite }))).code, output).toBe(
        "output-is-input",
      )
      expect((await refusal(toSafetensors(soft, output, { overwrite }))).code, output).toBe("output-is-input")
    }
    expect(Buffer.compare(readFileSync(input), CHECKPOINT)).toBe(0)
  })

  it("is not followed when it is a symbolic link", async () => {
    const { folder, input, output } = folderWithInput()
    const target = join(folder, "target")
    writeFileSync(target, "precious")
    symlinkSync(target, output)
    expect((await refusal(toSafetensors(input, output))).code).toBe("output-exists")
    await toSafetensors(input, output, { overwrite: true })
    expect(lstatSync(output).isFile()).toBe(true)
    expect(readFileSync(target, "utf8")).toBe("precious")
  })

  it("counts as existing when it is a link to nowhere", async () => {
    const { folder, input, output } = folderWithInput()
    symlinkSync(join(folder, "nowhere"), output)
    expect((await refusal(toSafetensors(input, output))).code).toBe("output-exists")
    expect(existsSync(join(folder, "nowhere"))).toBe(false)
  })
})

describe("an output that cannot be written", () => {
  it.each<readonly [string, (folder: string) => string]>([
    ["a missing folder", (folder) => join(folder, "missing", "out.safetensors")],
    ["a folder", (folder) => folder],
    ["a path that ends like a folder's", (folder) => `${folder}/new/`],
    ["a file as folder", (folder) => join(folder, "model.pt", "out.safetensors")],
    ["a name that is too long", (folder) => join(folder, `${"x".repeat(300)}.safetensors`)],
  ])("is refused before anything is read: %s", async (_, outputOf) => {
    const { folder } = folderWithInput()
    const source = { byteLength: 10, read: () => Promise.reject(new Error("it was read")) }
    const error = await refusal(toSafetensors(source, outputOf(folder), { overwrite: true }))
    expect(error.code).toBe("write-failed")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it.skipIf(!existsSync("/dev/null"))("is refused when it is a device", async () => {
    const error = await refusal(toSafetensors(CHECKPOINT, "/dev/null"))
    expect(error).toMatchObject({ code: "write-failed", detail: { reason: "it is not a regular file" } })
  })

  it.skipIf(!existsSync("/proc/self"))("is refused in a folder that takes no files", async () => {
    const error = await refusal(toSafetensors(CHECKPOINT, "/proc/self/out.safetensors"))
    expect(error.code).toBe("write-failed")
  })

  it("is refused at once when it does not fit on the disk", async () => {
    const { folder, output } = folderWithInput()
    const limits = { outputFloorBytes: Number.MAX_SAFE_INTEGER }
    const input = expandingCheckpoint(4_000_000)
    const error = await refusal(toSafetensors(input, output, { limits }))
    expect(error.code).toBe("write-failed")
    expect(error.message).toContain("ENOSPC")
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })

  it("is refused as an argument when the path is empty or holds a NUL", async () => {
    for (const path of ["", "a\0b"]) {
      expect((await refusal(toSafetensors(CHECKPOINT, path))).code).toBe("invalid-argument")
      expect((await refusal(toSafetensors(path, "out.safetensors"))).code).toBe("invalid-argument")
    }
    const web = new URL("https://example.org/model.safetensors")
    expect((await refusal(toSafetensors(CHECKPOINT, web))).code).toBe("invalid-argument")
    const other = new URL("ftp://example.org/model.pt")
    expect((await refusal(toSafetensors(other, "out.safetensors"))).code).toBe("invalid-argument")
  })
})

describe("a conversion that is aborted", () => {
  it.each(["before it begins", "midway"])("%s leaves nothing and throws the reason", async (when) => {
    const { folder, input, output } = folderWithInput(largeCheckpoint(12))
    const controller = new AbortController()
    const reason = new Error("changed my mind")
    if (when === "before it begins") controller.abort(reason)
    const conversion = toSafetensors(input, output, {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    })
    await expect(conversion).rejects.toBe(reason)
    expect(readdirSync(folder)).toEqual(["model.pt"])
  })
})

describe("hidden and odd names", () => {
  it("are no different", async () => {
    const { folder, input } = folderWithInput()
    mkdirSync(join(folder, "a b"))
    for (const name of [".hidden", "a b/c d.safetensors", "-o", "ünïcödé 😀"]) {
      await toSafetensors(input, join(folder, name))
      expect(existsSync(join(folder, name)), name).toBe(true)
    }
  })

  it.skipIf(process.platform === "win32")("a named pipe as output is no regular file", async () => {
    const { folder, input } = folderWithInput()
    const pipe = join(folder, "pipe")
    spawnSync("mkfifo", [pipe])
    expect((await refusal(toSafetensors(input, pipe, { overwrite: true }))).code).toBe("write-failed")
  })
})
