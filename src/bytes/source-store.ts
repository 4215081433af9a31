/**
 * The files that a checkpoint may draw from, by name. One file is a store of one; the shards of a model are a store, whose
 * index names the others. A name that comes out of a file is looked up in the store and nowhere else.
 */

import type { ByteSource } from "./byte-source.ts"
import { readFailed } from "./failures.ts"
import { unlessAborted } from "./turns.ts"

/** Sources by name. Names are relative, with slashes. */
export interface SourceStore {
  /** The file that was asked for. */
  readonly name: string
  /**
   * The source of that name; undefined where the store has none. The same one each time. It belongs to the store.
   *
   * @throws what opening it throws; the signal's reason.
   */
  open(name: string, signal?: AbortSignal): Promise<ByteSource | undefined>
  /** Optional: the names of all files, where they can be listed. */
  names?(): Promise<readonly string[]>
  /** Closes what the store has opened. */
  close(): Promise<void>
}

/** A store of sources that are open already and stay their owner's. `name` is one of theirs. */
export function storeOf(sources: ReadonlyMap<string, ByteSource>, name: string): SourceStore {
  return {
    name,
    open: async (each) => sources.get(each),
    names: async () => [...sources.keys()],
    close: async () => {},
  }
}

/** A store of one file. */
export function storeOfOne(source: ByteSource, name = ""): SourceStore {
  return storeOf(new Map([[name, source]]), name)
}

/** The source that the store was asked for. @throws `read-failed` where the store has none of that name. */
export async function openAsked(store: SourceStore, signal?: AbortSignal): Promise<ByteSource> {
  const source = await store.open(store.name, signal)
  if (source === undefined) throw readFailed(new Error("there is no such file"))
  return source
}

/** How a store opens a source by name; undefined where there is none. The signal is the store's. */
export type OpenNamed = (name: string, signal: AbortSignal) => Promise<ByteSource | undefined>

/** A store that opens sources when they are asked for, each once. */
export function openingStore(name: string, openNamed: OpenNamed): SourceStore {
  const opened = new Map<string, Promise<ByteSource | undefined>>()
  const closing = new AbortController()
  const open = async (each: string): Promise<ByteSource | undefined> => {
    closing.signal.throwIfAborted()
    return openNamed(each, closing.signal)
  }
  return {
    name,
    open: (each, signal) => {
      const known = opened.get(each)
      if (known !== undefined) return unlessAborted(known, signal)
      // Whoever asks next may wait for it too, so that nobody's signal but the store's ends it.
      const opening = open(each)
      opened.set(each, opening)
      const forget = (): unknown => opened.delete(each)
      opening.then((source) => source ?? forget(), forget)
      return unlessAborted(opening, signal)
    },
    close: async () => {
      closing.abort(new Error("the store has been closed"))
      const sources = await Promise.allSettled(opened.values())
      opened.clear()
      await Promise.all(
        sources.map((each) => (each.status === "fulfilled" ? each.value?.close?.() : undefined)),
      )
    },
  }
}

/** What an encoded name may decode to a second time, on the way to a server: a dot, a slash, a backslash, a NUL. */
const ENCODED = /%(?:2e|2f|5c|00)/i

/** Names of devices on Windows, whatever their ending, and endings that Windows takes off. */
const WINDOWS = /^(?:aux|con|nul|prn|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)|[. ]$/i

/**
 * Whether `name` stays below the place that a store stands for, on any system and on any server: no absolute path, no `..`, no
 * drive, stream or device of Windows, no control character. Everywhere the same, so that a model opens everywhere or nowhere.
 */
export function isNameBelow(name: string): boolean {
  // Halves of surrogate pairs are no text: file systems and URLs would make another name of them.
  if (/[\0-\x1f\x7f\\:]|\p{Surrogate}/u.test(name) || ENCODED.test(name)) return false
  return name.split("/").every((part) => part !== "" && !WINDOWS.test(part))
}
