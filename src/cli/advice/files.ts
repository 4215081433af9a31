/** What to do about a file that is no checkpoint, and about archives that hold one in a way that torch does not read. */

import { existsSync, readdirSync, statSync } from "node:fs"
import { basename, dirname, extname, join, resolve } from "node:path"
import type { CheckpointError, HeldFile, OtherFile } from "../../node/index.ts"
import { isCheckpointError, scan } from "../../node/index.ts"
import { quoted, sayBytes } from "../terminal/words.ts"
import { isUrl } from "../urls.ts"
import { convertEach, freeName, isCheckpointName, withoutExtension } from "./file-names.ts"
import { adviseOnUnpacked, isUnpacked } from "./reading.ts"
import type { Advice, Subject } from "./shell-words.ts"
import { advise, adviseInPosix, HAS_POSIX_TOOLS, inFolder, shellCommand } from "./shell-words.ts"

const UNPACK = "Unpack it, and convert what comes out:"

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
const MAX_NEIGHBOURS = 20

export async function adviseOnOtherFile(
  { detail, nextStep }: CheckpointError<"not-a-checkpoint">,
  subject: Subject,
): Promise<Advice | undefined> {
  const { path } = subject
  const { kind } = detail
  if (kind === "safetensors") return adviseOnSafetensors(subject)
  if (path === undefined) return undefined
  const unpacker = UNPACKERS.get(kind)
  if (unpacker !== undefined) return adviseOnPacked(path, ...unpacker)
  switch (kind) {
    case "pickled-storages":
      return adviseOnDataPickle(path)
    case "pickle":
      return advise(nextStep, shellCommand`tosafetensors scan ${path}`)
    case "lfs-pointer":
      return adviseOnPointer(path, detail.pointsTo?.byteLength)
    case "shard-index":
      return adviseOnShards(path, detail.shards ?? [])
    case "7z":
      return advise(UNPACK, shellCommand`7z x ${path}`)
    case "rar":
      return advise(UNPACK, shellCommand`unrar x ${path}`)
    default:
      return undefined
  }
}

function adviseOnSafetensors({ file, line }: Subject): Advice {
  if (line.command.name === "verify") {
    return advise(
      "The second argument must be the checkpoint that the first file was made from. Name that, or leave it out.",
    )
  }
  const next = "There is nothing to convert. This lists what is wrong with it, if anything:"
  return isUrl(file) ? advise(next) : advise(next, shellCommand`tosafetensors verify ${file}`)
}

function adviseOnPacked(path: string, command: string, extension: RegExp): Advice {
  const isTar = /\.tar\.\w+$|\.tgz$/i.test(path) && !/\.pth\.tar\./i.test(path)
  if (isTar) return adviseInPosix(UNPACK, shellCommand`tar -xf ${path}`)
  const unpacked = freeName(extension.test(path) ? path.replace(extension, "") : `${path}.unpacked`)
  const words = shellCommand`${path} > ${unpacked}`
  const unpack = words === undefined ? undefined : `${command} ${words}`
  return adviseInPosix(UNPACK, unpack, shellCommand`tosafetensors ${unpacked}`)
}

function adviseOnPointer(path: string, byteLength: number | undefined): Advice {
  const size = byteLength === undefined ? "" : ` (${sayBytes(byteLength)})`
  return advise(
    `Fetch the file itself${size}. In a clone of its repository, with Git LFS installed:`,
    shellCommand`git -C ${dirname(path)} lfs pull --include ${basename(path)}`,
  )
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
  const said = `${missing} of the ${shards.length} files that it names are not in its folder`
  return {
    notes: missing === 0 ? [] : [said],
    next: "Each of the files is a checkpoint of its own, and one is converted at a time:",
    commands: convertEach(there.map((name) => join(folder, name))),
  }
}

/** A `data.pkl` lies in the folder of its checkpoint, or alone; where its archive is may be known. */
async function adviseOnDataPickle(path: string): Promise<Advice> {
  if (isUnpacked(dirname(resolve(path)))) return adviseOnUnpacked(dirname(path))
  const archive = await findArchive(path)
  if (archive === undefined) {
    return {
      next: "The weights lie in the checkpoint (.pt, .pth, .bin) that it was unpacked from, or in the folder data/ that was beside it. Convert that checkpoint.",
    }
  }
  return {
    notes: [`${quoted(archive)} beside it holds a data.pkl of the same length`],
    ...advise(
      "The weights lie in the checkpoint that it was unpacked from:",
      shellCommand`tosafetensors ${archive}`,
    ),
  }
}

/** A checkpoint in the same folder with a pickle as long as that. */
async function findArchive(path: string): Promise<string | undefined> {
  const folder = dirname(path)
  try {
    const { size } = statSync(path)
    const names = readdirSync(folder).filter(isCheckpointName).slice(0, MAX_NEIGHBOURS)
    for (const name of names) {
      const neighbour = join(folder, name)
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

type ContainerError = CheckpointError<"holds-checkpoints" | "zip-layout" | "zip-signature">

/** An archive that holds checkpoints or the files of one, or had its first bytes written over. */
export function adviseOnContainer(error: ContainerError, { path }: Subject): Advice | undefined {
  if (isOf(error, "holds-checkpoints")) return adviseOnHeld(error, path)
  if (path === undefined || !HAS_POSIX_TOOLS) return undefined
  if (isOf(error, "zip-signature")) return adviseOnSignature(error, path)
  if (!isOf(error, "zip-layout") || error.detail.folder === undefined) return undefined
  return adviseOnFolderInside(error.detail.folder, path)
}

function isOf<C extends ContainerError["code"]>(error: ContainerError, code: C): error is CheckpointError<C> {
  return error.code === code
}

function adviseOnHeld({ detail }: CheckpointError<"holds-checkpoints">, path: string | undefined): Advice {
  const { container, files } = detail
  if (files.every(({ byteLength }) => byteLength === 0)) {
    const what = files.length === 1 ? "The checkpoint in it is" : "The checkpoints in it are"
    return { next: `${what} empty: ask for another copy.` }
  }
  if (path === undefined || !HAS_POSIX_TOOLS)
    return { next: "Unpack it, and convert the files in it one by one." }
  const folder = freeName(withoutExtension(path))
  const unpack =
    container === "zip"
      ? [shellCommand`unzip -q -d ${folder} ${path}`]
      : [shellCommand`mkdir ${folder}`, shellCommand`tar -xf ${path} -C ${folder}`]
  const { name } = files.reduce((best, file) => (isMoreTelling(file, best) ? file : best))
  const inside = join(folder, name)
  const convert = name.endsWith(".safetensors")
    ? shellCommand`tosafetensors verify ${inside}`
    : shellCommand`tosafetensors ${inside}`
  // A name that no command can hold is left to the user.
  const commands = convert === undefined ? unpack : [...unpack, convert]
  return advise("Unpack it, and convert the files in it one by one:", ...commands)
}

/** The largest is, and no optimizer where there is something else. */
function isMoreTelling(file: HeldFile, other: HeldFile): boolean {
  const rank = ({ name, byteLength }: HeldFile): number => {
    if (byteLength === 0) return 0
    if (name.endsWith(".safetensors")) return 1
    return /optim|scheduler|trainer_state/i.test(name) ? 2 : 3
  }
  const difference = rank(file) - rank(other)
  return difference > 0 || (difference === 0 && file.byteLength > other.byteLength)
}

function adviseOnFolderInside(inside: string, path: string): Advice {
  const folder = freeName(withoutExtension(path))
  // Without a folder of its own it gets the one that it is unpacked into.
  const packed = inside === "" ? folder : join(folder, inside.slice(0, -1))
  const [parent, name] = [dirname(packed), basename(packed)]
  const archive = freeName(join(parent, `${name}.pt`))
  return advise(
    "Unpack it, and pack the folder that holds data.pkl again:",
    shellCommand`unzip -q -d ${folder} ${path}`,
    inFolder(parent, shellCommand`zip -q -0 -r ${basename(archive)} ${name}`),
    shellCommand`tosafetensors ${archive}`,
  )
}

function adviseOnSignature({ detail }: CheckpointError<"zip-signature">, path: string): Advice {
  const extension = extname(path)
  const copy = freeName(`${path.slice(0, path.length - extension.length)}-fixed${extension}`)
  const bytes = detail.expected.split(" ").map((digits) => Number.parseInt(digits, 16))
  const text = bytes.map((byte) =>
    byte >= 0x20 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`,
  )
  const write = shellCommand`dd of=${copy} bs=1 count=${String(bytes.length)} conv=notrunc`
  return advise(
    "Put the bytes back in a copy, and convert that:",
    shellCommand`cp ${path} ${copy}`,
    write === undefined ? undefined : `printf '${text.join("")}' | ${write}`,
    shellCommand`tosafetensors ${copy}`,
  )
}
