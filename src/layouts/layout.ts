/** What a layout is: how a file is laid out, how it is told by its first bytes, and how it is read. */

import type { ByteSource } from "../bytes/byte-source.ts"
import type { SourceStore } from "../bytes/source-store.ts"
import type { ErrorCode } from "../errors/all-errors.ts"
import type { AnyCheckpointError } from "../errors/checkpoint-error.ts"
import type { PickleListing } from "../pickle/list-globals.ts"
import type { ListingBudget } from "../pickle/listing.ts"
import type { CheckpointContents, ReadingOptions } from "../torch/checkpoint-contents.ts"
import type { HeldFile } from "../torch/errors.ts"

/** What a file's first bytes say that it is. */
export type FileFormat = "zip" | "legacy" | "tar" | "pickle" | "safetensors" | "unknown"

/** What a file is, as far as a scan can tell. */
export type ScannedFormat = FileFormat | "torchscript" | "torch-export"

/** Bytes that `recognise` wants to see, or all that the file has: the header of a tar archive. */
export const HEAD_BYTES = 512

/** A file to be read, and those that lie beside it. */
export interface LayoutFile {
  /** Names that come from the file are looked up here and nowhere else. */
  readonly store: SourceStore
  readonly source: ByteSource
  /** Its first bytes, `HEAD_BYTES` of them or all. */
  readonly head: Uint8Array
  /** What its first bytes say besides that they are the header of a tar archive. */
  readonly under: Layout
}

/** A row of the table, but for its `ListPickles`. */
export interface Layout {
  readonly format: FileFormat
  /** In words, with its article. */
  readonly what: string
  /** `head` is the start of the file, `byteLength` the length of the whole. */
  recognise(head: Uint8Array, byteLength: number): boolean
  /** Reads everything but the weights. @throws a refusal that says what the file is, where it is no checkpoint. */
  open(file: LayoutFile, options: ReadingOptions): Promise<CheckpointContents>
}

/**
 * Tells the audit of every pickle of a file, and what is wrong with it. Of a layout that is opened, it is the pass that opens
 * it: what it returns is what `open` would, and what it throws.
 */
export type ListPickles = (
  file: LayoutFile,
  options: ReadingOptions,
  audit: Audit,
) => Promise<CheckpointContents | undefined>

/** Who is told what is found in a file. */
export interface Audit {
  /** What the file turns out to be, when that is more or less than its first bytes said. */
  format: ScannedFormat
  add(finding: ScanFinding): void
  /** Notes why a conversion refuses the file. @throws `error` itself when it says nothing of the file. */
  addError(error: unknown): void
  /** Notes that the file is none of those that a scan is about. If a pickle turns up all the same, `otherwise` refuses it. */
  addOther(other: SeenOther | AnyCheckpointError, otherwise?: unknown): void
  /** Lists the globals of one pickle, and says where that ends. */
  list(pickle: PickleBytes, budget?: ListingBudget): Promise<PickleListing>
  /** Lists the globals of pickles that stand in a row. */
  listRow(found: FoundPickles): Promise<void>

  // What reads pickles is handed in: a file that is loaded when it is needed would bring copies of it.

  /**
   * Whether a file without a container is a pickle, or several in a row. `isStrict` asks whether an unpickler of CPython
   * would look anything up, which text may make it do: it is for files that somebody means to load. Otherwise it must be a
   * pickle for certain, or name a global that is known to be dangerous.
   */
  isPickle(source: ByteSource, isStrict: boolean): Promise<boolean>
  /** Lists the pickles that such a file is, and notes what refuses them. */
  runPickles(source: ByteSource): Promise<undefined>
  /** @throws `limit-exceeded` for a file that may be a pickle and is longer than those that are looked at. */
  requireTold(file: LayoutFile): void
}

/** Pickles that were found in a row. */
export interface FoundPickles {
  /** The member, behind the names of the archives that it lies in. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Where the bytes begin in the file; undefined when they were inflated. */
  readonly fileOffset: number | undefined
}

/** One pickle. */
export interface PickleBytes extends FoundPickles {
  /** Byte offset of the pickle in `bytes`. */
  readonly start: number
}

/** Some other file, and whether that matters: it may have a name that checkpoints have as well. */
export interface SeenOther {
  readonly what: string
  readonly severity: "note" | "warning"
}

/** Something about the file that is not a global. */
export interface ScanFinding {
  /** An error refuses the file; a warning and a note do not. */
  readonly severity: "error" | "warning" | "note"
  /** An error's code, a rule of the safetensors header, or one of the scan's own. */
  readonly code: ErrorCode | (string & {})
  readonly message: string
  /** The archive's member or the pickle that it is about. */
  readonly within?: string
  /** Byte offset there, or in the file where `within` is missing. */
  readonly at?: number
  readonly nextStep?: string
}

/** An opcode after the other, as `PickleDecoder` reads them. */
export interface OpcodeReader {
  readonly operand: unknown
  next(): { readonly name: string }
}

/** The parts of the library that are loaded already, which this file would bring copies of. */
export interface LoadedParts {
  /** Reads the opcodes of bytes from their beginning. */
  readonly readOpcodes: (bytes: Uint8Array) => OpcodeReader
  /** Opens a zip archive; throws when it is none that has one reading. */
  readonly listZip: (source: ByteSource) => Promise<readonly HeldFile[]>
  readonly signal: AbortSignal | undefined
}
