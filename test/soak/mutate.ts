/** Mutant number `index` of a seed: which file, what is done to it, and with which options it is converted. */

import { BYTE_MUTATORS } from "./byte-mutators.ts"
import { mutateHeader } from "./header-mutators.ts"
import { finishPickle, PICKLE_MUTATORS } from "./pickle-mutators.ts"
import { concat, joinOps, type Op } from "./pickle-ops.ts"
import { Random } from "./random.ts"
import { type PackStyle, packZip } from "./rebuild-zip.ts"
import type { HeaderSeed, LegacySeed, Seed, Seeds, ZipSeed } from "./seeds.ts"
import type { SlowOptions } from "./slow-reader.ts"
import { changeRows, insertBetween, mutateField, mutateMembers } from "./zip-mutators.ts"

export interface Mutant {
  readonly seed: number
  readonly index: number
  readonly kind: Seed["kind"]
  /** The legal file that it comes from. */
  readonly origin: Seed
  /** What was done, in order. */
  readonly chain: readonly string[]
  readonly bytes: Uint8Array
  readonly options: SlowOptions
}

interface Changed {
  readonly bytes: Uint8Array
  readonly chain: readonly string[]
}

export function makeMutant(seeds: Seeds, seed: number, index: number): Mutant {
  const random = new Random(seed, index)
  const kind = random.weighted<Seed["kind"]>([
    [11, "zip"],
    [6, "legacy"],
    [3, "safetensors"],
  ])
  const options = random.weighted<SlowOptions>([
    [16, {}],
    [2, { root: "all" }],
    [1, { shared: "copy" }],
    [1, { verify: "none" }],
  ])
  const origins: readonly Seed[] = seeds[kind]
  const origin = random.pick(origins)
  const { bytes, chain } = change(seeds, origin, random)
  return { seed, index, kind, origin, chain, bytes, options }
}

function change(seeds: Seeds, origin: Seed, random: Random): Changed {
  switch (origin.kind) {
    case "zip":
      return changeZip(origin, random.pick(seeds.zip), random)
    case "legacy":
      return changeLegacy(origin, random.pick(seeds.legacy), random)
    case "safetensors":
      return changeHeader(origin, random.pick(seeds.safetensors), random)
  }
}

/** One to four changes; most mutants have one. */
function count(random: Random): number {
  return random.weighted([
    [10, 1],
    [5, 2],
    [2, 3],
    [1, 4],
  ])
}

function changeBytes(bytes: Uint8Array, donor: Uint8Array, random: Random): Changed {
  const chain: string[] = []
  let changed = bytes
  for (let i = count(random); i > 0; i--) {
    const [name, mutate] = random.weighted(BYTE_MUTATORS)
    changed = mutate(changed, random, donor)
    chain.push(`bytes:${name}`)
  }
  return { bytes: changed, chain }
}

/** A pickle with changes: to its opcodes, and rarely to its bytes. */
function changePickle(ops: readonly Op[], donor: readonly Op[], random: Random): Changed {
  if (random.chance(0.1)) return changeBytes(joinOps(ops), joinOps(donor), random)
  const chain: string[] = []
  let changed = ops
  for (let i = count(random); i > 0; i--) {
    const [name, mutate] = random.weighted(PICKLE_MUTATORS)
    const next = mutate(changed, random, donor)
    if (next === undefined || next.length === 0) continue
    changed = next
    chain.push(`pickle:${name}`)
  }
  return { bytes: finishPickle(changed, random), chain }
}

function changeZip(origin: ZipSeed, donor: ZipSeed, random: Random): Changed {
  const how = random.weighted<"pickle" | "members" | "field" | "records" | "bytes">([
    [13, "pickle"],
    [2, "members"],
    [3, "field"],
    [1, "records"],
    [1, "bytes"],
  ])
  if (how === "bytes") return changeBytes(origin.bytes, donor.bytes, random)
  if (how === "field") return changeFields(origin, random)
  if (how === "records") {
    const { bytes, what } = random.chance(0.5)
      ? insertBetween(origin.bytes, random)
      : changeRows(origin.bytes, random)
    return { bytes, chain: [`zip:${what}`] }
  }
  const chain: string[] = []
  let members = origin.members
  if (how === "pickle" || random.chance(0.2)) {
    const pickle = changePickle(origin.ops, donor.ops, random)
    members = members.map((member, i) => (i === origin.pickleAt ? { ...member, data: pickle.bytes } : member))
    chain.push(...pickle.chain)
  }
  if (how === "members") {
    for (let i = count(random); i > 0; i--) {
      const changed = mutateMembers(members, random, donor.members)
      members = changed.members
      chain.push(`members:${changed.what}`)
    }
  }
  return { bytes: packZip(members, packStyle(random)), chain }
}

function packStyle(random: Random): PackStyle {
  const deflate = random.below(20)
  const deflated = ({ name }: { readonly name: string }): boolean =>
    deflate === 0 || (deflate === 1 && name.endsWith(".pkl")) || (deflate === 2 && /[02468]$/.test(name))
  return { torch: random.chance(0.75), checksums: random.chance(0.95), deflated }
}

function changeFields({ bytes, fields }: ZipSeed, random: Random): Changed {
  const chain: string[] = []
  let changed = bytes
  for (let i = random.pick([1, 1, 1, 2]); i > 0; i--) {
    const { bytes: next, what } = mutateField(changed, fields, random)
    changed = next
    chain.push(`field:${what}`)
  }
  return { bytes: changed, chain }
}

/** Which of the five pickles: mostly the fourth, the object. */
const PICKLE_OF_FIVE: readonly (readonly [number, number])[] = [
  [1, 0],
  [1, 1],
  [2, 2],
  [22, 3],
  [3, 4],
]

function changeLegacy(origin: LegacySeed, donor: LegacySeed, random: Random): Changed {
  const how = random.weighted<"pickle" | "tail" | "both" | "bytes">([
    [13, "pickle"],
    [3, "tail"],
    [2, "both"],
    [3, "bytes"],
  ])
  if (how === "bytes") return changeBytes(origin.bytes, donor.bytes, random)
  const chain: string[] = []
  const pickles = origin.pickles.map(joinOps)
  let tail = origin.tail
  if (how !== "tail") {
    const at = random.weighted(PICKLE_OF_FIVE)
    const changed = changePickle(origin.pickles[at] ?? [], donor.pickles[at] ?? [], random)
    pickles[at] = Uint8Array.from(changed.bytes)
    chain.push(`legacy:pickle ${at}`, ...changed.chain)
  }
  if (how !== "pickle") {
    const changed = changeBytes(tail, donor.tail, random)
    tail = changed.bytes
    chain.push("legacy:tail", ...changed.chain)
  }
  return { bytes: concat([...pickles, tail]), chain }
}

function changeHeader(origin: HeaderSeed, donor: HeaderSeed, random: Random): Changed {
  return random.chance(0.15)
    ? changeBytes(origin.bytes, donor.bytes, random)
    : mutateHeader(origin.bytes, random)
}
