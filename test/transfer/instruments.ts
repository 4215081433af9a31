/** Sources and sinks that watch what is done with them, answer late, and fail when told to. */

import type { ByteSink } from "../../src/bytes/byte-sink.ts"
import type { ByteSource } from "../../src/bytes/byte-source.ts"
import { transformElements } from "../../src/strided/elements.ts"
import type { GatherRequest } from "../../src/transfer/transfer-plan.ts"

/** Counts every operation of one run; at `failAt` the next one fails. Answers take a random number of turns. */
export class Conductor {
  operations = 0
  failAt = Number.POSITIVE_INFINITY
  /** What is done instead of failing, such as aborting a signal. */
  instead: (() => void) | undefined
  readonly failure: Error = new Error("told to fail")
  #state: number

  constructor(seed: number) {
    this.#state = (seed + 1) * 0x9e3779b1
  }

  /** Called by whatever works; resolves some turns of the event loop later. */
  async turn(): Promise<void> {
    this.strike()
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    const turns = (this.#state >>> 16) % 4
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** An operation that happens at once. */
  strike(): void {
    if (this.operations++ !== this.failAt) return
    if (this.instead === undefined) throw this.failure
    this.instead()
  }
}

/** Bytes in memory that are slow to come. */
export class SlowSource implements ByteSource {
  readonly byteLength: number
  readonly #bytes: Uint8Array
  readonly #conductor: Conductor
  reads = 0
  underWay = 0

  constructor(bytes: Uint8Array, conductor: Conductor) {
    this.byteLength = bytes.length
    this.#bytes = bytes
    this.#conductor = conductor
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads += 1
    this.underWay += 1
    try {
      await this.#conductor.turn()
      return this.#bytes.subarray(offset, offset + length)
    } finally {
      this.underWay -= 1
    }
  }
}

/** As `SlowSource`, for a source that fills the caller's buffer, a part at a time. */
export class FillingSource extends SlowSource {
  async readInto(offset: number, target: Uint8Array): Promise<number> {
    const most = Math.max(1, Math.ceil(target.length / 2))
    const bytes = await this.read(offset, most)
    target.set(bytes)
    return bytes.length
  }
}

/** A sink that holds what it was given and complains about whatever a sink must not be asked. */
export class WatchingSink implements ByteSink {
  readonly randomAccess: boolean
  readonly #conductor: Conductor
  readonly aborts: unknown[] = []
  readonly complaints: string[] = []
  bytes = new Uint8Array(0)
  writes = 0
  closed = 0
  underWay = 0
  #covered = new Uint8Array(0)
  #next = 0
  #ended = false

  constructor(randomAccess: boolean, conductor: Conductor) {
    this.randomAccess = randomAccess
    this.#conductor = conductor
  }

  /** Bytes that were written exactly once. */
  get coveredOnce(): boolean {
    return this.#covered.every((times) => times === 1)
  }

  async open(byteLength: number): Promise<void> {
    this.#require(!this.#ended && this.writes === 0, "opened late")
    this.bytes = new Uint8Array(byteLength)
    this.#covered = new Uint8Array(byteLength)
    await this.#conductor.turn()
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    this.#require(!this.#ended, "written to after the end")
    this.#require(
      this.randomAccess || (this.underWay === 0 && position === this.#next),
      "written out of order",
    )
    this.writes += 1
    this.underWay += 1
    const before = bytes.slice()
    try {
      await this.#conductor.turn()
      this.#require(Buffer.compare(before, bytes) === 0, "given bytes that change before the write is done")
      this.bytes.set(bytes, position)
      for (let i = position; i < position + bytes.length; i++) this.#covered[i] = (this.#covered[i] ?? 0) + 1
      this.#next = position + bytes.length
    } finally {
      this.underWay -= 1
    }
  }

  async close(): Promise<void> {
    this.#require(!this.#ended && this.underWay === 0, "closed after the end, or while writing")
    this.closed += 1
    await this.#conductor.turn()
    this.#ended = true
  }

  async abort(reason: unknown): Promise<void> {
    this.#require(this.aborts.length === 0 && this.underWay === 0, "aborted twice, or while writing")
    this.aborts.push(reason)
    this.#ended = true
    await this.#conductor.turn()
  }

  #require(holds: boolean, complaint: string): void {
    if (!holds) this.complaints.push(complaint)
  }
}

/** Lets everything that is under way come to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** What a sink that takes a gather over must write, element by element. */
export async function gatheredSlowly(request: GatherRequest): Promise<Uint8Array> {
  const { extent, view, transform, firstElement, elementCount } = request
  const { itemBytes, shape, strides, elementOffset } = view
  const storage = await extent.source.read(extent.offset, extent.byteLength)
  const bytes = new Uint8Array(elementCount * itemBytes)
  for (let i = 0; i < elementCount; i++) {
    let at = elementOffset
    let left = firstElement + i
    for (let d = shape.length - 1; d >= 0; d--) {
      at += (left % (shape[d] ?? 1)) * (strides[d] ?? 0)
      left = Math.floor(left / (shape[d] ?? 1))
    }
    const element = storage.slice(at * itemBytes, (at + 1) * itemBytes)
    transformElements(element, transform)
    bytes.set(element, i * itemBytes)
  }
  return bytes
}
