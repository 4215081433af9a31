/** Runs a target on one input and judges what came of it. */

import type { FuzzTarget } from "../target.ts"
import type { Instruments } from "./instruments.ts"
import type { Finding, SharedInput } from "./messages.ts"

/** Inputs are a few KiB. What takes longer than this three times in a row is a finding. */
const SLOW_MILLISECONDS = 1000

/**
 * The most that one array may take: what deflate data of that length could hold (1,032 times as much), a step of the
 * inflater, and the tables of the checksums.
 */
function mostAllocated(inputBytes: number): number {
  return inputBytes * 1100 + 20 * 2 ** 20
}

export class Executor {
  executions = 0
  readonly #target: FuzzTarget
  readonly #instruments: Instruments
  readonly #shared: SharedInput

  constructor(target: FuzzTarget, instruments: Instruments, shared: SharedInput) {
    this.#target = target
    this.#instruments = instruments
    this.#shared = shared
  }

  /** The word for the outcome, or what is wrong. The edges are those of this run. */
  async run(bytes: Uint8Array): Promise<string | Finding> {
    const instruments = this.#instruments
    this.#shared.begin(bytes)
    this.executions++
    instruments.edges.fill(0)
    instruments.largestAllocation = 0
    const start = performance.now()
    try {
      const running = this.#target.run(bytes)
      const outcome = typeof running === "string" ? running : await running
      if (performance.now() - start > SLOW_MILLISECONDS && (await this.#isSlow(bytes))) {
        return finding("slow", `slow: ${outcome}`, `takes more than ${SLOW_MILLISECONDS} ms`, bytes)
      }
      const { largestAllocation } = instruments
      if (largestAllocation <= mostAllocated(bytes.length)) return outcome
      const report = `${bytes.length} bytes made it allocate ${largestAllocation} bytes at once`
      return finding("allocation", `allocation: ${outcome}`, report, bytes)
    } catch (error) {
      return thrown(error, bytes)
    }
  }

  /** By the processor time of the process, too: that others keep the machine busy makes no input slow. */
  async #isSlow(bytes: Uint8Array): Promise<boolean> {
    for (let i = 0; i < 2; i++) {
      const start = performance.now()
      const before = process.cpuUsage()
      await this.#target.run(bytes)
      const { user, system } = process.cpuUsage(before)
      if (Math.min(performance.now() - start, (user + system) / 1000) <= SLOW_MILLISECONDS) return false
    }
    return true
  }
}

function finding(kind: Finding["kind"], signature: string, report: string, bytes: Uint8Array): Finding {
  return { kind, signature, report, bytes: bytes.slice() }
}

/** A finding for something that was thrown and is no `CheckpointError`. */
export function thrown(error: unknown, bytes: Uint8Array, kind: Finding["kind"] = "crash"): Finding {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const frames = (stack ?? "")
    .split("\n")
    .flatMap((line) => /at (?:async )?([\w.#<>[\] ]+) \(/.exec(line)?.[1] ?? [])
  const text = message.replace(/\d+/g, "0").slice(0, 120)
  const is = name === "Mismatch" ? "mismatch" : kind
  const place = is === "mismatch" ? "" : frames.slice(0, 2).join(" < ")
  return finding(is, `${is}: ${name}: ${text} ${place}`.trim(), `${name}: ${message}\n${stack ?? ""}`, bytes)
}
