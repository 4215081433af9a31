/** Where a converted file goes: a file that is picked on the disk, or a download. */

interface SavePickerOptions {
  readonly suggestedName: string
  readonly types: readonly {
    readonly description: string
    readonly accept: Record<string, readonly string[]>
  }[]
}

type ShowSaveFilePicker = (options: SavePickerOptions) => Promise<FileSystemFileHandle>

/** `cancelled` when whoever was asked does not want to save after all; `download` where the browser cannot ask. */
export type SaveTarget = FileSystemFileHandle | "download" | "cancelled"

/** What nobody would see in the name of a file, or what turns it around: whoever gave it may be a stranger. */
const UNSEEN = /(?! )[\p{C}\p{Z}\p{DI}\u2800]/gu

/** The same name with the ending of the format; another one where the input has that ending already. */
export function outputName(inputName: string): string {
  const name = inputName.replace(UNSEEN, "_")
  if (/\.safetensors$/i.test(name)) return name.replace(/\.safetensors$/i, "-converted.safetensors")
  return `${name.replace(/\.(pt|pth|bin|ckpt|pkl|tar)$/i, "") || "model"}.safetensors`
}

/** To be called while a click is being answered, or the browser shows no picker. */
export async function pickTarget(suggestedName: string): Promise<SaveTarget> {
  const { showSaveFilePicker } = globalThis as { showSaveFilePicker?: ShowSaveFilePicker }
  if (showSaveFilePicker === undefined) return "download"
  try {
    const accept = { "application/octet-stream": [".safetensors"] }
    return await showSaveFilePicker({ suggestedName, types: [{ description: "safetensors", accept }] })
  } catch (error) {
    // Frames of other origins may not ask.
    return error instanceof DOMException && error.name === "AbortError" ? "cancelled" : "download"
  }
}

/** Long enough for a browser to ask where to, and to begin. Milliseconds. */
const URL_LIFETIME = 10 * 60_000

/** Hands a Blob to the browser's downloads. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), URL_LIFETIME)
}

/** While a stream to it is being aborted, a file cannot be removed. Milliseconds, and how often that is waited for. */
const REMOVE_DELAY = 200
const REMOVE_ATTEMPTS = 20

/** What stands under the name after a save that came to nothing. */
export type Remains = "nothing" | "what-was-there" | "empty-file"

/** Takes away the empty file that a picker has made, after nothing was written to it. */
export async function removeEmpty(handle: FileSystemFileHandle): Promise<Remains> {
  const { remove } = handle as { remove?: () => Promise<void> }
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
    try {
      if ((await handle.getFile()).size > 0) return "what-was-there"
      if (remove === undefined) return "empty-file"
      await remove.call(handle)
      return "nothing"
    } catch (error) {
      const name = error instanceof DOMException ? error.name : ""
      if (name === "NotFoundError") return "nothing"
      // It may not be touched any more.
      if (name !== "NoModificationAllowedError") return "empty-file"
      await new Promise((resolve) => setTimeout(resolve, REMOVE_DELAY))
    }
  }
  return "empty-file"
}

type ShowDirectoryPicker = (options: {
  readonly id: string
  readonly mode: "readwrite"
}) => Promise<FileSystemDirectoryHandle>

/** A folder for several files. As `pickTarget`, to be called while a click is being answered. */
export async function pickFolder(): Promise<FileSystemDirectoryHandle | "download" | "cancelled"> {
  const { showDirectoryPicker } = globalThis as { showDirectoryPicker?: ShowDirectoryPicker }
  if (showDirectoryPicker === undefined) return "download"
  try {
    return await showDirectoryPicker({ id: "safetensors", mode: "readwrite" })
  } catch (error) {
    return error instanceof DOMException && error.name === "AbortError" ? "cancelled" : "download"
  }
}

/** A new file in a folder; undefined where there is one of that name, which nobody has said may be replaced. */
export async function newFileIn(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<FileSystemFileHandle | undefined> {
  try {
    await folder.getFileHandle(name)
    return undefined
  } catch (error) {
    const isFree = error instanceof DOMException && error.name === "NotFoundError"
    // A folder of that name is in the way as well.
    if (error instanceof DOMException && error.name === "TypeMismatchError") return undefined
    if (!isFree) throw error
    return folder.getFileHandle(name, { create: true })
  }
}
