/** URLs on the command line. Only one that the user has written is ever fetched: no file and no folder leads to one. */

import { readFileSync } from "node:fs"
import type { HttpOptions } from "../node/index.ts"
import { reasonOf } from "../node/texts-for-command-line.ts"
import type { CommandLine } from "./command-line.ts"
import { UsageError } from "./endings.ts"
import { quoted, sayFew } from "./terminal/words.ts"

/** A name of RFC 9110, 5.6.2, then the value, which fetch checks by the rules for values. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(\S.*?)[ \t]*$/

/** A value that begins so names a file with a header in each line: the list of processes shows a command to everybody. */
const FILE_START = "@"

const EXAMPLE = '--header "authorization: Bearer TOKEN"'

/** Hosts that a message names. */
const NAMED_HOSTS = 4

/** @throws UsageError for what only begins like a URL, and for one with a password. Neither is repeated. */
export function readUrl(word: string): URL {
  const url = parse(word)
  if (url.username === "" && url.password === "") return url
  throw new UsageError(`the URL of ${url.origin} holds a password: pass it with --header, as in ${EXAMPLE}`)
}

/** What may be shown of a word: of a URL no query, which may hold a signature, and no password. */
export function shownInput(word: string): string {
  if (!isUrl(word)) return word
  const { origin, pathname } = parse(word)
  return origin + pathname
}

/**
 * How the URLs of a command are fetched; undefined where nothing is asked for.
 *
 * @throws UsageError. No header is repeated in it.
 */
export function readHttp({ files, options }: CommandLine): HttpOptions | undefined {
  const urls = files.filter(isUrl).map(readUrl)
  const headers = readHeaders(urls, options.texts("header"))
  const stallTimeoutMs = readStallTimeout(urls, options.text("stall-timeout"))
  return headers === undefined && stallTimeoutMs === undefined ? undefined : { headers, stallTimeoutMs }
}

function readHeaders(urls: readonly URL[], texts: readonly string[]): Headers | undefined {
  if (texts.length === 0) return undefined
  if (urls.length === 0) throw new UsageError("--header is for URLs, and none was named")
  const origins = new Set(urls.map(({ origin }) => origin))
  // A token is meant for whoever issued it.
  if (origins.size > 1) {
    throw new UsageError(
      `--header would go to ${sayFew([...origins], NAMED_HOSTS)}: name one of them at a time`,
    )
  }
  const headers = new Headers()
  for (const text of texts) {
    for (const line of text.startsWith(FILE_START) ? readLines(text.slice(1)) : [text])
      addHeader(headers, line)
  }
  return headers
}

function readStallTimeout(urls: readonly URL[], text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (urls.length === 0) throw new UsageError("--stall-timeout is for URLs, and none was named")
  if (/^\d{1,6}(?:\.\d{1,3})?$/.test(text)) return Number(text) * 1000
  throw new UsageError(`--stall-timeout takes a number of seconds, not ${quoted(text)}`)
}

/** Empty lines say nothing. */
function readLines(path: string): readonly string[] {
  try {
    const lines = readFileSync(path, "utf8").split(/\r?\n/)
    return lines.filter((line) => line.trim() !== "")
  } catch (cause) {
    throw new UsageError(`--header could not read ${quoted(path)}: ${reasonOf(cause)}`, { cause })
  }
}

function addHeader(headers: Headers, text: string): void {
  const problem = `--header takes a name, a colon and a value as one word, or @ and a file of them: ${EXAMPLE}`
  const [, name, value] = HEADER.exec(text) ?? []
  if (name === undefined || value === undefined) throw new UsageError(problem)
  if (headers.has(name)) throw new UsageError(`--header is given twice for ${name}`)
  try {
    headers.append(name, value)
  } catch {
    // The platform's error repeats the value.
    throw new UsageError(problem)
  }
}

function parse(word: string): URL {
  try {
    return new URL(word)
  } catch {
    throw new UsageError("what begins with http:// or https:// must be a whole URL, and this is none")
  }
}

/** A file that is called like this is written `./https://…`. */
const URL_START = /^https?:\/\//i

/**
 * What cannot be in the name of a file on some system, separates folders, or does not show as what it is: controls, marks
 * that reorder a line, blanks of other kinds, halves of characters.
 */
const UNSAFE = /(?! )[\p{C}\p{Z}\p{DI}\u2800]|[<>:"/\\|?*]/gu

/** A name that begins so is hidden, or looks like an option. */
const LEADING = /^[.\s-]+/u

/** Devices of Windows, whatever follows behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$)[ ]*(?:\.|$)/iu

/** Room is left for what is added to it, which file systems hold to 255 bytes with it. */
const MAX_BYTES = 180

/** Characters that are kept at the end of a long name. */
const KEPT_AT_END = 20

/** Whether a word of the command line is a URL to be fetched. */
export function isUrl(word: string): boolean {
  return URL_START.test(word)
}

/** A safe name from the last part of the path, or undefined where nothing is left of it. */
export function nameOf({ pathname }: URL): string | undefined {
  const last = decoded(pathname.slice(pathname.lastIndexOf("/") + 1))
  const name = cut(last.replace(UNSAFE, "_").replace(LEADING, "")).replace(/[.\s]+$/u, "")
  if (name === "") return undefined
  return DEVICE.test(name) ? `_${name}` : name
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No UTF-8: it stays as it is written.
    return text
  }
}

/** The middle goes, as the end says what kind of file it is. */
function cut(name: string): string {
  const start = [...name]
  const end = start.splice(-KEPT_AT_END)
  start.splice(MAX_BYTES)
  while (Buffer.byteLength([...start, ...end].join("")) > MAX_BYTES) start.pop()
  return [...start, ...end].join("")
}
