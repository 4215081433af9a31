/**
 * The pickles of an archive that torch.load would not look at: whoever unpacks the archive may.
 *
 * Every member is looked at that is no storage which the checkpoint names: names and extensions tell nothing. A
 * conversion reads `data.pkl` alone, and refuses the archive all the same when another pickle of it names a global that
 * is not on the list, so that what is converted and what an audit finds clean are the same files.
 */

import { endsInZip } from "../../archive/end-records.ts"
import { ZIP_AMBIGUOUS } from "../../archive/errors.ts"
import { readZip } from "../../archive/read-zip.ts"
import { type ByteExtent, locateExtents } from "../../bytes/byte-extent.ts"
import type { ByteSource } from "../../bytes/byte-source.ts"
import { readBeginning } from "../../bytes/read-extent.ts"
import { memorySource } from "../../bytes/sources.ts"
import { turnIfDue } from "../../bytes/turns.ts"
import { CheckpointError, isCheckpointError } from "../../errors/checkpoint-error.ts"
import { type Limits, scaledLimit } from "../../limits/limits.ts"
import { requireWithin, requireWithinScaled } from "../../limits/require-within.ts"
import type { RefusedGlobal } from "../../pickle/errors.ts"
import { isCertainPickle, isPickleToPython, listWindows } from "../../pickle/list-pickles.ts"
import type { ListingBudget } from "../../pickle/listing.ts"
import { MOST_REFUSED } from "../../pickle/machine-state.ts"
import { refusedGlobal } from "../../pickle/refused-globals.ts"
import type { GlobalMention } from "../../pickle/symbolic-stack.ts"
import { quoteText } from "../../text/quote-text.ts"
import { findAllowedGlobal } from "../../torch/allowed-globals.ts"
import type { ReadingOptions } from "../../torch/checkpoint-contents.ts"
import { UNSUPPORTED_LAYOUT } from "../../torch/errors.ts"
import type { FoundPickles } from "../layout.ts"
import { isTarHeader } from "../tar/tar-headers.ts"

/** Of a deflated pickle so many times its stored bytes count where memory is granted: real ones deflate to 1/2 to 1/18. */
export const DEFLATED_TIMES = 16

/** One for all pickles of a file, so that many small ones cost no more than one that is large. */
export class PickleAllowance {
  readonly #limits: Limits
  #byteLength = 0
  #storedLength = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Counts a pickle before it is read. @throws `limit-exceeded` (`maxPickleBytes`, `pickleFloorBytes`, `pickleRatio`). */
  take({ name, byteLength, storedLength }: Pick<ByteExtent, "name" | "byteLength" | "storedLength">): void {
    this.#byteLength += byteLength
    this.#storedLength += storedLength
    requireWithin(this.#limits, "maxPickleBytes", this.#byteLength, name)
    if (this.#byteLength === this.#storedLength) return
    const allowed = scaledLimit(this.#limits, "pickleFloorBytes", "pickleRatio", this.#storedLength)
    requireWithinScaled(allowed, this.#byteLength, name)
  }
}

/** Archives within archives that are opened. Nobody packs a checkpoint more than twice. */
const MOST_DEPTH = 3

/** Members that are read at the same time where a read is dear. */
const AT_ONCE = 16

/** Bytes that tell most members from a pickle and an archive. */
const HEAD_BYTES = 4096

const LOCAL_HEADER = [0x50, 0x4b, 0x03, 0x04]

/** Shorter ones can name nothing: an opcode, a letter for a module, and a line feed. */
const SHORTEST_BYTES = 3

interface MemberSearch {
  readonly options: ReadingOptions
  readonly allowance: PickleAllowance
  readonly budget: ListingBudget
  /**
   * Whether everything counts by which an unpickler would look a global up, as it does in a checkpoint; or only what is
   * a pickle for certain, as in any other archive, where source text is expected.
   */
  readonly isStrict: boolean
  readonly onPickles: ((found: FoundPickles) => Promise<void>) | undefined
}

/** A place to look at: a member of the file's archive, or of one within. */
interface Place {
  readonly member: ByteExtent
  readonly name: string
  /** Where the source of the member begins in the file; undefined within what was inflated. */
  readonly sourceOffset: number | undefined
}

/**
 * Looks at `members` one after the other, and at the members of those that are archives.
 *
 * @returns what they name that is not allowed, the first 10,000.
 * @throws `limit-exceeded` when there is more than is looked at and nothing to refuse in what was; `zip-ambiguous`,
 *   `unsupported-layout` for archives within that cannot be looked into.
 */
export async function searchMembers(
  members: readonly ByteExtent[],
  search: MemberSearch,
): Promise<readonly RefusedGlobal[]> {
  const places = members.map((member) => ({ member, name: member.name, sourceOffset: 0 }))
  const globals: RefusedGlobal[] = []
  try {
    await searchPlaces(places, { ...search, globals }, 1)
  } catch (error) {
    // What goes on without end is refused for what was found until then.
    if (!isCheckpointError(error) || error.code !== "limit-exceeded" || globals.length === 0) throw error
  }
  return globals
}

interface OpenSearch extends MemberSearch {
  /** What was found. */
  readonly globals: RefusedGlobal[]
}

async function searchPlaces(places: readonly Place[], search: OpenSearch, depth: number): Promise<void> {
  const wanted = places.filter(({ member }) => member.byteLength >= SHORTEST_BYTES)
  await locateExtents(
    wanted.map(({ member }) => member),
    search.options.signal,
  )
  const atOnce = wanted[0]?.member.source.readCost === "high" ? AT_ONCE : 1
  for (let first = 0; first < wanted.length; first += atOnce) {
    const looks = wanted.slice(first, first + atOnce).map((place) => new Look(place, search))
    const heads = looks.map((each) => each.readHead())
    // The first failure in order is the one that is thrown; the others must not count as unhandled.
    for (const head of heads) head.catch(() => {})
    for (const [index, each] of looks.entries()) {
      await turnIfDue(search.options.signal)
      await heads[index]
      await each.listPickles()
      await each.enterArchive(depth)
    }
  }
}

/** One member that is looked at. */
class Look {
  readonly #place: Place
  readonly #search: OpenSearch
  #head: Uint8Array = new Uint8Array(0)
  /** Bytes that have been counted. */
  #counted = 0

  constructor(place: Place, search: OpenSearch) {
    this.#place = place
    this.#search = search
  }

  async readHead(): Promise<void> {
    this.#head = await this.#read(Math.min(HEAD_BYTES, this.#place.member.byteLength))
  }

  async listPickles(): Promise<void> {
    if (this.#isArchive) return
    const { member, name, sourceOffset } = this.#place
    const { options, budget, isStrict, onPickles, globals } = this.#search
    const { limits, signal } = options
    let refused: GlobalMention[] = []
    const { bytes, row } = await listWindows({
      ...{ within: name, limits, budget, byteLength: member.byteLength, signal },
      read: async (length) => {
        refused = []
        return length === this.#head.length ? this.#head : this.#read(length)
      },
      onMention: (mention) => {
        if (isRefused(mention)) refused.push(mention)
        return refused.length < MOST_REFUSED ? mention : undefined
      },
    })
    if (!(isStrict ? isPickleToPython : isCertainPickle)(bytes, row)) return
    const isStored = member.coding === "stored" && sourceOffset !== undefined
    await onPickles?.({ name, bytes, fileOffset: isStored ? sourceOffset + member.offset : undefined })
    for (const mention of refused) {
      if (globals.length === MOST_REFUSED) break
      globals.push(refusedGlobal(mention, name))
    }
    // Python stops where the bytes are no pickle any more, but not where we stop looking.
    if (row.fault !== undefined) throw row.fault
  }

  /** Looks at what the member holds if it is an archive: by its beginning, or to those who look for its end. */
  async enterArchive(depth: number): Promise<void> {
    const { member, name } = this.#place
    const { isStrict, options } = this.#search
    if (isStrict && isTarHeader(this.#head)) {
      const problem = `${quoteText(name)} is not looked into, and Python would unpickle what is in it`
      throw new CheckpointError(UNSUPPORTED_LAYOUT, {
        layout: "a tar archive within the checkpoint",
        problem,
      })
    }
    if (!this.#isArchive && (!isStrict || member.byteLength < SHORTEST_ARCHIVE_BYTES)) return
    try {
      const source = await this.#open()
      if (!this.#isArchive && !(await endsInZip(source, options.signal))) return
      if (depth > MOST_DEPTH) {
        const problem = `${quoteText(name)} lies more than ${MOST_DEPTH} archives deep, where nothing is looked into`
        throw new CheckpointError(UNSUPPORTED_LAYOUT, { layout: "archives within archives", problem })
      }
      await searchPlaces(await this.#placesIn(source), this.#search, depth + 1)
    } catch (error) {
      if (isStrict || !isCheckpointError(error) || !OF_ARCHIVES.test(error.code)) throw error
    }
  }

  get #isArchive(): boolean {
    return LOCAL_HEADER.every((byte, index) => byte === this.#head[index])
  }

  async #placesIn(source: ByteSource): Promise<readonly Place[]> {
    const { member, name, sourceOffset } = this.#place
    const { limits, signal } = this.#search.options
    const isStored = member.coding === "stored" && sourceOffset !== undefined
    const inner = isStored ? sourceOffset + member.offset : undefined
    try {
      const { entries } = await readZip(source, limits, signal)
      return entries
        .values()
        .map((entry) => ({ member: entry, name: `${name}/${entry.name}`, sourceOffset: inner }))
    } catch (error) {
      if (!isCheckpointError(error) || !error.code.startsWith("zip")) throw error
      const problem = `it holds an archive that there is no one way to read: ${error.message}`
      throw new CheckpointError(ZIP_AMBIGUOUS, { within: name, at: 0, problem })
    }
  }

  async #open(): Promise<ByteSource> {
    const { member } = this.#place
    const { source, offset, byteLength } = member
    if (member.coding === "stored") return sliceSource(source, offset, byteLength)
    return memorySource(await this.#read(byteLength))
  }

  async #read(length: number): Promise<Uint8Array> {
    const { member, name } = this.#place
    const { allowance, budget, options } = this.#search
    const more = Math.max(0, length - this.#counted)
    const { coding } = member
    const storedLength = coding === "stored" ? more : this.#counted === 0 ? member.storedLength : 0
    allowance.take({ name, byteLength: more, storedLength })
    budget.memory.extend(Math.min(more, coding === "stored" ? more : DEFLATED_TIMES * member.storedLength))
    this.#counted += more
    return readBeginning(member, length, options)
  }
}

/** Faults of an archive that is looked into where none of this need be a checkpoint. */
const OF_ARCHIVES = /^(?:zip|limit-exceeded|unsupported-layout|truncated|inflate)/

/** A local header, a directory header, an end record, and a name of one letter in both. */
const SHORTEST_ARCHIVE_BYTES = 100

function isRefused({ module, name, isNamed }: GlobalMention): boolean {
  return !isNamed || findAllowedGlobal(module, name) === undefined
}

/** The `byteLength` bytes of `source` from `offset` on. Closing it, or asking whether it changed, is for the whole. */
function sliceSource(source: ByteSource, offset: number, byteLength: number): ByteSource {
  const { readCost = "low" } = source
  return { byteLength, readCost, read: (at, length, signal) => source.read(offset + at, length, signal) }
}
