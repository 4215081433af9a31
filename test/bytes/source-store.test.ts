import { describe, expect, it, vi } from "vitest"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { isNameBelow, openingStore, storeOf } from "../../src/bytes/source-store.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { HOSTILE_NAMES, ODD_NAMES } from "./hostile-names.ts"

const source = memorySource(new Uint8Array(1))

describe("a store of open sources", () => {
  const store = storeOf(new Map([["model.bin", source]]), "model.bin")

  it("has these, by their exact names", async () => {
    expect(await store.open("model.bin")).toBe(source)
    expect(await store.names?.()).toEqual(["model.bin"])
    expect(await store.open("Model.bin")).toBeUndefined()
  })

  it.each([...HOSTILE_NAMES, "__proto__", "constructor"])("has none called %j", async (name) => {
    expect(await store.open(name)).toBeUndefined()
  })

  it("closes nothing that is not its own", async () => {
    const close = vi.fn(async () => {})
    await storeOf(new Map([["a", { ...source, close }]]), "a").close()
    expect(close).not.toHaveBeenCalled()
  })
})

describe("names below a place", () => {
  it.each(HOSTILE_NAMES)("%j is none", (name) => {
    expect(isNameBelow(name)).toBe(false)
  })

  it.each(ODD_NAMES)("%j is one", (name) => {
    expect(isNameBelow(name)).toBe(true)
  })
})

describe("a store that opens", () => {
  it("opens each once, and closes it", async () => {
    const close = vi.fn(async () => {})
    const open = vi.fn(async (): Promise<ByteSource> => ({ ...source, close }))
    const store = openingStore("a", open)
    const [first, second] = await Promise.all([store.open("a"), store.open("a")])
    expect(first).toBe(second)
    await store.open("b")
    expect(open).toHaveBeenCalledTimes(2)
    await store.close()
    expect(close).toHaveBeenCalledTimes(2)
    await expect(store.open("a")).rejects.toThrow("closed")
  })

  it("asks again for what was not there or could not be opened", async () => {
    const open = vi.fn(async (): Promise<ByteSource | undefined> => source)
    open.mockResolvedValueOnce(undefined).mockRejectedValueOnce(new Error("busy"))
    const store = openingStore("a", open)
    expect(await store.open("a")).toBeUndefined()
    await expect(store.open("a")).rejects.toThrow("busy")
    expect(await store.open("a")).toBe(source)
  })

  it("lets one stop waiting while another goes on", async () => {
    const { promise, resolve } = withResolver<ByteSource>()
    const store = openingStore("a", () => promise)
    const controller = new AbortController()
    const given = store.open("a", controller.signal)
    const other = store.open("a")
    controller.abort("enough")
    await expect(given).rejects.toBe("enough")
    resolve(source)
    expect(await other).toBe(source)
  })

  it("ends what is being opened when it is closed", async () => {
    const store = openingStore("a", (_, signal) => {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason))
      })
    })
    const opening = store.open("a")
    const ended = expect(opening).rejects.toThrow("closed")
    await store.close()
    await ended
  })
})

function withResolver<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((given) => {
    resolve = given
  })
  return { promise, resolve }
}
