import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { readExactly } from "../../src/bytes/read-exactly.ts"
import type { SourceStore } from "../../src/bytes/source-store.ts"
import { folderStore } from "../../src/node/file-source.ts"
import { HOSTILE_NAMES, ODD_NAMES } from "../bytes/hostile-names.ts"
import { temporaryFolders } from "./temporary-folder.ts"

const newFolder = temporaryFolders()

/** A folder in a folder, with a file of another beside it; every file holds its own name. */
function folderOf(names: readonly string[]): string {
  const folder = join(newFolder(), "model")
  mkdirSync(join(folder, "sub"), { recursive: true })
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), name)
  }
  writeFileSync(join(folder, "../secret.bin"), "secret")
  return folder
}

async function textOf(store: SourceStore, name: string): Promise<string | undefined> {
  const source = await store.open(name)
  if (source === undefined) return undefined
  return new TextDecoder().decode(await readExactly(source, { offset: 0, length: source.byteLength }))
}

describe("a folder", () => {
  it("has the files in it and below it", async () => {
    const names = process.platform === "win32" ? ["a b.bin", "sub/model.bin"] : ODD_NAMES
    const folder = folderOf(["model.bin", ...names])
    const store = folderStore(join(folder, "model.bin"))
    expect(store.name).toBe("model.bin")
    for (const name of ["model.bin", ...names]) expect(await textOf(store, name)).toBe(name)
    const atTop = ["model.bin", ...names].filter((name) => !name.includes("/"))
    expect(await store.names?.()).toEqual(atTop.sort())
    await store.close()
  })

  it("has what was asked for, whatever it is called", async () => {
    const name = process.platform === "win32" ? "a.bin" : "c:\\nul."
    const store = folderStore(join(folderOf([name]), name))
    expect(await textOf(store, store.name)).toBe(name)
    await store.close()
    const absent = folderStore(join(newFolder(), "absent.bin"))
    await expect(absent.open(absent.name)).rejects.toMatchObject({ code: "read-failed" })
  })

  it.each([...HOSTILE_NAMES, "absent.bin", "sub", "model.bin/x", "n".repeat(5000)])(
    "has none called %j",
    async (name) => {
      const store = folderStore(join(folderOf(["model.bin"]), "model.bin"))
      expect(await store.open(name)).toBeUndefined()
      await store.close()
    },
  )

  it.skipIf(process.platform === "win32")("has none even where a file is called so", async () => {
    const names = HOSTILE_NAMES.filter((name) => /^[^/\0]+$/.test(name) && !/^\.{1,2}$/.test(name))
    const store = folderStore(join(folderOf(["model.bin", ...names]), "model.bin"))
    for (const name of names) expect(await store.open(name)).toBeUndefined()
    await store.close()
  })

  it.skipIf(process.platform === "win32")("has links, as the Hub's cache does", async () => {
    const folder = folderOf(["model.bin"])
    mkdirSync(join(folder, "../blobs"))
    writeFileSync(join(folder, "../blobs/0a1b"), "weights")
    symlinkSync("../blobs/0a1b", join(folder, "linked.bin"))
    symlinkSync("../blobs/gone", join(folder, "dangling.bin"))
    symlinkSync("../blobs", join(folder, "folder"))
    const store = folderStore(join(folder, "linked.bin"))
    expect(await textOf(store, "linked.bin")).toBe("weights")
    expect(await textOf(store, "model.bin")).toBe("model.bin")
    expect(await textOf(store, "dangling.bin")).toBeUndefined()
    expect(await textOf(store, "folder")).toBeUndefined()
    expect(await textOf(store, "folder/0a1b")).toBe("weights")
    await store.close()
  })
})
