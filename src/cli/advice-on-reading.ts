/** What to do about an input that could not be read: a path that is none, a folder, a server that refuses. */

import { readdirSync, statSync } from "node:fs"
import { basename, dirname } from "node:path"
import type { CheckpointError, ReadFailure } from "../node/index.ts"
import { systemCode } from "../node/system-errors.ts"
import { nearestNames } from "../text/nearest-names.ts"
import type { Advice, Subject } from "./advice.ts"
import { adviseOnFolder } from "./advice-on-folders.ts"
import { nearestCommand } from "./command-hints.ts"
import { beside } from "./free-name.ts"
import { commandsOf, shellCommand } from "./shell-words.ts"
import { quoted } from "./shown-text.ts"
import { isUrl } from "./url-name.ts"

/** What to do where the library names an option of its own. */
const NEXT_STEPS: ReadonlyMap<ReadFailure, string> = new Map<ReadFailure, string>([
  ["forbidden", "Pass a token that may read the file: --header 'authorization: Bearer TOKEN'."],
  [
    "gated",
    "Accept the conditions on the repository's page, then pass a token of that account: --header 'authorization: Bearer TOKEN'.",
  ],
  ["redirect", "Name the address that it redirects to, or leave out every --header but authorization."],
  ["stalled", "Try later, or give it more time with --stall-timeout."],
  [
    "tls",
    "Check the address and this computer's clock. If your network uses its own certificates, set the environment variable NODE_EXTRA_CA_CERTS to their file.",
  ],
  [
    "too-many-requests",
    "Try later. With a token most servers allow more: --header 'authorization: Bearer TOKEN'.",
  ],
  ["unauthorized", "Pass a token: --header 'authorization: Bearer TOKEN'."],
])

/** What is said of failures that a token would fix, to somebody who has passed one. */
const TOKEN_FAILURES: ReadonlySet<ReadFailure> = new Set(["unauthorized", "forbidden"])

export function adviseOnReading(
  { detail, cause, nextStep }: CheckpointError<"read-failed">,
  subject: Subject,
): Advice | undefined {
  const { file, path, line } = subject
  const { failure } = detail
  if (isUrl(file)) {
    const hasToken = line.options.texts("header").some((header) => /^@|^authorization:/i.test(header))
    if (failure === "web-page" || failure === "not-found") return adviseOnPage(file, nextStep)
    if (failure === "no-ranges") return adviseOnNoRanges(file)
    if (failure === undefined || (hasToken && TOKEN_FAILURES.has(failure))) return { next: nextStep }
    return { next: NEXT_STEPS.get(failure) ?? nextStep }
  }
  if (path === undefined) return undefined
  if (isFolder(path)) return adviseOnFolder(path)
  if (systemCode(cause) === "ENOENT") return adviseOnMissing(path, line.command)
  if (systemCode(cause) === "EACCES") {
    return {
      next: "Ask whoever owns it for the right to read it. This shows who that is:",
      commands: commandsOf(shellCommand`ls -l ${path}`),
    }
  }
  return undefined
}

/** Sites that show a file as a page have the file itself at an address that differs in one word. */
function adviseOnPage(file: string, nextStep: string): Advice {
  const url = new URL(file)
  if (!url.pathname.includes("/blob/")) return { next: nextStep }
  const word = /(?:^|\.)git(?:hub|lab)\.com$/.test(url.hostname) ? "/raw/" : "/resolve/"
  const itself = url.origin + url.pathname.replace("/blob/", word)
  return {
    next: `This URL is a web page about the file. The URL of the file itself has ${quoted(word)} instead of "/blob/":`,
    commands: url.search === "" ? commandsOf(shellCommand`tosafetensors inspect ${itself}`) : [],
  }
}

function adviseOnNoRanges(file: string): Advice {
  const url = new URL(file)
  const name = basename(url.pathname) || "checkpoint.pt"
  return {
    next: "Fetch the whole file first, and convert that:",
    commands:
      url.search === ""
        ? commandsOf(
            shellCommand`curl --fail --location --output ${name} ${url.origin + url.pathname}`,
            shellCommand`tosafetensors ${name}`,
          )
        : [],
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function adviseOnMissing(path: string, command: string): Advice | undefined {
  const folder = dirname(path)
  let names: readonly string[]
  try {
    names = readdirSync(folder)
  } catch {
    return { next: `There is no folder ${quoted(folder)}: check the path.` }
  }
  const [name] = nearestNames(basename(path), names)
  const word = command === "convert" && folder === "." ? nearestCommand(path) : undefined
  if (name !== undefined) {
    const near = beside(path, name)
    return { next: `Did you mean ${quoted(near)}?`, commands: commandsOf(again(command, near)) }
  }
  if (word !== undefined) {
    return {
      next: `Did you mean the command ${word}? It takes the name of a file.`,
      commands: [`tosafetensors ${word} --help`],
    }
  }
  return {
    next: `Check the name: ${folder === "." ? "this folder" : quoted(folder)} holds no file or folder with this name.`,
  }
}

function again(command: string, path: string): string | undefined {
  return command === "inspect"
    ? shellCommand`tosafetensors inspect ${path}`
    : command === "scan"
      ? shellCommand`tosafetensors scan ${path}`
      : command === "verify"
        ? undefined
        : shellCommand`tosafetensors ${path}`
}
