/** Disks that are full, fill up at the last moment, or take nothing: real ones, where the tests may mount them. */

import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import { buildCli, runShell, startScript } from "../cli/build-cli.ts"
import { largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { refusal } from "../node/refusal.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { interceptFiles, systemError } from "./file-operations.ts"

const newFolder = temporaryFolders()
const INJECT = pathToFileURL(join(import.meta.dirname, "inject.mjs")).href
const mounted: string[] = []
const MOUNTS = canMount()
if (!MOUNTS) console.log("faults: no file systems can be mounted here, so full disks are not tested")

function mount(bytes: number, options = ""): string {
  const folder = newFolder()
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}${options}`, "tmpfs", folder])
  mounted.push(folder)
  return folder
}

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  const folder = newFolder()
  const made = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4096", "tmpfs", folder]).status === 0
  if (made) execFileSync("umount", [folder])
  return made
}

afterAll(() => {
  for (const folder of mounted) spawnSync("umount", ["-l", folder])
})

const INPUT = largeCheckpoint(3)
const PAGE = 4096

describe.skipIf(!MOUNTS)("a disk", () => {
  it("that is too small is found out before anything is written", async () => {
    const folder = mount(1024 * 1024)
    const error = await refusal(toSafetensors(INPUT, join(folder, "out")))
    expect(error).toMatchObject({
      code: "write-failed",
      detail: { reason: expect.stringContaining("ENOSPC") },
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it.each(["the middle", "the last page"])(
    "that is full at %s ends the conversion and leaves nothing",
    async (at) => {
      const { report } = await toSafetensorsBytes(INPUT)
      const pages = Math.ceil(report.byteLength / PAGE)
      const folder = mount((at === "the middle" ? pages >> 1 : pages - 1) * PAGE)
      // Where the system does not say what is free, only writing tells.
      const restore = await interceptFiles((operation) => {
        if (operation === "statfs") throw systemError("ENOSYS")
        return undefined
      })
      try {
        const error = await refusal(toSafetensors(INPUT, join(folder, "out")))
        expect(error).toMatchObject({
          code: "write-failed",
          detail: { reason: expect.stringContaining("ENOSPC") },
        })
      } finally {
        restore()
      }
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it("that somebody else fills meanwhile ends the conversion and leaves nothing of it", async () => {
    const folder = mount(8 * 1024 * 1024)
    const fill = (): void => {
      const { bavail, bsize } = statfsSync(folder)
      // The conversion takes room at the same time: what is left may be less by now.
      for (let left = bavail; left > 0; left = Math.floor(left / 2)) {
        try {
          writeFileSync(join(folder, "filler"), new Uint8Array(left * bsize), { flag: "a" })
        } catch {
          // The disk is full, as it should be.
        }
      }
    }
    const error = await refusal(toSafetensors(largeCheckpoint(7), join(folder, "out"), { onProgress: fill }))
    expect(error.message).toContain("the disk is full (ENOSPC)")
    expect(readdirSync(folder)).toEqual(["filler"])
  })

  it("that holds nothing more but the output's name is enough for exactly the output", async () => {
    const { bytes } = await toSafetensorsBytes(INPUT)
    const folder = mount(Math.ceil(bytes.length / PAGE) * PAGE)
    await toSafetensors(INPUT, join(folder, "out"))
    expect(Buffer.compare(readFileSync(join(folder, "out")), bytes)).toBe(0)
    writeFileSync(join(folder, "out"), "precious")
    const error = await refusal(toSafetensors(largeCheckpoint(4), join(folder, "out"), { overwrite: true }))
    expect(error.code).toBe("write-failed")
    expect(readFileSync(join(folder, "out"), "utf8")).toBe("precious")
  })

  it("that is read-only is refused", async () => {
    const folder = mount(1024 * 1024)
    execFileSync("mount", ["-o", "remount,ro", folder])
    const error = await refusal(toSafetensors(largeCheckpoint(0), join(folder, "out")))
    expect(error.message).toContain("the file system is read-only (EROFS)")
  })

  it("without a free name is refused", async () => {
    const folder = mount(8 * 1024 * 1024, ",nr_inodes=2")
    writeFileSync(join(folder, "other"), "")
    expect((await refusal(toSafetensors(INPUT, join(folder, "out")))).message).toContain("ENOSPC")
    expect(readdirSync(folder)).toEqual(["other"])
  })

  it("for temporary files that is full refuses a stream, and leaves nothing", async () => {
    const folder = mount(1024 * 1024)
    const before = process.env["TMPDIR"]
    process.env["TMPDIR"] = folder
    try {
      const error = await refusal(toSafetensorsBytes(new Blob([INPUT]).stream()))
      expect(error).toMatchObject({
        code: "write-failed",
        detail: { reason: expect.stringContaining("ENOSPC") },
      })
    } finally {
      if (before === undefined) delete process.env["TMPDIR"]
      else process.env["TMPDIR"] = before
    }
    expect(readdirSync(folder)).toEqual([])
  })
})

describe.skipIf(!MOUNTS)("a disk that threads copy to", () => {
  const MIB = 1024 * 1024
  let script = ""
  let input = ""
  beforeAll(async () => {
    script = await buildCli(newFolder())
    input = join(newFolder(), "model.pt")
    writeFileSync(input, largeCheckpoint(64))
  })

  it.each([
    ["the middle", 32 * MIB],
    ["the last page", 64 * MIB],
  ])("and that is full at %s ends the conversion and leaves nothing", async (_, bytes) => {
    const folder = mount(bytes)
    const env = { NODE_OPTIONS: `--import=${INJECT}`, FAULT: "ENOSYS", FAULT_OP: "statfs", FAULT_AT: "0" }
    const { code, stderr } = await startScript(script, [input, "-o", join(folder, "out")], env).ended
    expect(stderr).toContain("the disk is full (ENOSPC)")
    expect(code).toBe(3)
    expect(readdirSync(folder)).toEqual([])
  })

  it.skipIf(!existsSync("/dev/full"))("is no device", () => {
    const ending = runShell(script, `$CLI "${input}" -o /dev/full --force`)
    expect(ending.stderr).toContain("it is not a regular file")
    expect(ending.code).toBe(3)
    const piped = runShell(script, `$CLI "${input}" -o - > /dev/full`)
    expect(piped.stderr).toContain("the disk is full (ENOSPC)")
    expect(piped.code).toBe(3)
  })
})
