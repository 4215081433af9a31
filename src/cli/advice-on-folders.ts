/** What to do about a folder where a file is wanted: an unpacked checkpoint, the files of a model, or something else. */

import { readdirSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import type { Advice } from "./advice.ts"
import { convertEach, isCheckpointName } from "./checkpoint-names.ts"
import { beside, freeName } from "./free-name.ts"
import { sayCounted } from "./quantities.ts"
import { commandsOf, HAS_POSIX_TOOLS, inFolder, shellCommand } from "./shell-words.ts"
import { quoted } from "./shown-text.ts"

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

/** What to do about the folder `path`. */
export function adviseOnFolder(path: string): Advice {
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
  const notes =
    finished === 0
      ? []
      : [`${sayCounted(finished, "file")} in it ${finished === 1 ? "is" : "are"} safetensors already`]
  if (checkpoints.length > 0) {
    const count = `It holds ${sayCounted(checkpoints.length, "file")} that may be ${checkpoints.length === 1 ? "a checkpoint" : "checkpoints"}`
    return {
      notes,
      next: `${count}, and one is converted at a time:`,
      commands: convertEach(checkpoints),
    }
  }
  return { notes, next: "Name a file. None of the files in this folder has a name that checkpoints have." }
}

/** What to do about the unpacked checkpoint in the folder `path`: torch and this read archives. */
export function adviseOnUnpacked(path: string): Advice {
  // `.` and `..` have no name of their own.
  const at = /(?:^|\/)\.{1,2}\/?$/.test(path) ? resolve(path) : join(path)
  const [parent, name] = [dirname(at), basename(at)]
  const weights = namesIn(join(path, "data")).length
  const whole = `${quoted(at)} is an unpacked checkpoint: data.pkl, and ${sayCounted(weights, "file")} of weights`
  const original = namesIn(parent).find(
    (file) => isCheckpointName(file) && file.replace(/\.[^.]*$/, "") === name,
  )
  if (original !== undefined) {
    return {
      notes: [whole, `torch names the folder after the file, so it is probably from ${quoted(original)}`],
      next: "Convert the file that it was unpacked from:",
      commands: commandsOf(shellCommand`tosafetensors ${beside(at, original)}`),
    }
  }
  const packed = basename(freeName(beside(at, `${name}.pt`)))
  const pack = inFolder(parent, shellCommand`zip -q -0 -r ${packed} ${name}`)
  const named =
    name === "archive"
      ? []
      : [`torch names the folder after the file, so the file was probably ${quoted(`${name}.pt`)}`]
  return {
    notes: [whole, ...named],
    next: "Convert the file that it was unpacked from, or pack the folder again:",
    commands: HAS_POSIX_TOOLS ? commandsOf(pack, shellCommand`tosafetensors ${beside(at, packed)}`) : [],
  }
}
