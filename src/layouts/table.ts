/** The layouts, in the order in which they are recognised. What a conversion opens and what a scan looks at, they tell from it. */

import { readExactly } from "../bytes/read-exactly.ts"
import { openAsked, type SourceStore } from "../bytes/source-store.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import { listBarePickles, PICKLE_LAYOUT } from "./bare-pickle/pickle-layout.ts"
import type { Audit, FileFormat, Layout, LayoutFile, ListPickles } from "./layout.ts"
import { HEAD_BYTES } from "./layout.ts"
import { listOther, OTHER_LAYOUT } from "./other/other-layout.ts"
import { listSafetensors, SAFETENSORS_LAYOUT } from "./safetensors/safetensors-layout.ts"
import { BROKEN_TAR_LAYOUT, listTar, TAR_LAYOUT } from "./tar/tar-layout.ts"
import { listLegacy, TORCH_LEGACY_LAYOUT } from "./torch-legacy/legacy-layout.ts"
import { readArchive } from "./torch-zip/read-archive.ts"
import { type ArchiveLayout, auditArchive, programLayout, zipLayout } from "./torch-zip/zip-layout.ts"

/** Archives are told apart by a record in them. The last takes what no other does, and says what is wrong with it. */
const ARCHIVES: readonly ArchiveLayout[] = [
  programLayout("torchscript", "constants.pkl", "a TorchScript archive", "programs"),
  programLayout("torch-export", "archive_format", "a torch.export archive (.pt2)", "exported programs"),
  { open: readArchive },
]

/**
 * The first that recognises a file is its layout. Tar stands first, because `torch.load` tries it before anything but a zip
 * archive, and other programs before that. The last recognises any.
 */
const LAYOUTS: readonly Layout[] = [
  TAR_LAYOUT,
  zipLayout(ARCHIVES),
  TORCH_LEGACY_LAYOUT,
  BROKEN_TAR_LAYOUT,
  SAFETENSORS_LAYOUT,
  PICKLE_LAYOUT,
  OTHER_LAYOUT,
]

/**
 * How the pickles of each are listed. A column of its own, because bundlers drop a constant that nobody uses, and no
 * property: a page that converts would fetch 1 KiB more for it at once, and have 14 more to fetch.
 */
const PICKLES: { readonly [F in FileFormat]: ListPickles } = {
  tar: listTar,
  zip: (file, options, audit) => auditArchive(file, options, audit, ARCHIVES),
  legacy: listLegacy,
  safetensors: listSafetensors,
  pickle: listBarePickles,
  unknown: listOther,
}

/** Which layout a file of `byteLength` bytes has that begins with `head`: the first of `layouts` that recognises it. */
export function layoutOf(head: Uint8Array, byteLength: number, layouts: readonly Layout[] = LAYOUTS): Layout {
  return layouts.find((layout) => layout.recognise(head, byteLength)) ?? OTHER_LAYOUT
}

/**
 * The tree and the storages of the checkpoint that `store` was asked for, whatever its layout.
 *
 * @throws `not-a-checkpoint` naming what the file looks like, `holds-checkpoints`, `unsupported-layout`, `global-not-allowed`, and the
 *   codes of the archive, the pickle, storages and tensors.
 */
export async function readCheckpoint(
  store: SourceStore,
  options: ReadingOptions,
): Promise<CheckpointContents> {
  const { layout, file } = await recognise(store, options.signal)
  return layout.open(file, options)
}

/** As `readCheckpoint`, and tells `audit` of every pickle on the way. Undefined for what nobody would convert. */
export async function auditCheckpoint(
  store: SourceStore,
  options: ReadingOptions,
  audit: Audit,
): Promise<CheckpointContents | undefined> {
  const { layout, file } = await recognise(store, options.signal)
  audit.format = layout.format
  return PICKLES[layout.format](file, options, audit)
}

async function recognise(
  store: SourceStore,
  signal: AbortSignal | undefined,
): Promise<{ readonly layout: Layout; readonly file: LayoutFile }> {
  const source = await openAsked(store, signal)
  const length = Math.min(HEAD_BYTES, source.byteLength)
  const head = await readExactly(source, { offset: 0, length }, signal)
  const layout = layoutOf(head, source.byteLength)
  const under = layoutOf(head, source.byteLength, LAYOUTS.slice(1))
  return { layout, file: { store, source, head, under } }
}
