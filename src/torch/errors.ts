/** Errors of checkpoints: what a file is instead, how it is laid out, what its storages and tensors say. */

import { CRAFTED, DAMAGED, type ErrorRow, type Fault, type FaultRow, list } from "../errors/error-row.ts"
import { plainText, quoteText } from "../text/quote-text.ts"

/** What a file is that is no checkpoint. */
export type OtherFile =
  | "7z"
  | "archive"
  | "bzip2"
  | "empty"
  | "ggml"
  | "gguf"
  | "gzip"
  | "hdf5"
  | "html"
  | "json"
  | "lfs-pointer"
  | "msgpack"
  | "numpy"
  | "onnx"
  | "pdf"
  | "pickle"
  | "pickled-storages"
  | "rar"
  | "safetensors"
  | "shard-index"
  | "tensorflow"
  | "text"
  | "unknown"
  | "xz"
  | "zeros"
  | "zstd"

/** What is known for sure, and is no mistake so much as a step that is missing. */
const PLAIN_KINDS: readonly OtherFile[] = ["lfs-pointer", "pickled-storages", "safetensors", "shard-index"]

/** The file is something else. */
export const NOT_A_CHECKPOINT: ErrorRow<
  "not-a-checkpoint",
  {
    looksLike: string
    kind: OtherFile
    /** What a Git LFS pointer stands for. */
    pointsTo?: { sha256: string; byteLength: number }
    /** The files that an index of shards names, the first hundred of them. */
    shards?: readonly string[]
  }
> = {
  code: "not-a-checkpoint",
  say: (d) =>
    `this is ${PLAIN_KINDS.includes(d.kind) ? "" : "not a PyTorch checkpoint: it looks like "}${d.looksLike}`,
  next: "Check that the right file was named and that it was downloaded in full.",
}

/** The file is one thing to one program and another to the next. */
export const TWO_FORMATS: FaultRow<"two-formats"> = { code: "two-formats", next: CRAFTED }

/** A file in a container that looks like a checkpoint by its name. */
export interface HeldFile {
  readonly name: string
  readonly byteLength: number
}

/** An archive of files, checkpoints among them; `count` of these, of which `files` are the first. */
export const HOLDS_CHECKPOINTS: ErrorRow<
  "holds-checkpoints",
  {
    container: "zip" | "tar"
    what: string
    files: readonly HeldFile[]
    count: number
  }
> = {
  code: "holds-checkpoints",
  say: (d) =>
    `this is not a checkpoint: it is ${d.what} that holds ${d.count === 1 ? "a checkpoint" : `${d.count} checkpoints`}:` +
    list(d.files, ({ name, byteLength }) => `${plainText(name)}  (${byteLength} bytes)`),
  next: "Unpack it, and convert the files in it one by one.",
}

/** PyTorch writes such files, and they are not read. */
export const UNSUPPORTED_LAYOUT: ErrorRow<"unsupported-layout", { layout: string; problem: string }> = {
  code: "unsupported-layout",
  say: (d) => `${d.layout}: ${d.problem}`,
  next: "Where the model was made, save its state_dict() with torch.save, and convert that file.",
}

/** An archive does not hold the files of one checkpoint in one folder. */
export const ZIP_LAYOUT: ErrorRow<
  "zip-layout",
  Fault & {
    /** Where the archive has the files of a checkpoint, "" for no folder; absent when it has none. */
    folder?: string
  }
> = {
  code: "zip-layout",
  next: "A checkpoint is an archive with one folder that holds data.pkl: check that this is one.",
}

/** The first bytes of an archive were written over: `found`, two hexadecimal digits each, where `expected` belong. */
export const ZIP_SIGNATURE: ErrorRow<"zip-signature", Fault & { found: string; expected: string }> = {
  code: "zip-signature",
  next: "Put these bytes back in a copy of the file, and convert the copy.",
}

/** The file does not say in which byte order it was written, or says it in no way that is known. */
export const BYTE_ORDER: FaultRow<"byte-order"> = {
  code: "byte-order",
  next: "State the byte order that the file was written with (`byteOrder`).",
}

/** What stands in a file of the layout before torch 1.6 is not what belongs there. */
export const LEGACY_LAYOUT: FaultRow<"legacy-layout"> = { code: "legacy-layout", next: DAMAGED }
/** Bytes follow the last storage of a file of that layout. */
export const LEGACY_TRAILING: FaultRow<"legacy-trailing"> = { code: "legacy-trailing", next: CRAFTED }
/** A persistent id is not what torch writes for a storage. */
export const STORAGE_REFERENCE: FaultRow<"storage-reference"> = { code: "storage-reference", next: CRAFTED }
/** The file does not hold the storage that a tensor refers to. */
export const STORAGE_KEY: FaultRow<"storage-key"> = { code: "storage-key", next: DAMAGED }
/** A storage's type is none. */
export const STORAGE_DTYPE: FaultRow<"storage-dtype"> = { code: "storage-dtype", next: CRAFTED }
/** A storage has fewer or more bytes than its elements take. */
export const STORAGE_SIZE: FaultRow<"storage-size"> = { code: "storage-size", next: DAMAGED }
/** Two references to one storage contradict each other. */
export const STORAGE_CONFLICT: FaultRow<"storage-conflict"> = { code: "storage-conflict", next: CRAFTED }
/** A tensor is rebuilt with arguments that torch does not write. */
export const TENSOR_ARGUMENT: FaultRow<"tensor-argument"> = { code: "tensor-argument", next: CRAFTED }
/** A tensor reaches outside its storage. */
export const TENSOR_BOUNDS: FaultRow<"tensor-bounds"> = { code: "tensor-bounds", next: CRAFTED }
/** A tensor's shape or strides are above 2^53. */
export const TENSOR_OVERFLOW: FaultRow<"tensor-overflow"> = { code: "tensor-overflow", next: CRAFTED }

/** A tensor carries state that may change what its bytes mean. */
export const TENSOR_METADATA: FaultRow<"tensor-metadata"> = {
  code: "tensor-metadata",
  next: "The tensor carries state that this version does not know.",
}

/** A key on the way to a tensor is no text, so the tensor has no name. */
export const NAME_TYPE: ErrorRow<"name-type", { name: string; problem: string }> = {
  code: "name-type",
  say: (d) => `tensor ${quoteText(d.name)}: ${d.problem}`,
  next: "Choose another root (`root`), or save a state dict whose keys are text.",
}
