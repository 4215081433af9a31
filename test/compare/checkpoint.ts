/**
 * Random checkpoints that are legal, or legal but for one or two oddities: whatever torch might take otherwise than this
 * library does. Each oddity is noted by a name, so that a difference can be laid at its door.
 */

import { assemble, hex, join, littleEndian } from "../pickle/assemble.ts"
import { writeZip } from "../property/zip-writer.ts"
import { Random } from "../soak/random.ts"
import { assembleMembers } from "./archive-members.ts"
import { closeFrames } from "./frames.ts"
import { ObjectWriter } from "./object-writer.ts"
import { type Parts, textWriter } from "./pickle-parts.ts"

/** A checkpoint, and what is odd about it. */
export interface RandomCheckpoint {
  readonly bytes: Uint8Array
  readonly oddities: readonly string[]
  /** As its record says. */
  readonly byteOrder: "little" | "big"
}

/** What all parts of one checkpoint share. */
export class Making {
  readonly random: Random
  readonly layout: "zip" | "legacy"
  readonly protocol: number
  readonly text: (value: string) => Parts
  readonly byteOrder: "little" | "big"
  readonly oddities: string[] = []
  /** Differences of checkpoints with many oddities have no one cause. */
  #left: number

  constructor(random: Random) {
    this.random = random
    this.layout = random.chance(0.7) ? "zip" : "legacy"
    this.byteOrder = this.layout === "zip" && random.chance(0.1) ? "big" : "little"
    this.protocol = random.weighted([
      [16, 2],
      [1, 3],
      [2, 4],
      [1, 5],
    ])
    this.text = textWriter(random, this.protocol)
    this.#left = random.weighted([
      [3, 0],
      [5, 1],
      [2, 2],
    ])
  }

  /** Whether an oddity that comes up once in `1 / part` occasions comes up now. */
  odd(name: string, part: number): boolean {
    if (this.#left === 0 || !this.random.chance(part)) return false
    this.#left -= 1
    this.oddities.push(name)
    return true
  }

  /** One of `rows`, whose names are oddities of `kind`; `usual` most of the time. */
  oddOf<T>(kind: string, part: number, rows: readonly (readonly [name: string, value: T])[], usual: T): T {
    if (this.#left === 0 || !this.random.chance(part)) return usual
    this.#left -= 1
    const [name, value] = this.random.pick(rows)
    this.oddities.push(`${kind}: ${name}`)
    return value
  }
}

/** Always the same for a seed and an index. */
export function makeCheckpoint(seed: number, index: number): RandomCheckpoint {
  const making = new Making(new Random(seed, index))
  const writer = new ObjectWriter(making)
  const object = writer.write()
  const pickle = closeFrames(making, object)
  const bytes =
    making.layout === "zip"
      ? writeZip(assembleMembers(making, pickle, writer.storages), {
          torch: making.random.chance(0.5),
          checksums: true,
          deflated: () => making.random.chance(0.05),
        })
      : legacy(making, pickle, writer)
  return { bytes, oddities: making.oddities, byteOrder: making.byteOrder }
}

const MAGIC = assemble(["PROTO", 2], ["LONG1", 0x1950a86a20f9469cfc6cn], "STOP")

function legacy(making: Making, pickle: Uint8Array, { storages }: ObjectWriter): Uint8Array {
  const { text } = making
  const version = making.oddOf(
    "legacy version",
    0.02,
    [
      ["1000", ["BININT", 1000] as const],
      ["1001 as a float", ["BINFLOAT", 1001] as const],
      ["1001 as a long", ["LONG1", 1001n] as const],
    ],
    ["BININT", 1001] as const,
  )
  const info = assemble(["PROTO", 2], "EMPTY_DICT", ...text2("little_endian"), "NEWTRUE", "SETITEM", "STOP")
  const keys = [...storages.keys()]
  const list = assemble(
    ["PROTO", 2],
    "EMPTY_LIST",
    "MARK",
    ...keys.flatMap((key) => text2(key)),
    "APPENDS",
    "STOP",
  )
  const raw = keys.flatMap((key) => {
    const { bytes, itemBytes } = storages.get(key) ?? { bytes: hex(""), itemBytes: 1 }
    return [littleEndian(bytes.length / itemBytes, 8), bytes]
  })
  return join([MAGIC, assemble(["PROTO", 2], version, "STOP"), info, pickle, list, ...raw])

  /** Heads are written by the same Python as the object, in protocol 2. */
  function text2(value: string): Parts {
    return making.protocol >= 4 ? [["BINUNICODE", value]] : text(value)
  }
}
