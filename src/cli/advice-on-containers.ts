/** What to do about archives that hold checkpoints, hold the files of one, or had their first bytes written over. */

import { basename, dirname, extname, join } from "node:path"
import type { CheckpointError, HeldFile } from "../node/index.ts"
import type { Advice, Subject } from "./advice.ts"
import { freeName, withoutExtension } from "./free-name.ts"
import { commandsOf, HAS_POSIX_TOOLS, inFolder, shellCommand } from "./shell-words.ts"

type ContainerError = CheckpointError<"holds-checkpoints" | "zip-layout" | "zip-signature">

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
  const next = "Unpack it, and convert the files in it one by one:"
  if (path === undefined || !HAS_POSIX_TOOLS)
    return { next: "Unpack it, and convert the files in it one by one." }
  const folder = freeName(withoutExtension(path))
  const unpack =
    container === "zip"
      ? [shellCommand`unzip -q -d ${folder} ${path}`]
      : [shellCommand`mkdir ${folder}`, shellCommand`tar -xf ${path} -C ${folder}`]
  const held = mostTelling(files)
  const inside = join(folder, held.name)
  const convert = held.name.endsWith(".safetensors")
    ? shellCommand`tosafetensors verify ${inside}`
    : shellCommand`tosafetensors ${inside}`
  // A name that no command can hold is left to the user.
  return { next, commands: commandsOf(...unpack, ...(convert === undefined ? [] : [convert])) }
}

/** The largest, and no optimizer where there is something else. */
function mostTelling(files: readonly HeldFile[]): HeldFile {
  const rank = ({ name, byteLength }: HeldFile): number =>
    byteLength === 0
      ? 0
      : name.endsWith(".safetensors")
        ? 1
        : /optim|scheduler|trainer_state/i.test(name)
          ? 2
          : 3
  return files.reduce((best, file) => {
    const difference = rank(file) - rank(best)
    return difference > 0 || (difference === 0 && file.byteLength > best.byteLength) ? file : best
  })
}

function adviseOnFolderInside(inside: string, path: string): Advice {
  const next = "Unpack it, and pack the folder that holds data.pkl again:"
  const folder = freeName(withoutExtension(path))
  // Without a folder of its own it gets the one that it is unpacked into.
  const packed = inside === "" ? folder : join(folder, inside.slice(0, -1))
  const [parent, name] = [dirname(packed), basename(packed)]
  const archive = freeName(join(parent, `${name}.pt`))
  const pack = inFolder(parent, shellCommand`zip -q -0 -r ${basename(archive)} ${name}`)
  return {
    next,
    commands: commandsOf(
      shellCommand`unzip -q -d ${folder} ${path}`,
      pack,
      shellCommand`tosafetensors ${archive}`,
    ),
  }
}

function adviseOnSignature({ detail }: CheckpointError<"zip-signature">, path: string): Advice {
  const extension = extname(path)
  const copy = freeName(`${path.slice(0, path.length - extension.length)}-fixed${extension}`)
  const bytes = detail.expected.split(" ").map((digits) => Number.parseInt(digits, 16))
  const text = bytes.map((byte) =>
    byte >= 0x20 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`,
  )
  const write = shellCommand`dd of=${copy} bs=1 count=${String(bytes.length)} conv=notrunc`
  return {
    next: "Put the bytes back in a copy, and convert that:",
    commands: commandsOf(
      shellCommand`cp ${path} ${copy}`,
      write === undefined ? undefined : `printf '${text.join("")}' | ${write}`,
      shellCommand`tosafetensors ${copy}`,
    ),
  }
}
