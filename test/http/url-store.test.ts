import { describe, expect, it } from "vitest"
import { isCheckpointError } from "../../src/errors/checkpoint-error.ts"
import { urlStore } from "../../src/http/url-store.ts"
import { HOSTILE_NAMES, ODD_NAMES } from "../bytes/hostile-names.ts"
import { type FileServer, serveFile } from "./file-server.ts"

const OPTIONS = { wait: async () => {} }

function storeBelow(server: FileServer, path: string) {
  return urlStore(new URL(path, server.url), OPTIONS)
}

describe("a place on a server", () => {
  it("has what lies beside the file that was asked for, and below", async () => {
    await using server = await serveFile(new Uint8Array(3))
    const store = storeBelow(server, "/models/one/index.json?token=t")
    expect(store.name).toBe("index.json")
    for (const name of [store.name, ...ODD_NAMES]) expect((await store.open(name))?.byteLength).toBe(3)
    const asked = server.asked.map(({ path }) => new URL(path, server.url))
    expect(asked.map(({ pathname }) => decodeURIComponent(pathname))).toEqual(
      [store.name, ...ODD_NAMES].map((name) => `/models/one/${name}`),
    )
    expect(asked.every(({ search }) => search === "?token=t")).toBe(true)
    await store.close()
  })

  it.each(HOSTILE_NAMES)("is not asked for %j", async (name) => {
    await using server = await serveFile(new Uint8Array(3))
    const store = storeBelow(server, "/models/one/index.json")
    expect(await store.open(name)).toBeUndefined()
    expect(server.asked).toEqual([])
  })

  it("has what was asked for, however it is written", async () => {
    await using server = await serveFile(new Uint8Array(3))
    for (const path of ["/models/a%20b.bin", "/models/%2e%2e%2fx", "/models/%ff.bin", "/models/"]) {
      const store = storeBelow(server, path)
      expect((await store.open(store.name))?.byteLength).toBe(3)
      expect(server.asked.at(-1)?.path).toBe(path)
    }
  })

  it("has none where the server says so, and fails where it says something else", async () => {
    await using server = await serveFile(new Uint8Array(3))
    const store = storeBelow(server, "/models/index.json")
    server.always = (part) => {
      part.status = 404
    }
    expect(await store.open("absent.bin")).toBeUndefined()
    const refused = (error: unknown): unknown => isCheckpointError(error) && error.code
    expect(await store.open("index.json").catch(refused)).toBe("read-failed")
    server.always = (part) => {
      part.status = 403
    }
    expect(await store.open("forbidden.bin").catch(refused)).toBe("read-failed")
  })
})
