/** What to do about a file that is no checkpoint. */

import { existsSync, readdirSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import type { CheckpointError, OtherFile } from "../node/index.ts"
import { isCheckpointError, scan } from "../node/index.ts"
import type { Advice, Subject } from "./advice.ts"
import { adviseOnUnpacked, isUnpacked } from "./advice-on-folders.ts"
import { convertEach, isCheckpointName } from "./checkpoint-names.ts"
import { freeName } from "./free-name.ts"
import { sayBytes } from "./quantities.ts"
import { commandsOf, HAS_POSIX_TOOLS, shellCommand } from "./shell-words.ts"
import { quoted } from "./shown-text.ts"
import { isUrl } from "./url-name.ts"

/** Commands that write what a packed file holds to standard output, and what its names end in. */
const UNPACKERS: ReadonlyMap<OtherFile, readonly [command: string, extension: RegExp]> = new Map<
  OtherFile,
  readonly [command: string, extension: RegExp]
>([
  ["gzip", ["gzip -dc", /\.(?:gz|gzip)$/i]],
  ["bzip2", ["bzip2 -dc", /\.bz2?$/i]],
  ["xz", ["xz -dc", /\.xz$/i]],
  ["zstd", ["zstd -dcq", /\.zst(?:d)?$/i]],
])

/** Files beside a `data.pkl` that are looked into. */
const MOST_NEIGHBOURS = 20

export async function adviseOnOtherFile(
  { detail, nextStep }: CheckpointError<"not-a-checkpoint">,
  subject: Subject,
): Promise<Advice | undefined> {
  const { file, path } = subject
  const { kind } = detail
  if (kind === "safetensors") return adviseOnSafetensors(subject)
  if (kind === "pickled-storages") return path === undefined ? undefined : adviseOnDataPickle(path)
  if (kind === "html" && isUrl(file)) return undefined
  if (path === undefined) return undefined
  const unpacker = UNPACKERS.get(kind)
  if (unpacker !== undefined) return adviseOnPacked(path, ...unpacker)
  switch (kind) {
    case "pickle":
      return { next: nextStep, commands: commandsOf(shellCommand`tosafetensors scan ${path}`) }
    case "lfs-pointer":
      return adviseOnPointer(path, detail.pointsTo?.byteLength)
    case "shard-index":
      return adviseOnShards(path, detail.shards ?? [])
    case "7z":
      return {
        next: "Unpack it, and convert what comes out:",
        commands: commandsOf(shellCommand`7z x ${path}`),
      }
    case "rar":
      return {
        next: "Unpack it, and convert what comes out:",
        commands: commandsOf(shellCommand`unrar x ${path}`),
      }
    default:
      return undefined
  }
}

function adviseOnSafetensors({ file, line }: Subject): Advice {
  if (line.command === "verify") {
    return {
      next: "The second argument must be the checkpoint that the first file was made from. Name that, or leave it out.",
    }
  }
  return {
    next: "There is nothing to convert. This lists what is wrong with it, if anything:",
    commands: isUrl(file) ? [] : commandsOf(shellCommand`tosafetensors verify ${file}`),
  }
}

function adviseOnPacked(path: string, command: string, extension: RegExp): Advice {
  const isTar = /\.tar\.\w+$|\.tgz$/i.test(path) && !/\.pth\.tar\./i.test(path)
  if (isTar) {
    return {
      next: "Unpack it, and convert what comes out:",
      commands: HAS_POSIX_TOOLS ? commandsOf(shellCommand`tar -xf ${path}`) : [],
    }
  }
  const unpacked = freeName(extension.test(path) ? path.replace(extension, "") : `${path}.unpacked`)
  const words = shellCommand`${path} > ${unpacked}`
  return {
    next: "Unpack it, and convert what comes out:",
    commands: HAS_POSIX_TOOLS
      ? commandsOf(
          words === undefined ? undefined : `${command} ${words}`,
          shellCommand`tosafetensors ${unpacked}`,
        )
      : [],
  }
}

function adviseOnPointer(path: string, byteLength: number | undefined): Advice {
  const size = byteLength === undefined ? "" : ` (${sayBytes(byteLength)})`
  return {
    next: `Fetch the file itself${size}. In a clone of its repository, with Git LFS installed:`,
    commands: commandsOf(shellCommand`git -C ${dirname(path)} lfs pull --include ${basename(path)}`),
  }
}

/** An index names files of its own folder. */
function adviseOnShards(path: string, shards: readonly string[]): Advice {
  const folder = dirname(path)
  const plain = shards.filter((name) => basename(name) === name)
  if (plain.length > 0 && plain.every((name) => name.endsWith(".safetensors"))) {
    return { next: "The files that it names are safetensors already: there is nothing to convert." }
  }
  const there = plain.filter((name) => existsSync(join(folder, name)))
  const missing = shards.length - there.length
  const notes =
    missing === 0 ? [] : [`${missing} of the ${shards.length} files that it names are not in its folder`]
  return {
    notes,
    next: "Each of the files is a checkpoint of its own, and one is converted at a time:",
    commands: convertEach(there.map((name) => (folder === "." ? name : join(folder, name)))),
  }
}

/** A `data.pkl` lies in the folder of its checkpoint, or alone; where its archive is may be known. */
async function adviseOnDataPickle(path: string): Promise<Advice> {
  const folder = dirname(resolve(path))
  if (isUnpacked(folder)) return adviseOnUnpacked(dirname(path))
  const archive = await findArchive(path)
  if (archive === undefined) {
    return {
      next: "The weights lie in the checkpoint (.pt, .pth, .bin) that it was unpacked from, or in the folder data/ that was beside it. Convert that checkpoint.",
    }
  }
  return {
    notes: [`${quoted(archive)} beside it holds a data.pkl of the same length`],
    next: "The weights lie in the checkpoint that it was unpacked from:",
    commands: commandsOf(shellCommand`tosafetensors ${archive}`),
  }
}

/** A checkpoint in the same folder with a pickle as long as that. */
async function findArchive(path: string): Promise<string | undefined> {
  const folder = dirname(path)
  try {
    const { size } = statSync(path)
    const names = readdirSync(folder).filter(isCheckpointName).slice(0, MOST_NEIGHBOURS)
    for (const name of names) {
      const neighbour = folder === "." ? name : join(folder, name)
      const { pickles } = await scan(neighbour)
      if (pickles.some((pickle) => pickle.name.endsWith("/data.pkl") && pickle.byteLength === size))
        return neighbour
    }
  } catch (error) {
    // A neighbour that cannot be read is not the one that is looked for.
    if (!isCheckpointError(error) && !(error instanceof Error && "code" in error)) throw error
  }
  return undefined
}
