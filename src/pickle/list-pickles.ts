/**
 * Lists pickles that stand in a row, as whoever calls `pickle.load` on one file again and again reads them, and tells
 * whether bytes are pickles at all.
 */

import { atOnce, inTurns, type Steps } from "../bytes/turns.ts"
import { type AnyCheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import { requireWithin } from "../limits/require-within.ts"
import { listGlobalsSteps, type PickleListing } from "./list-globals.ts"
import type { ListingBudget, ListingOptions } from "./listing.ts"
import { MemoryBudget, PICKLE_BYTES } from "./memory-budget.ts"
import type { GlobalMention } from "./symbolic-stack.ts"

/** One of the pickles. */
export interface RowPickle extends PickleListing {
  readonly start: number
}

/** What was found in a row. */
export interface PickleRow {
  /** All that end, and the one behind them if it names a global or is the first. In the order in which they were come to. */
  readonly pickles: readonly RowPickle[]
  /** The limit that was met. */
  readonly fault: AnyCheckpointError | undefined
  /** Whether more bytes might tell more. Only where they are not all. */
  readonly isOpen: boolean
  /** Whether an unpickler of CPython may come to look up a global that can be there. */
  readonly looksUp: boolean
  /** Whether an unpickler may come to do something with one, and all that it looks up have names that modules have. */
  readonly acts: boolean
  /** Whether the bytes are pickles from the first to the last. */
  readonly isAll: boolean
}

interface RowOptions extends Omit<ListingOptions, "onMention"> {
  /** As for `listGlobals`; it is one for all of the pickles. */
  readonly onMention?: ListingOptions["onMention"]
}

/** Lists what `bytes` begin with. Throws for no bytes. */
export function listPickles(bytes: Uint8Array, options: RowOptions): PickleRow {
  return atOnce(listPicklesSteps(bytes, options))
}

/** As `listPickles`, in steps. */
export function* listPicklesSteps(bytes: Uint8Array, options: RowOptions): Steps<PickleRow> {
  const row = new Row(bytes, options)
  let fault: AnyCheckpointError | undefined
  try {
    yield* row.run()
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    fault = error
  }
  const { pickles, isOpen, looksUp, isAll } = row
  return { pickles, fault, isOpen, looksUp, isAll, acts: looksUp && row.acts && row.isPlain }
}

/** A place where a pickle may begin. */
interface Start {
  readonly at: number
  /** Whether an unpickler may come so far: none before it has failed for certain. */
  readonly isReached: boolean
  /** Whether it is the end of a frame. */
  readonly isFrameEnd: boolean
}

class Row {
  readonly pickles: RowPickle[] = []
  isOpen = false
  looksUp = false
  acts = false
  isPlain = true
  isAll = false
  readonly #bytes: Uint8Array
  readonly #options: RowOptions
  readonly #budget: ListingBudget
  readonly #starts: Start[] = [{ at: 0, isReached: true, isFrameEnd: false }]
  readonly #seen = new Set([0])
  #mentions = 0

  constructor(bytes: Uint8Array, options: RowOptions) {
    const memory = options.budget?.memory ?? MemoryBudget.of(options.limits, bytes.byteLength)
    this.#budget = options.budget ?? { opcodes: 0, memory }
    this.#bytes = bytes
    this.#options = options
  }

  *run(): Steps<void> {
    const { byteLength } = this.#bytes
    for (let start = this.#starts.shift(); start !== undefined; start = this.#starts.shift()) {
      if (start.at >= byteLength) {
        if (this.#options.isWhole === false) this.isOpen ||= start.isReached
        else if (start.at === byteLength && start.at > 0 && !start.isFrameEnd) this.isAll ||= start.isReached
        continue
      }
      if (start.at > 0) this.#budget.memory.take(PICKLE_BYTES, this.#options.within)
      if (!(yield* this.#list(start))) return
    }
  }

  /** False when the listing was told to end. */
  *#list(start: Start): Steps<boolean> {
    const { isWhole = true, onMention = asIs } = this.#options
    const before = this.#mentions
    const listing = yield* listGlobalsSteps(this.#bytes, {
      ...this.#options,
      budget: this.#budget,
      start: start.at,
      onMention: (mention) => {
        this.#look(mention, start.isReached)
        return onMention(mention)
      },
    })
    const { complete, ended, end, frameEnd, hasFailed, hasActed, fault } = listing
    if (complete || start.at === 0 || this.#mentions > before)
      this.pickles.push({ ...listing, start: start.at })
    if (fault !== undefined) throw fault
    if (start.isReached && hasActed) this.acts = true
    const isReached = start.isReached && !hasFailed
    if (!isWhole && isReached && ended === "cut-off") this.isOpen = true
    if (start.isFrameEnd) this.#charge((ended === "cut-off" ? this.#bytes.byteLength : end) - start.at)
    if (complete) this.#add({ at: end, isReached, isFrameEnd: false })
    if (complete && frameEnd !== undefined) this.#add({ at: frameEnd, isReached, isFrameEnd: true })
    return ended !== "told"
  }

  #look(mention: GlobalMention, isReached: boolean): void {
    this.#mentions += 1
    if (!isReached || !mention.isReached || !isLookup(mention)) return
    this.looksUp = true
    if (mention.isNamed && !hasPlainName(mention)) this.isPlain = false
  }

  #add(start: Start): void {
    if (this.#seen.has(start.at)) return
    this.#seen.add(start.at)
    this.#starts.push(start)
  }

  /** What is walked over a second time, because a frame ended there, counts like opcodes. */
  #charge(bytes: number): void {
    const { limits, within } = this.#options
    this.#budget.opcodes += bytes
    requireWithin(limits, "maxOpcodes", this.#budget.opcodes, within)
  }
}

const asIs = (mention: GlobalMention): GlobalMention => mention

/**
 * Whether Python looks something up there that can be: no module's name is empty or holds a zero byte, and what a code of
 * the extension registry stands for is known to programs that registered it, none of which is known.
 */
function isLookup({ opcode, module, isNamed }: GlobalMention): boolean {
  if (opcode.startsWith("EXT")) return false
  return !isNamed || (module !== "" && !module.includes("\0"))
}

/** Identifiers with dots between them. */
const PLAIN_NAME = /^[\p{ID_Start}_][\p{ID_Continue}]*(?:\.[\p{ID_Start}_][\p{ID_Continue}]*)*$/u

/** Whether modules and attributes have such names, and text that happens to decode has not. */
export function hasPlainName({ module, name }: GlobalMention): boolean {
  return PLAIN_NAME.test(module) && PLAIN_NAME.test(name)
}

/** PROTO with a version that CPython knows. */
export function hasProtocolHead([first, version = 255]: Uint8Array): boolean {
  return first === 0x80 && version <= 5
}

/**
 * Whether bytes that lie in a checkpoint are a pickle to somebody: they are one for certain, or an unpickler of CPython
 * may come to look a global up when it is given them. The strict question. Text whose first lines happen to spell it
 * counts: `copyright`, `of` makes Python import `opyright`.
 */
export function isPickleToPython(bytes: Uint8Array, row: PickleRow): boolean {
  return row.looksUp || isCertainPickle(bytes, row)
}

/**
 * Whether bytes that nothing else tells to be one are a pickle: the mild question, for files of any kind. What it passes
 * over are bytes without the head of protocol 2 and newer, of which an unpickler would import modules at most and do
 * nothing with what it found there, before it fails: `.gitignore`, source text, prose.
 */
export function isCertainPickle(bytes: Uint8Array, row: PickleRow): boolean {
  const { pickles, looksUp, acts, isAll, fault, isOpen } = row
  if (acts || isAll || fault !== undefined) return true
  if (!hasProtocolHead(bytes)) return false
  const [first] = pickles
  if (looksUp || first?.complete === true) return true
  return first?.hasFailed === false && (isOpen || (first.ended === "cut-off" && first.opcodeCount > 2))
}

// Looks for pickles at the beginning of something long, and reads no more of it than it takes to tell: weights are told
// from a pickle by their first bytes, and of a pickle all is looked at.

/** What is read first, and how much more each time after that. */
const FIRST_WINDOW_BYTES = 4096
const GROWTH = 16

/** The row of pickles, and the bytes that it was found in. */
interface WindowedRow {
  readonly bytes: Uint8Array
  readonly row: PickleRow
}

/** What `listPickles` needs, and how to read. */
interface WindowOptions extends Omit<RowOptions, "start" | "isWhole"> {
  readonly byteLength: number
  /** The first `length` bytes. Called with ever more. */
  readonly read: (length: number) => Promise<Uint8Array>
  readonly signal: AbortSignal | undefined
  /** Bytes after which nothing more is read: a row that is open then cannot be told. Default: all. */
  readonly most?: number
}

/** Lists the pickles at the beginning, from windows that grow until nothing is open. */
export async function listWindows(options: WindowOptions): Promise<WindowedRow> {
  const { byteLength, read, signal, most = byteLength } = options
  const all = Math.min(byteLength, most)
  for (let wanted = FIRST_WINDOW_BYTES; ; wanted *= GROWTH) {
    const length = Math.min(wanted, all)
    const bytes = await read(length)
    const row = await inTurns(listPicklesSteps(bytes, { ...options, isWhole: length === byteLength }), signal)
    if (!row.isOpen || row.fault !== undefined || length === all) return { bytes, row }
  }
}
