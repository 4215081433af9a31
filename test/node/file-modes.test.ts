import { spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  createReadStream,
  existsSync,
  lstatSync,
  readdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pathToFileURL } from "node:url"
import { describe, expect, it, vi } from "vitest"
import { toSafetensors } from "../../src/node/index.ts"
import { largeCheckpoint, legacyCheckpoint } from "./legacy-checkpoint.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()
const CHECKPOINT = legacyCheckpoint({ storageElements: 6, shape: [2, 3], strides: [3, 1] })
const UMASK = process.umask()

const modeOf = (path: string): number => statSync(path).mode & 0o7777
const octal = (mode: number): string => mode.toString(8)

function folderWithInput(mode: number): { folder: string; input: string; output: string } {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, CHECKPOINT)
  chmodSync(input, mode)
  return { folder, input, output: join(folder, "model.safetensors") }
}

describe.skipIf(process.platform === "win32")("the mode of an output", () => {
  it.each(
    [0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o400, 0o444, 0o700, 0o755, 0o777, 0o4755].map((m) => [
      octal(m),
      m,
    ]),
  )("lets nobody in who could not read an input of %s", async (_, mode) => {
    const { input, output } = folderWithInput(mode as number)
    await toSafetensors(input, output)
    expect(octal(modeOf(output))).toBe(octal((mode as number) & 0o666 & ~UMASK))
  })

  it("is its user's alone where the process may not be asked for its mask", async () => {
    const { input, output } = folderWithInput(0o644)
    const umask = vi.spyOn(process, "umask").mockImplementation(() => {
      throw new Error("not allowed")
    })
    await toSafetensors(input, output)
    umask.mockRestore()
    expect(octal(modeOf(output))).toBe("600")
  })

  it("follows a link to the input, and a URL", async () => {
    const { folder, input, output } = folderWithInput(0o600)
    const link = join(folder, "link.pt")
    symlinkSync(input, link)
    await toSafetensors(link, output)
    expect(octal(modeOf(output))).toBe("600")
    await toSafetensors(pathToFileURL(input), pathToFileURL(output), { overwrite: true })
    expect(octal(modeOf(output))).toBe("600")
  })

  it.each([
    ["600", "644", "600"],
    ["640", "644", "640"],
    ["644", "600", "600"],
    ["666", "644", "644"],
    ["777", "666", "666"],
    ["400", "644", "400"],
  ])("that replaces one of %s, from an input of %s, is %s", async (existing, given, wanted) => {
    const { folder, input, output } = folderWithInput(Number.parseInt(given, 8))
    writeFileSync(output, "old")
    chmodSync(output, Number.parseInt(existing, 8))
    await toSafetensors(input, output, { overwrite: true })
    expect(octal(modeOf(output))).toBe(wanted)
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it("that replaces a link is not wider than what the link led to", async () => {
    const { folder, input, output } = folderWithInput(0o644)
    const target = join(folder, "precious")
    writeFileSync(target, "old", { mode: 0o600 })
    symlinkSync(target, output)
    await toSafetensors(input, output, { overwrite: true })
    expect(lstatSync(output).isSymbolicLink()).toBe(false)
    expect(octal(modeOf(output))).toBe("600")
  })

  it("from bytes, a Blob or a stream is what the mask leaves", async () => {
    for (const input of [CHECKPOINT, new Blob([CHECKPOINT]), new Blob([CHECKPOINT]).stream()]) {
      const output = join(newFolder(), "model.safetensors")
      await toSafetensors(input, output)
      expect(octal(modeOf(output))).toBe(octal(0o666 & ~UMASK))
    }
    const { input, output } = folderWithInput(0o600)
    await toSafetensors(Readable.toWeb(createReadStream(input)) as ReadableStream<Uint8Array>, output)
    expect(octal(modeOf(output))).toBe(octal(0o666 & ~UMASK))
  })

  it("is its user's alone while it is written", async () => {
    const { folder, input, output } = folderWithInput(0o644)
    writeFileSync(input, largeCheckpoint(8))
    const seen = new Set<string>()
    const onProgress = (): void => {
      for (const name of readdirSync(folder).filter((each) => each.endsWith(".tmp")))
        seen.add(octal(modeOf(join(folder, name))))
    }
    await toSafetensors(input, output, { onProgress })
    expect([...seen]).toEqual(["600"])
  })

  it("is its user's alone when the input went away meanwhile", async () => {
    const { input, output } = folderWithInput(0o644)
    await toSafetensors(input, output, { onProgress: () => existsSync(input) && unlinkSync(input) })
    expect(octal(modeOf(output))).toBe("600")
  })

  it.skipIf(process.getuid?.() !== 0)(
    "does not lend somebody else's file to the user who converts",
    async () => {
      const { input, output } = folderWithInput(0o600)
      chownSync(input, 12345, 12345)
      await toSafetensors(input, output)
      expect(octal(modeOf(output))).toBe("600")
      expect(statSync(output).uid).toBe(0)
      const tried = spawnSync("setpriv", [
        "--reuid",
        "12346",
        "--regid",
        "12346",
        "--clear-groups",
        "cat",
        output,
      ])
      if (tried.error === undefined) expect(tried.status).not.toBe(0)
    },
  )
})
