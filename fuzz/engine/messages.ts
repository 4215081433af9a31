/** What the thread that fuzzes and the one that watches it tell each other. */

import type { BuiltTarget } from "./build-target.ts"

/** What to do. */
export interface Job {
  readonly target: BuiltTarget
  readonly seeds: string
  readonly dictionary: string
  /** Inputs of earlier runs, and of this one; undefined to keep none. */
  readonly corpus: string | undefined
  readonly findings: string
  readonly seconds: number
  readonly mostExecutions: number
  readonly randomSeed: number
  readonly shared: SharedArrayBuffer
}

/** Something that must not be. */
export interface Finding {
  readonly kind: "crash" | "mismatch" | "rejection" | "slow" | "allocation" | "hang" | "memory"
  /** The same for findings of one cause. */
  readonly signature: string
  readonly report: string
  readonly bytes: Uint8Array
}

export interface Progress {
  readonly executions: number
  readonly seconds: number
  readonly edges: number
  readonly totalEdges: number
  readonly corpus: number
}

export type Message =
  | { readonly is: "progress"; readonly progress: Progress }
  | { readonly is: "finding"; readonly finding: Finding }
  | {
      readonly is: "done"
      readonly progress: Progress
      readonly uncovered: readonly string[]
      readonly outcomes: readonly string[]
    }

/**
 * Memory that both threads see: how many runs were begun, the length of the input of the current one, and its bytes. A
 * run that does not end cannot tell what it was given.
 */
export class SharedInput {
  readonly buffer: SharedArrayBuffer
  readonly #counters: Int32Array
  readonly #bytes: Uint8Array

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8 + (1 << 20))) {
    this.buffer = buffer
    this.#counters = new Int32Array(buffer, 0, 2)
    this.#bytes = new Uint8Array(buffer, 8)
  }

  begin(bytes: Uint8Array): void {
    this.#bytes.set(bytes.length > this.#bytes.length ? bytes.subarray(0, this.#bytes.length) : bytes)
    Atomics.store(this.#counters, 1, bytes.length)
    Atomics.add(this.#counters, 0, 1)
  }

  get runs(): number {
    return Atomics.load(this.#counters, 0)
  }

  current(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#counters, 1))
  }
}
