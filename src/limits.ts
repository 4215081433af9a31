/**
 * Every bound the library sets on what a file may ask for, in one place, with its reason.
 *
 * A limit is compared *before* the number it guards sizes an array, a loop or an allocation. All of them can be
 * raised by the caller; none of them is reached by a checkpoint seen in the wild.
 */

const KiB = 1024
const MiB = 1024 * KiB

/** The bounds. All are counts or bytes, inclusive: a value equal to the limit passes. */
export interface Limits {
  /** Entries in a zip directory. 200,000 tensors need 200,000 entries; zip itself allows more. Default 2,000,000. */
  readonly maxZipEntries: number
  /** Bytes of the zip directory. About 80 bytes an entry is usual. Default 512 MiB. */
  readonly maxZipDirectoryBytes: number
  /** Largest pickle we interpret, inflated. Pickles of 200,000 tensors stay below 40 MB. Default 64 MiB. */
  readonly maxPickleBytes: number
  /** Opcodes in one file. 200,000 tensors need about 8 million. Default 20,000,000. */
  readonly maxOpcodes: number
  /** Memo entries in one pickle; every string and tuple takes one. Default 8,000,000. */
  readonly maxMemoEntries: number
  /** Bytes of one integer opcode; torch's own never need more than 10. Default 4 KiB. */
  readonly maxIntegerBytes: number
  /** Containers within containers. torch.save needs about 6, TorchScript modules about 30. Default 200. */
  readonly maxNesting: number
  /** Values visited when a tree is walked; shared containers count each time. Default 5,000,000. */
  readonly maxNodes: number
  /** Tensors in one conversion. Default 2,000,000. */
  readonly maxTensors: number
  /** Dimensions of one tensor; torch itself stops at 64. Default 64. */
  readonly maxRank: number
  /** UTF-8 bytes of one tensor name. Default 1 MiB. */
  readonly maxNameBytes: number
  /** UTF-8 bytes of all tensor names together; the header could not hold more. Default 100,000,000. */
  readonly maxTotalNameBytes: number
  /** Bytes of a safetensors header; the reference reader refuses more. Default 100,000,000. */
  readonly maxHeaderBytes: number
  /** Nesting of a safetensors header's JSON; the format needs 3. Default 16. */
  readonly maxHeaderNesting: number
  /** Inflated bytes of all deflated entries that are read: this floor, plus `inflateRatio` times the file. */
  readonly inflateFloorBytes: number
  /** See `inflateFloorBytes`. Weights rarely deflate below one half; zeros reach 1,000. Default 100. */
  readonly inflateRatio: number
  /** Output bytes: this floor, plus `outputRatio` times the input. Stops zero-stride views from filling a disk. */
  readonly outputFloorBytes: number
  /** See `outputFloorBytes`. A conversion usually writes at most what it read. Default 16. */
  readonly outputRatio: number
}

/** The defaults, frozen. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxZipEntries: 2_000_000,
  maxZipDirectoryBytes: 512 * MiB,
  maxPickleBytes: 64 * MiB,
  maxOpcodes: 20_000_000,
  maxMemoEntries: 8_000_000,
  maxIntegerBytes: 4 * KiB,
  maxNesting: 200,
  maxNodes: 5_000_000,
  maxTensors: 2_000_000,
  maxRank: 64,
  maxNameBytes: 1 * MiB,
  maxTotalNameBytes: 100_000_000,
  maxHeaderBytes: 100_000_000,
  maxHeaderNesting: 16,
  inflateFloorBytes: 256 * MiB,
  inflateRatio: 100,
  outputFloorBytes: 64 * MiB,
  outputRatio: 16,
})

/** The defaults with the caller's own values laid over them; undefined values keep the default. */
export function withLimits(overrides: Partial<Limits> | undefined): Limits {
  if (overrides === undefined) return DEFAULT_LIMITS
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined)
  return Object.freeze({ ...DEFAULT_LIMITS, ...Object.fromEntries(given) })
}
