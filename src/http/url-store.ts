/** The place of a URL as a store: what lies beside the file that was asked for, and below. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { isNameBelow, openingStore, type SourceStore } from "../bytes/source-store.ts"
import { isCheckpointError } from "../errors/checkpoint-error.ts"
import { decoded } from "./http-options.ts"
import type { UrlSourceOptions } from "./url-source.ts"

/**
 * The place of `url`. Names in files are looked up below it, on the same host, and nowhere else. Its query goes along: where
 * one lets the caller in, it lets in to the other files too. Where the server redirects a request is its own affair.
 */
export function urlStore(url: URL, options: Omit<UrlSourceOptions, "signal">): SourceStore {
  const name = decoded(url.pathname.slice(url.pathname.lastIndexOf("/") + 1))
  return openingStore(name, async (each, signal) => {
    if (each === name) return openAt(url, { ...options, signal })
    return isNameBelow(each) ? openBeside(url, each, { ...options, signal }) : undefined
  })
}

/** Loaded by itself, as for a URL that is an input: both share the file. */
async function openAt(url: URL, options: UrlSourceOptions): Promise<ByteSource> {
  const { openUrlSource } = await import("./url-source.ts")
  return openUrlSource(url, options)
}

async function openBeside(
  url: URL,
  name: string,
  options: UrlSourceOptions,
): Promise<ByteSource | undefined> {
  const beside = new URL(url)
  beside.pathname =
    url.pathname.slice(0, url.pathname.lastIndexOf("/") + 1) +
    name.split("/").map(encodeURIComponent).join("/")
  try {
    return await openAt(beside, options)
  } catch (error) {
    const isAbsent =
      isCheckpointError(error) && error.code === "read-failed" && error.detail.failure === "not-found"
    if (isAbsent) return undefined
    throw error
  }
}
