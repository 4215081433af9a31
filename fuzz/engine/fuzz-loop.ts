/** The search: takes an input of the corpus, changes it, runs the target, keeps what did something new. */

import type { FuzzTarget } from "../target.ts"
import { Corpus, type Entry } from "./corpus.ts"
import { Coverage } from "./coverage.ts"
import { Executor, thrown } from "./executor.ts"
import type { Instruments } from "./instruments.ts"
import type { Finding, SharedInput } from "./messages.ts"
import { havoc, type Material, replacements } from "./mutate.ts"
import type { Random } from "./random.ts"

/** Changes tried on an entry before the next one is taken. */
const CHANGES_EACH = 100

/** Most runs that the comparisons of one entry are worth. */
const MOST_EXPLORED = 3000

/** What a search works with. */
export interface SearchParts {
  readonly target: FuzzTarget
  /** The same target, telling what it compares. */
  readonly comparing: FuzzTarget
  readonly instruments: Instruments
  readonly edgeCount: number
  readonly tokens: readonly Uint8Array[]
  readonly random: Random
  readonly shared: SharedInput
  readonly onFinding: (finding: Finding) => void
  readonly onNew: (bytes: Uint8Array) => void
}

export class Search {
  readonly corpus = new Corpus()
  readonly coverage: Coverage
  readonly #parts: SearchParts
  readonly #executor: Executor
  readonly #material: Material & { pairs: Material["pairs"] }
  /** The last inputs: a promise that nobody waits for tells of its rejection later. */
  #recent: Uint8Array[] = []
  #rejection: unknown

  constructor(parts: SearchParts) {
    this.#parts = parts
    const { target, instruments, shared, tokens, random } = parts
    this.coverage = new Coverage(instruments.edges, parts.edgeCount)
    this.#executor = new Executor(target, instruments, shared)
    const other = (): Uint8Array =>
      this.corpus.entries[random.below(this.corpus.size)]?.bytes ?? new Uint8Array(0)
    this.#material = { random, tokens, pairs: [], maxLength: target.maxLength, other }
    process.on("unhandledRejection", (reason) => {
      this.#rejection = reason ?? new Error("rejected with nothing")
    })
  }

  get executions(): number {
    return this.#executor.executions
  }

  /** Tries an input. True when it was kept. `parent` is what it was made from. */
  async try(bytes: Uint8Array, parent?: Entry): Promise<boolean> {
    const { coverage, corpus } = this
    const outcome = await this.#executor.run(bytes)
    this.#recent.push(bytes)
    if (typeof outcome !== "string") {
      await this.#report(outcome)
      return false
    }
    if (coverage.take(outcome)) {
      corpus.add(bytes.slice(), coverage.features())
      this.#parts.onNew(bytes)
      return true
    }
    if (
      parent !== undefined &&
      bytes.length < parent.bytes.length &&
      coverage.includes(corpus.ownedBy(parent))
    ) {
      corpus.shorten(parent, bytes.slice(), coverage.features())
    }
    return false
  }

  /** Changes one entry some hundred times. */
  async step(): Promise<void> {
    const { random } = this.#parts
    const entry = this.corpus.pick(random, this.coverage.hits)
    if (!entry.explored) await this.#explore(entry)
    else if (random.oneIn(20)) this.#material.pairs = await this.#compared(entry)
    for (let left = CHANGES_EACH; left > 0; left--) await this.try(this.#change(entry), entry)
    await this.breathe()
  }

  /** Lets the runtime report what nobody waited for. */
  async breathe(): Promise<void> {
    await macrotask()
    if (this.#rejection !== undefined) await this.#findRejected()
    this.#recent = []
  }

  #change(entry: Entry): Uint8Array {
    const { target, random } = this.#parts
    if (target.mutate === undefined || random.oneIn(2)) return havoc(entry.bytes, this.#material)
    const changed = target.mutate(entry.bytes.slice(), random, this.#material.other())
    const bytes = random.oneIn(3) ? havoc(changed, this.#material) : changed
    return bytes.length > target.maxLength ? bytes.slice(0, target.maxLength) : bytes
  }

  /** Puts what the input was compared with into it, wherever the other side of the comparison stands. */
  async #explore(entry: Entry): Promise<void> {
    entry.explored = true
    const { bytes } = entry
    const pairs = await this.#compared(entry)
    this.#material.pairs = pairs
    let left = MOST_EXPLORED
    // By chance, as the last ones may not have their turn.
    const { random } = this.#parts
    const order = new Map(pairs.map((pair) => [pair, random.uint32()]))
    for (const [one, two] of [...pairs].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))) {
      const variants = [...replacements(bytes, one, two), ...replacements(bytes, two, one)]
      for (const variant of variants) {
        if (variant.length > this.#parts.target.maxLength) continue
        if (left-- <= 0) return
        await this.try(variant, entry)
      }
    }
  }

  async #compared({ bytes }: Entry): Promise<Material["pairs"]> {
    const { comparing, instruments, shared } = this.#parts
    instruments.log.clear()
    shared.begin(bytes)
    try {
      await comparing.run(bytes)
    } catch {
      // What it throws was reported when the input was run.
    }
    return [...instruments.log.pairs]
  }

  /** Tells of a finding once its input is as short as it gets. */
  async #report(found: Finding): Promise<void> {
    this.#parts.onFinding(found)
    if (found.kind === "slow") return
    let { bytes } = found
    for (let run = Math.max(1, bytes.length >> 1); run >= 1; run >>= 1) {
      for (let at = 0; at + run <= bytes.length; ) {
        const shorter = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + run)])
        const outcome = await this.#executor.run(shorter)
        if (typeof outcome !== "string" && outcome.signature === found.signature) bytes = shorter
        else at += run
      }
    }
    if (bytes.length < found.bytes.length) this.#parts.onFinding({ ...found, bytes })
  }

  async #findRejected(): Promise<void> {
    const candidates = this.#recent
    const first = this.#rejection
    this.#rejection = undefined
    for (const bytes of candidates) {
      await this.#executor.run(bytes)
      await macrotask()
      if (this.#rejection === undefined) continue
      this.#parts.onFinding(thrown(this.#rejection, bytes, "rejection"))
      this.#rejection = undefined
      return
    }
    this.#parts.onFinding(thrown(first, new Uint8Array(0), "rejection"))
  }
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
