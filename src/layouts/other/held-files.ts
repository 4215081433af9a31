/** What an archive of files is by the names in it, and which of these are checkpoints. */

import type { HeldFile } from "../../torch/errors.ts"

/** Files of an archive that are listed in an error. */
const MOST_FILES = 100

/** What checkpoints are called. `.bin` is a name for anything, so it counts where the archive is nothing else. */
const CHECKPOINT_NAME = /\.(?:pt|pth|pt2|ckpt|th|safetensors)$|\.pth\.tar$/i
const PERHAPS_CHECKPOINT = /\.bin$/i

/** What macOS adds to archives, and what lies in an unpacked checkpoint. */
const NO_FILE = /(?:^|\/)(?:__MACOSX\/|\._)|(?:^|\/)data\/[0-9]{1,20}$/

/** What an archive is called when it holds a file of that name, most telling first. */
const KINDS: readonly (readonly [member: RegExp, what: string])[] = [
  [/^_stable_baselines3_version$/, "a model of Stable-Baselines3"],
  [/^MAR-INF\/MANIFEST\.json$/, "a TorchServe archive (.mar)"],
  [/^(?:\.\/)?model_config\.yaml$/, "a NeMo archive"],
  [/^model\.weights\.h5$/, "a Keras model (.keras)"],
  [/(?:^|\/)saved_model\.pb$/, "a TensorFlow SavedModel"],
  [/^\[Content_Types\]\.xml$/, "an Office document"],
  [/^AndroidManifest\.xml$/, "an Android app (.apk)"],
  [/^[^/]+\.dist-info\/WHEEL$/, "a Python wheel (.whl)"],
  [/^EGG-INFO\//, "a Python egg"],
  [/^META-INF\/MANIFEST\.MF$/, "a Java archive (.jar)"],
  [/^Payload\/[^/]+\.app\//, "an iOS app (.ipa)"],
  [/^mimetype$/, "an OpenDocument or EPUB file"],
]

/** An archive that is no checkpoint. */
export interface Holding {
  /** What it is called; undefined when its names do not tell. */
  readonly what: string | undefined
  /** Checkpoints in it, the first of them. */
  readonly files: readonly HeldFile[]
  /** How many there are. */
  readonly count: number
  /** Whether it is an archive of NumPy arrays (.npz). */
  readonly isNumpy: boolean
}

/** What `files`, all of an archive, come to. */
export function holdingOf(files: readonly HeldFile[]): Holding {
  const shown = files.filter(({ name }) => !NO_FILE.test(name))
  const what = KINDS.find(([member]) => shown.some(({ name }) => member.test(name)))?.[1]
  const isCheckpoint = ({ name }: HeldFile): boolean =>
    CHECKPOINT_NAME.test(name) || (what === undefined && PERHAPS_CHECKPOINT.test(name))
  const checkpoints = shown.filter(isCheckpoint)
  return {
    what,
    files: checkpoints.slice(0, MOST_FILES).map(({ name, byteLength }) => ({ name, byteLength })),
    count: checkpoints.length,
    isNumpy: shown.length > 0 && shown.every(({ name }) => name.endsWith(".npy")),
  }
}

/** Storages or records of torch's beside a `data.pkl`: an unpacked checkpoint that was packed otherwise. */
const BESIDE_PICKLE = /^(?:data\/[0-9]{1,20}|version|byteorder)$/

/**
 * The folders of `files` that have the files of a checkpoint, "" for none, otherwise with a slash at its end.
 * `undefined` when there is not exactly one.
 */
export function unpackedFolder(files: readonly HeldFile[]): string | undefined {
  const pickles = files.filter(({ name }) => /(?:^|\/)data\.pkl$/.test(name) && !NO_FILE.test(name))
  const folders = pickles.map(({ name }) => name.slice(0, -"data.pkl".length))
  const [folder, ...others] = folders
  if (folder === undefined || others.length > 0) return undefined
  const isBeside = files.some(
    ({ name }) => name.startsWith(folder) && BESIDE_PICKLE.test(name.slice(folder.length)),
  )
  return isBeside ? folder : undefined
}
