/** What to do about an input that could not be read: a path that is none, a folder, a server that refuses. */

import { readdirSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import type { CheckpointError, ReadFailure } from "../../node/index.ts"
import { nearestNames, systemCode } from "../../node/texts-for-command-line.ts"
import type { CommandLine } from "../command-line.ts"
import { isFolder } from "../input.ts"
import { quoted, sayCounted } from "../terminal/words.ts"
import { isUrl } from "../urls.ts"
import { convertEach, freeName, isCheckpointName } from "./file-names.ts"
import { type Advice, advise, adviseInPosix, inFolder, type Subject, shellCommand } from "./shell-words.ts"

const TOKEN = "--header 'authorization: Bearer TOKEN'"

/** What to do where the library names an option of its own. */
const NEXT_STEPS: ReadonlyMap<ReadFailure, string> = new Map<ReadFailure, string>([
  ["forbidden", `Pass a token that may read the file: ${TOKEN}.`],
  ["gated", `Accept the conditions on the repository's page, then pass a token of that account: ${TOKEN}.`],
  ["redirect", "Name the address that it redirects to, or leave out every --header but authorization."],
  ["stalled", "Try later, or give it more time with --stall-timeout."],
  [
    "tls",
    "Check the address and this computer's clock. If your network uses its own certificates, set the environment variable NODE_EXTRA_CA_CERTS to their file.",
  ],
  ["too-many-requests", `Try later. With a token most servers allow more: ${TOKEN}.`],
  ["unauthorized", `Pass a token: ${TOKEN}.`],
])

/** What is said of failures that a token would fix, to somebody who has passed one. */
const TOKEN_FAILURES: ReadonlySet<ReadFailure> = new Set(["unauthorized", "forbidden"])

export function adviseOnReading(
  { detail: { failure }, cause, nextStep }: CheckpointError<"read-failed">,
  { file, path, line }: Subject,
): Advice | undefined {
  if (isUrl(file)) {
    if (failure === "web-page" || failure === "not-found") return adviseOnPage(file, nextStep)
    if (failure === "no-ranges") return adviseOnNoRanges(file)
    const hasToken = line.options.texts("header").some((header) => /^@|^authorization:/i.test(header))
    if (failure === undefined || (hasToken && TOKEN_FAILURES.has(failure))) return { next: nextStep }
    return { next: NEXT_STEPS.get(failure) ?? nextStep }
  }
  if (path === undefined) return undefined
  if (isFolder(path)) return adviseOnFolder(path)
  if (systemCode(cause) === "ENOENT") return adviseOnMissing(path, line)
  if (systemCode(cause) !== "EACCES") return undefined
  const next = "Ask whoever owns it for the right to read it. This shows who that is:"
  return advise(next, shellCommand`ls -l ${path}`)
}

/** Sites that show a file as a page have the file itself at an address that differs in one word. */
function adviseOnPage(file: string, nextStep: string): Advice {
  const { pathname, hostname, origin, search } = new URL(file)
  if (!pathname.includes("/blob/")) return { next: nextStep }
  const word = /(?:^|\.)git(?:hub|lab)\.com$/.test(hostname) ? "/raw/" : "/resolve/"
  const itself = origin + pathname.replace("/blob/", word)
  const next = `This URL is a web page about the file. The URL of the file itself has ${quoted(word)} instead of "/blob/":`
  // A query may hold a signature.
  return search === "" ? advise(next, shellCommand`tosafetensors inspect ${itself}`) : { next }
}

function adviseOnNoRanges(file: string): Advice {
  const { pathname, origin, search } = new URL(file)
  const name = basename(pathname) || "checkpoint.pt"
  const next = "Fetch the whole file first, and convert that:"
  if (search !== "") return { next }
  return advise(
    next,
    shellCommand`curl --fail --location --output ${name} ${origin + pathname}`,
    shellCommand`tosafetensors ${name}`,
  )
}

function adviseOnMissing(path: string, { command, meant }: CommandLine): Advice {
  const folder = dirname(path)
  let names: readonly string[]
  try {
    names = readdirSync(folder)
  } catch {
    return { next: `There is no folder ${quoted(folder)}: check the path.` }
  }
  const [name] = nearestNames(basename(path), names)
  if (name !== undefined) {
    const near = join(folder, name)
    const again: Record<string, string | undefined> = {
      convert: shellCommand`tosafetensors ${near}`,
      inspect: shellCommand`tosafetensors inspect ${near}`,
      scan: shellCommand`tosafetensors scan ${near}`,
    }
    return advise(`Did you mean ${quoted(near)}?`, again[command.name])
  }
  if (meant !== undefined && folder === ".") {
    const next = `Did you mean the command ${meant}? It takes the name of a file.`
    return { next, commands: [`tosafetensors ${meant} --help`] }
  }
  const where = folder === "." ? "this folder" : quoted(folder)
  return { next: `Check the name: ${where} holds no file or folder with this name.` }
}

/** Names of files are compared, and no file is opened. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** Whether a folder has the files of a checkpoint: `data.pkl`, and `data/` or a record that torch writes. */
export function isUnpacked(folder: string): boolean {
  const names = namesIn(folder)
  return names.includes("data.pkl") && ["data", "version", "byteorder"].some((name) => names.includes(name))
}

/** A folder where a file is wanted: an unpacked checkpoint, the files of a model, or something else. */
function adviseOnFolder(path: string): Advice {
  if (isUnpacked(path)) return adviseOnUnpacked(path)
  const names = namesIn(path)
  const inner = names.map((name) => join(path, name)).filter(isUnpacked)
  const [only] = inner
  if (only !== undefined && inner.length === 1) return adviseOnUnpacked(only)
  if (names.some((name) => name.endsWith(".distcp"))) {
    return {
      notes: ["it is a distributed checkpoint (.distcp), which is not read yet"],
      next: "torch.distributed.checkpoint.format_utils.dcp_to_torch_save makes one file of it. Convert that.",
    }
  }
  const checkpoints = names.filter(isCheckpointName).map((name) => join(path, name))
  const finished = names.filter((name) => name.endsWith(".safetensors")).length
  const are = finished === 1 ? "is" : "are"
  const notes = finished === 0 ? [] : [`${sayCounted(finished, "file")} in it ${are} safetensors already`]
  if (checkpoints.length === 0) {
    return { notes, next: "Name a file. None of the files in this folder has a name that checkpoints have." }
  }
  const what = checkpoints.length === 1 ? "a checkpoint" : "checkpoints"
  const next = `It holds ${sayCounted(checkpoints.length, "file")} that may be ${what}, and one is converted at a time:`
  return { notes, next, commands: convertEach(checkpoints) }
}

/** What to do about the unpacked checkpoint in the folder `path`: torch and this read archives. */
export function adviseOnUnpacked(path: string): Advice {
  // `.` and `..` have no name of their own.
  const at = /(?:^|\/)\.{1,2}\/?$/.test(path) ? resolve(path) : join(path)
  const [parent, name] = [dirname(at), basename(at)]
  const weights = namesIn(join(path, "data")).length
  const whole = `${quoted(at)} is an unpacked checkpoint: data.pkl, and ${sayCounted(weights, "file")} of weights`
  const named = "torch names the folder after the file, so"
  const original = namesIn(parent).find(
    (file) => isCheckpointName(file) && file.replace(/\.[^.]*$/, "") === name,
  )
  if (original !== undefined) {
    const notes = [whole, `${named} it is probably from ${quoted(original)}`]
    const next = "Convert the file that it was unpacked from:"
    return { notes, ...advise(next, shellCommand`tosafetensors ${join(parent, original)}`) }
  }
  const packed = basename(freeName(join(parent, `${name}.pt`)))
  const file = `${named} the file was probably ${quoted(`${name}.pt`)}`
  return {
    notes: name === "archive" ? [whole] : [whole, file],
    ...adviseInPosix(
      "Convert the file that it was unpacked from, or pack the folder again:",
      inFolder(parent, shellCommand`zip -q -0 -r ${packed} ${name}`),
      shellCommand`tosafetensors ${join(parent, packed)}`,
    ),
  }
}
