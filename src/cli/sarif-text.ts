/** Text and places in the forms that SARIF 2.1.0 wants. */

import { isAbsolute, posix, relative, resolve, sep } from "node:path"
import { pathToFileURL } from "node:url"
import { shownInput } from "./url-input.ts"
import { isUrl } from "./url-name.ts"

/** Stands for the folder that the command was run in, the usual name for where a repository lies. */
export const BASE_ID = "%SRCROOT%"

/** A place in the form of `artifactLocation`. */
export interface SarifArtifactLocation {
  readonly uri: string
  readonly uriBaseId?: string
  /** Of the file in the list of artifacts. */
  readonly index?: number
}

/**
 * A plain text message that means nothing but itself. In a message `[text](address)` is a link (3.11.6) and `{0}` a
 * placeholder (3.11.5); names from a file could make both. A backslash escapes brackets, and itself before one; braces
 * are doubled.
 */
export function plainMessage(text: string): { readonly text: string } {
  const unlinked = text.replace(/\\*[[\]]/g, (run) => `${run.slice(0, -1).repeat(2)}\\${run.slice(-1)}`)
  return { text: unlinked.replace(/[{}]/g, "$&$&") }
}

/**
 * The file as a URI. A relative path below the current folder stays relative, so that the log is the same on every
 * machine and code scanning finds the file in the repository; any other path is a `file:` URI. A URL is one already,
 * without its query: that may hold a signature, and a log is kept and shown.
 */
export function artifactLocation(file: string): SarifArtifactLocation {
  if (isUrl(file)) return { uri: shownInput(file) }
  const path = isAbsolute(file) ? file : relative("", resolve(file))
  if (isAbsolute(path) || path === ".." || path.startsWith(`..${sep}`))
    return { uri: pathToFileURL(resolve(file)).href }
  return relativeLocation(path.split(sep).join(posix.sep))
}

/** What has no path, such as standard input. */
export function relativeLocation(path: string): SarifArtifactLocation {
  // A name of the file system may be half of a character, which no URI can say.
  const text = Buffer.from(path, "utf8").toString("utf8")
  return { uri: text.split("/").map(encodeURIComponent).join("/"), uriBaseId: BASE_ID }
}
