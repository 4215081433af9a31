/** What reading a checkpoint yields, whichever layout it has. */

import type { Crc32 } from "../bytes/crc32.ts"
import type { InflateExtent } from "../bytes/read-extent.ts"
import type { Limits } from "../limits/limits.ts"
import type { MemoryBudget } from "../pickle/memory-budget.ts"
import type { PickleValue } from "../pickle/values.ts"
import type { Storage } from "../tensors/tensor.ts"
import type { KnownGlobal } from "./allowed-globals.ts"
import type { ByteOrder } from "./torch-tensors.ts"

/** How the file is laid out: a zip archive (torch 1.6 and newer) or a run of pickles and raw storages (before). */
export type CheckpointLayout = "zip" | "legacy"

/** A checkpoint whose tree is known and whose weights have not been read. */
export interface CheckpointContents {
  readonly layout: CheckpointLayout
  /** What torch.load would return. */
  readonly value: PickleValue
  /** In the order in which the pickle names them. */
  readonly storages: readonly Storage[]
  /** Members of the archive that neither torch nor the pickle asks for. */
  readonly unclaimed: UnclaimedMembers
  /** Whether the container keeps checksums of what it holds, could but does not, or has no place for any. */
  readonly checksums: "kept" | "left-out" | "none"
  /** Known globals that the pickles name. */
  readonly globals: readonly KnownGlobal[]
  /** What reading it has taken of the memory that it may take. */
  readonly memory: MemoryBudget
}

/** What every layout needs to read a checkpoint. */
export interface ReadingOptions {
  readonly limits: Limits
  readonly crc32: Crc32
  /** Default: the portable one. */
  readonly inflate?: InflateExtent | undefined
  readonly signal: AbortSignal | undefined
  /** The caller's word on the byte order, which overrides what the file says. */
  readonly byteOrder: ByteOrder | undefined
}

/** A member that nobody reads, so nobody holds its size against its bytes. */
export interface UnclaimedMember {
  readonly name: string
  /** As the archive declares it: inflated, or as stored where that is more. */
  readonly byteLength: number
}

/** What is left of an archive without its pickle, the storages that this names, and torch's own records. */
export interface UnclaimedMembers {
  /** `data/<number>`: storages that the pickle does not name. */
  readonly storages: readonly UnclaimedMember[]
  /** All others. */
  readonly members: readonly UnclaimedMember[]
}

/** Where there is no archive, nothing is left. */
export const NOTHING_UNCLAIMED: UnclaimedMembers = /* @__PURE__ */ Object.freeze({
  storages: [],
  members: [],
})
