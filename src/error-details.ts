/** The closed set of error codes, and the data that each one carries. */

import type { Limits } from "./limits.ts"

/** A fault at a place: `within` names the file or archive member, `at` is a byte offset in it. */
export interface Fault {
  readonly within?: string
  readonly at?: number
  readonly problem: string
}

/**
 * What is known of a global that is not allowed: `dangerous` when it is known to run code, to reach the system or to read
 * other data, `unknown` otherwise.
 */
export interface GlobalKnowledge {
  readonly verdict: "dangerous" | "unknown"
  /** What makes a dangerous one dangerous, and where that is written down. */
  readonly danger: { readonly reason: string; readonly source: string } | undefined
  /** What an unknown one is, where that is known, and where it is written down. */
  readonly about: { readonly what: string; readonly source: string } | undefined
}

/** A global that a pickle names and the machine does not know. */
export interface RefusedGlobal extends GlobalKnowledge {
  /** Module and name, joined by a dot, as the pickle writes them. */
  readonly global: string
  readonly module: string
  readonly name: string
  /** The pickle that names it. */
  readonly pickle: string
  /** Byte offset of the opcode in that pickle. */
  readonly at: number
  /** What the pickle does with it: calls it, builds an object of it, or only mentions it. */
  readonly use: "called" | "instantiated" | "mentioned"
  /** Where in the saved object it (or what it would have made) is found, dotted; undefined when nowhere. */
  readonly referredToBy: string | undefined
  /** Tensors in what it would have made. */
  readonly tensorCount: number
  /** The tensor that what it would have made is a part of, in words, where it is one that torch saves by such parts. */
  readonly partOf: string | undefined
}

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

/** Why an input could not be read, where programs can tell. */
export type ReadFailure =
  | "dns"
  | "forbidden"
  | "gated"
  | "no-ranges"
  | "not-found"
  | "redirect"
  | "refused-connection"
  | "server-error"
  | "stalled"
  | "tls"
  | "too-many-requests"
  | "unauthorized"
  | "web-page"

/** A file in a container that looks like a checkpoint by its name. */
export interface HeldFile {
  readonly name: string
  readonly byteLength: number
}

/** One possible root of a state dict. */
export interface RootCandidate {
  readonly path: readonly string[]
  readonly tensorCount: number
  /** Bytes of its tensors, each counted as often as it is named. */
  readonly byteLength: number
}

/** A glob that no name of a tensor matches, and the names that are most like it. */
export interface UnmatchedGlob {
  readonly option: "include" | "exclude"
  readonly glob: string
  readonly candidates: readonly string[]
}

/** What a part of a checkpoint looks like. A `tensor` is one that lies there itself. */
export type PartKind = "optimizer" | "random-state" | "state-dict" | "tensors" | "tensor"

/** A part of a checkpoint that holds tensors, or is one. */
export interface CheckpointPart {
  /** Keys from the top. The last is `?` where no path can name it. */
  readonly path: readonly string[]
  readonly kind: PartKind
  readonly tensorCount: number
  /** Bytes of its tensors, each counted as often as it is named. */
  readonly byteLength: number
}

/** One rule that a safetensors file breaks, or one oddity that readers put up with. */
export interface HeaderFinding {
  readonly rule: string
  /** An error makes the file invalid; a warning does not. */
  readonly severity: "error" | "warning"
  /** The tensor it concerns, when it concerns one. */
  readonly tensor?: string
  /** Byte offset in the file, when there is one. */
  readonly at?: number
  readonly problem: string
}

/** What each code carries. */
export interface ErrorDetails {
  // The input and the output as a whole
  "invalid-argument": {
    readonly argument: string
    readonly problem: string
    /** What was likely meant. */
    readonly candidates?: readonly string[]
  }
  "read-failed": { readonly path?: string; readonly reason: string; readonly failure?: ReadFailure }
  "write-failed": { readonly path?: string; readonly reason: string }
  "output-exists": { readonly path: string }
  "output-is-input": { readonly path: string }
  /** Bytes of a Blob that are no slices of the input, and how many of them may be held in memory. */
  "blob-memory": { readonly wanted: number; readonly allowed: number; readonly reason: string }
  "output-incomplete": { readonly expected: number; readonly written: number }
  "input-changed": Fault
  /** Both in lower case. */
  "digest-mismatch": { readonly path?: string; readonly expected: string; readonly actual: string }
  truncated: { readonly within?: string; readonly at: number; readonly wanted: number; readonly got: number }
  /** The file is one thing to one program and another to the next. */
  "two-formats": Fault
  "not-a-checkpoint": {
    readonly looksLike: string
    readonly kind: OtherFile
    /** What a Git LFS pointer stands for. */
    readonly pointsTo?: { readonly sha256: string; readonly byteLength: number }
    /** The files that an index of shards names, the first hundred of them. */
    readonly shards?: readonly string[]
  }
  /** An archive of files, checkpoints among them; `count` of these, of which `files` are the first. */
  "holds-checkpoints": {
    readonly container: "zip" | "tar"
    readonly what: string
    readonly files: readonly HeldFile[]
    readonly count: number
  }
  "unsupported-layout": { readonly layout: string; readonly problem: string }
  "limit-exceeded": {
    readonly limit: keyof Limits
    readonly allowed: number
    readonly wanted: number
    readonly within?: string
  }

  // The archive
  "zip-end-record": Fault
  "zip-ambiguous": Fault
  zip64: Fault
  "zip-entry": Fault
  "zip-mismatch": Fault
  "zip-gap": Fault
  "zip-overlap": Fault
  "zip-duplicate": Fault
  "zip-flags": Fault
  "zip-method": Fault
  "zip-name": Fault
  /** `folder` is where the archive has the files of a checkpoint, "" for no folder; absent when it has none. */
  "zip-layout": Fault & { readonly folder?: string }
  /** `found` are the bytes, two hexadecimal digits each, that stand where those of `expected` belong. */
  "zip-signature": Fault & { readonly found: string; readonly expected: string }
  inflate: Fault
  checksum: { readonly within: string; readonly expected: number; readonly actual: number }

  // The pickle
  "pickle-protocol": Fault
  "pickle-opcode": Fault
  "pickle-truncated": Fault
  "pickle-text": Fault
  "pickle-stack": Fault
  "pickle-type": Fault
  "pickle-memo": Fault
  "pickle-trailing": Fault
  "pickle-cycle": Fault
  "global-not-allowed": { readonly globals: readonly RefusedGlobal[] }

  // Storages and tensors
  "byte-order": Fault
  "legacy-layout": Fault
  "legacy-trailing": Fault
  "storage-reference": Fault
  "storage-key": Fault
  "storage-dtype": Fault
  "storage-size": Fault
  "storage-conflict": Fault
  "tensor-argument": Fault
  "tensor-bounds": Fault
  "tensor-overflow": Fault
  "tensor-metadata": Fault
  "tensor-unsupported": { readonly tensors: readonly { readonly name: string; readonly reason: string }[] }

  // Names and choices
  "name-type": { readonly name: string; readonly problem: string }
  "name-encoding": { readonly name: string; readonly problem: string }
  "name-reserved": { readonly name: string; readonly problem: string }
  "name-duplicate": { readonly name: string; readonly problem: string }
  "no-tensors": { readonly problem: string; readonly unmatched?: readonly UnmatchedGlob[] }
  /** There are tensors, and all of them are the state of training. At most 20 parts are listed. */
  "no-model": { readonly parts: readonly CheckpointPart[] }
  "root-not-found": { readonly root: readonly string[]; readonly candidates: readonly RootCandidate[] }
  "root-ambiguous": { readonly candidates: readonly RootCandidate[] }
  "tensors-shared": { readonly groups: readonly (readonly string[])[] }

  // safetensors
  "safetensors-invalid": { readonly findings: readonly HeaderFinding[] }
}

/** Every code that the library throws for bad input or a failing medium. */
export type ErrorCode = keyof ErrorDetails

/** The codes whose detail is a `Fault` and nothing more. */
export type FaultCode = {
  [C in ErrorCode]: ErrorDetails[C] extends Fault ? (Fault extends ErrorDetails[C] ? C : never) : never
}[ErrorCode]
