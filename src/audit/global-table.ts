/** Gathers the globals of all pickles of a file: one row for each that a pickle names. */

import { CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
import { GLOBAL_NOT_ALLOWED, NEXT_AT_DANGER, NEXT_AT_PARTS } from "../pickle/errors.ts"
import type { GlobalMention } from "../pickle/symbolic-stack.ts"
import { findAllowedGlobal } from "../torch/allowed-globals.ts"
import type { knowledgeOf } from "./known-dangers.ts"
import type { GlobalVerdict, ScannedGlobal } from "./scan-report.ts"

/** Globals that are listed at most: of those that are refused, and of those that are allowed. Models name some hundreds. */
export const MOST_GLOBALS = 10_000

const ORDER: readonly GlobalVerdict[] = ["dangerous", "unknown", "allowed"]

interface Row {
  readonly pickle: string
  /** Where the bytes begin in the file that the mention's offset counts from. */
  readonly start: number | undefined
  readonly mention: GlobalMention
  count: number
}

export class GlobalTable {
  readonly #rows: Row[] = []
  /** Rows of the pickle that is listed at present. */
  readonly #byName = new Map<string, Row>()
  /** Rows of globals that are refused. */
  #refused = 0
  #overflows = false
  #leavesOut = false

  /** Whether there were more refused globals than are listed. */
  get overflows(): boolean {
    return this.#overflows
  }

  /** Whether there were more allowed globals than are listed: they say nothing against the file, however many there are. */
  get leavesOut(): boolean {
    return this.#leavesOut
  }

  /** A collector for one pickle, whose bytes begin at `start` of the file, in the form that `listGlobals` takes. */
  collect(pickle: string, start: number | undefined): (mention: GlobalMention) => GlobalMention | undefined {
    this.#byName.clear()
    return (mention) => {
      const { module, name, opcode } = mention
      // With the length no two pairs of names look the same, whatever characters STACK_GLOBAL gives them.
      const identity = `${opcode} ${module.length} ${module}${name}`
      const known = this.#byName.get(identity)
      if (known !== undefined) {
        known.count += 1
        return known.mention
      }
      const allowed = isAllowed(mention)
      if (allowed && this.#rows.length - this.#refused >= MOST_GLOBALS) {
        this.#leavesOut = true
        return mention
      }
      if (!allowed && this.#refused >= MOST_GLOBALS) {
        this.#overflows = true
        return undefined
      }
      if (!allowed) this.#refused += 1
      const row = { pickle, start, mention, count: 1 }
      this.#rows.push(row)
      this.#byName.set(identity, row)
      return mention
    }
  }

  /** Dangerous ones first, then unknown ones, then allowed ones. */
  async globals(): Promise<readonly ScannedGlobal[]> {
    const isClean = this.#rows.every(({ mention }) => isAllowed(mention))
    // Loaded when it is needed: most files name nothing else.
    const knowledge = isClean ? undefined : await loadKnowledge()
    const all = this.#rows.map((row) => describe(row, knowledge?.knowledgeOf))
    return ORDER.flatMap((wanted) => all.filter(({ verdict }) => verdict === wanted))
  }
}

function isAllowed({ module, name, isNamed }: GlobalMention): boolean {
  return isNamed && findAllowedGlobal(module, name) !== undefined
}

const ALLOWED = { verdict: "allowed", danger: undefined, about: undefined } as const

function describe(
  { pickle, start, mention, count }: Row,
  know: typeof knowledgeOf | undefined,
): ScannedGlobal {
  const { module, name, at, opcode, use, usedBy } = mention
  const { verdict, danger, about } = (isAllowed(mention) ? undefined : know?.(module, name)) ?? ALLOWED
  const fileOffset = start === undefined ? undefined : start + at
  return { module, name, verdict, pickle, at, fileOffset, opcode, use, usedBy, count, danger, about }
}

/** Asked for once: a scan of many files asks for each. */
let loading: Promise<typeof import("./known-dangers.ts")> | undefined

/** What is known of globals, loaded when it is needed: most files name none that is not allowed. */
export function loadKnowledge(): Promise<typeof import("./known-dangers.ts")> {
  loading ??= import("./known-dangers.ts").catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

/**
 * `error`, which tells of each refused global what is known of it, dangerous ones first. Any other error as it is. The
 * machine that throws it cannot wait for what is loaded.
 */
export async function withKnowledge(error: unknown): Promise<unknown> {
  if (!isCheckpointError(error) || error.code !== "global-not-allowed") return error
  const { knowledgeOf } = await loadKnowledge()
  const all = error.detail.globals.map((global) => ({
    ...global,
    ...knowledgeOf(global.module, global.name),
  }))
  const dangerous = all.filter(({ verdict }) => verdict === "dangerous")
  const globals = [...dangerous, ...all.filter(({ verdict }) => verdict !== "dangerous")]
  const areParts = all.every(({ partOf }) => partOf !== undefined)
  const nextStep = dangerous.length > 0 ? NEXT_AT_DANGER : areParts ? NEXT_AT_PARTS : undefined
  return new CheckpointError(GLOBAL_NOT_ALLOWED, { globals }, { cause: error.cause, nextStep })
}
