/** Small runs of bytes that have been fetched: the head and the tail of a file are asked for more than once. */

/** Longer runs are not kept. Holds the end of an archive with its longest comment. */
const MOST_RUN_BYTES = 128 * 1024

/** Runs that are kept: 1 MiB at most, and the head. The first one, a file's head, stays. */
const MOST_RUNS = 8

/** The head grows to this with what is fetched right behind it: pickles whose length nobody knows are looked for there. */
const MOST_HEAD_BYTES = 1024 * 1024

interface Run {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What is known of a range: bytes at its beginning and at its end. */
export interface KnownEnds {
  readonly before: Uint8Array
  readonly after: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** Keeps the head and the latest short runs. */
export class KeptBytes {
  readonly #runs: Run[] = []

  keep(offset: number, bytes: Uint8Array): void {
    if (this.#growHead(offset, bytes)) return
    if (bytes.length === 0 || bytes.length > MOST_RUN_BYTES) return
    if (this.#runs.length === MOST_RUNS) this.#runs.splice(1, 1)
    this.#runs.push({ offset, bytes })
  }

  /** What is kept of `[offset, offset + length)`: all of it in `before`, or what it begins and what it ends with. */
  endsOf(offset: number, length: number): KnownEnds {
    const end = offset + length
    const before = this.#from(offset).subarray(0, length)
    if (before.length === length) return { before, after: NOTHING }
    const run = this.#runs.find((each) => each.offset < end && each.offset + each.bytes.length >= end)
    if (run === undefined) return { before, after: NOTHING }
    const start = Math.max(run.offset, offset + before.length)
    return { before, after: run.bytes.subarray(start - run.offset, end - run.offset) }
  }

  /** Whether `bytes` stand right behind the head and have been added to it. */
  #growHead(offset: number, bytes: Uint8Array): boolean {
    const [head] = this.#runs
    if (head === undefined || head.offset !== 0 || head.bytes.length !== offset) return false
    const length = offset + bytes.length
    if (length > MOST_HEAD_BYTES) return false
    const joined = new Uint8Array(length)
    joined.set(head.bytes)
    joined.set(bytes, offset)
    this.#runs[0] = { offset: 0, bytes: joined }
    return true
  }

  #from(offset: number): Uint8Array {
    const run = this.#runs.find((each) => each.offset <= offset && each.offset + each.bytes.length > offset)
    return run === undefined ? NOTHING : run.bytes.subarray(offset - run.offset)
  }
}
