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
  /** A deflated pickle may inflate to this floor, plus `pickleRatio` times what it takes in the file. Default 2 MiB. */
  readonly pickleFloorBytes: number
  /** See `pickleFloorBytes`. torch's pickles deflate to 1/2 to 1/18, bombs to 1/1000. Default 32. */
  readonly pickleRatio: number
  /** Opcodes in one file. 200,000 tensors need 4 to 8 million, a list of 10,000,000 numbers as many. Default 20,000,000. */
  readonly maxOpcodes: number
  /**
   * Memory for what a pickle makes and for planning its tensors, estimated: this floor, plus `memoryRatio` times the
   * bytes of the pickle (of a deflated one, at most 16 times what it takes in the file). Default 64 MiB.
   */
  readonly memoryFloorBytes: number
  /**
   * See `memoryFloorBytes`. What torch pickles takes 2 times its bytes (texts) to 27 times (names of one tensor); one
   * byte can ask for more than 100. Default 32.
   */
  readonly memoryRatio: number
  /** Memo entries in one pickle; every string and tuple takes one. Default 8,000,000. */
  readonly maxMemoEntries: number
  /** Bytes of one integer opcode; torch's own never need more than 10. Default 4 KiB. */
  readonly maxIntegerBytes: number
  /** Containers within containers. torch.save needs about 6, TorchScript modules about 30. Default 200. */
  readonly maxNesting: number
  /**
   * Values visited when a tree is walked; containers that are shared count each time on the way to a tensor. A history
   * of 10,000,000 numbers is legal; a `Map` cannot hold many more. Default 16,000,000.
   */
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
  /** Inflated bytes of all deflated entries that are read: this floor, plus `inflateRatio` times the file. Default 256 MiB. */
  readonly inflateFloorBytes: number
  /** See `inflateFloorBytes`. Weights rarely deflate below one half; zeros reach 1,000. Default 100. */
  readonly inflateRatio: number
  /**
   * Output bytes: this floor, plus `outputRatio` times the input. Stops zero-stride views from filling a disk. Default
   * 64 MiB.
   */
  readonly outputFloorBytes: number
  /** See `outputFloorBytes`. A conversion usually writes at most what it read. Default 16. */
  readonly outputRatio: number
  /**
   * Bytes that picking the elements of strided views may read, each separate read counted as 16 KiB more: this floor,
   * plus `gatherRatio` times the input. Default 256 MiB.
   */
  readonly gatherFloorBytes: number
  /** See `gatherFloorBytes`. A transposed matrix is read about once, a reversed tensor of 7 GB 115 times. Default 256. */
  readonly gatherRatio: number
}

/** The defaults, frozen. */
export const DEFAULT_LIMITS: Limits = /* @__PURE__ */ Object.freeze({
  maxZipEntries: 2_000_000,
  maxZipDirectoryBytes: 512 * MiB,
  maxPickleBytes: 64 * MiB,
  pickleFloorBytes: 2 * MiB,
  pickleRatio: 32,
  maxOpcodes: 20_000_000,
  memoryFloorBytes: 64 * MiB,
  memoryRatio: 32,
  maxMemoEntries: 8_000_000,
  maxIntegerBytes: 4 * KiB,
  maxNesting: 200,
  maxNodes: 16_000_000,
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
  gatherFloorBytes: 256 * MiB,
  gatherRatio: 256,
})

/** A `Map` of V8 holds somewhat more, 2^24 entries, and a text 2^29 - 24 units. Other engines hold no less. */
const MAP_ENTRIES = 16_000_000
const TEXT_UNITS = 2 ** 29 - 24

/**
 * What the engine can hold, so that a caller who lifts a limit (Infinity, say) gets our error and not the engine's.
 * Limits that are not here end in nothing but more time and more memory.
 */
const CEILINGS: Partial<Limits> = {
  maxZipEntries: MAP_ENTRIES,
  // Read in one piece, which Node does up to 2^31 - 1 bytes.
  maxZipDirectoryBytes: 2 ** 31 - 1,
  // One text may be as long as the pickle.
  maxPickleBytes: TEXT_UNITS,
  maxMemoEntries: MAP_ENTRIES,
  // A wider one is no bigint any more.
  maxIntegerBytes: 64 * MiB,
  maxNodes: MAP_ENTRIES,
  maxTensors: MAP_ENTRIES,
  // A shape appears as text in messages.
  maxRank: 65_536,
  // In JSON a character may take six units.
  maxNameBytes: 64 * MiB,
  maxHeaderBytes: TEXT_UNITS,
}

/**
 * The defaults with the caller's own values laid over them; undefined values keep the default. Values above what an
 * engine can hold are lowered to that.
 */
export function withLimits(overrides: Partial<Limits> | undefined): Limits {
  if (overrides === undefined) return DEFAULT_LIMITS
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined)
  const limits: Record<string, number> = { ...DEFAULT_LIMITS, ...Object.fromEntries(given) }
  for (const [name, most] of Object.entries(CEILINGS)) {
    if ((limits[name] as number) > most) limits[name] = most
  }
  return Object.freeze(limits as unknown as Limits)
}

/** A limit that grows with the file: how much it allows, and the name of the part that allows most of that. */
export interface ScaledLimit {
  readonly limit: keyof Limits
  readonly allowed: number
}

/** The limit that is `limits[floor]` plus `limits[ratio]` for each of `bytes`. */
export function scaledLimit(
  limits: Limits,
  floor: keyof Limits,
  ratio: keyof Limits,
  bytes: number,
): ScaledLimit {
  const scaled = limits[ratio] * bytes
  // Raising the larger part is what helps whoever reads the message.
  return { limit: scaled > limits[floor] ? ratio : floor, allowed: limits[floor] + scaled }
}
