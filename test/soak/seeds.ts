/** The legal files that mutants are made from: small fixtures, written by torch and by hand. */

import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { listOps, type Op } from "./pickle-ops.ts"
import type { PackedMember } from "./rebuild-zip.ts"
import { slowZip } from "./slow-zip.ts"
import { membersOf, type ZipField, zipFields } from "./zip-mutators.ts"

/** Larger files slow the soak down and hold nothing new. */
const MOST_BYTES = 6000

interface SeedBase {
  /** Path below test/fixtures. */
  readonly name: string
  readonly bytes: Uint8Array
}

export interface ZipSeed extends SeedBase {
  readonly kind: "zip"
  readonly members: readonly PackedMember[]
  /** Which of the members is the pickle. */
  readonly pickleAt: number
  readonly ops: readonly Op[]
  readonly fields: readonly ZipField[]
}

export interface LegacySeed extends SeedBase {
  readonly kind: "legacy"
  /** The five pickles. */
  readonly pickles: readonly (readonly Op[])[]
  /** Counts and storages. */
  readonly tail: Uint8Array
}

export interface HeaderSeed extends SeedBase {
  readonly kind: "safetensors"
}

export type Seed = ZipSeed | LegacySeed | HeaderSeed

export interface Seeds {
  readonly zip: readonly ZipSeed[]
  readonly legacy: readonly LegacySeed[]
  readonly safetensors: readonly HeaderSeed[]
}

interface ManifestRow {
  readonly input: string
  readonly expected?: string
  readonly options?: unknown
}

/** All of them, sorted by name, so that an index means the same mutant everywhere. */
export function loadSeeds(fixtures: string): Seeds {
  const zip: ZipSeed[] = []
  const legacy: LegacySeed[] = []
  const safetensors: HeaderSeed[] = []
  for (const folder of ["oracle", "torch-1.13"]) {
    for (const file of readdirSync(join(fixtures, folder)).sort()) {
      if (!file.endsWith(".safetensors")) continue
      const seed = read(fixtures, `${folder}/${file}`)
      if (seed.bytes.length <= MOST_BYTES) safetensors.push({ kind: "safetensors", ...seed })
    }
    const rows = JSON.parse(readFileSync(join(fixtures, folder, "manifest.json"), "utf8")) as ManifestRow[]
    const legal = rows.filter(({ expected, options }) => expected !== undefined && options === undefined)
    for (const input of [...new Set(legal.map((row) => row.input))].sort()) {
      const seed = read(fixtures, `${folder}/${input}`)
      if (seed.bytes.length > MOST_BYTES) continue
      if (seed.bytes[0] === 0x50) zip.push(zipSeed(seed))
      else legacy.push(legacySeed(seed))
    }
  }
  return { zip, legacy, safetensors }
}

function read(fixtures: string, name: string): SeedBase {
  return { name, bytes: new Uint8Array(readFileSync(join(fixtures, name))) }
}

function zipSeed(seed: SeedBase): ZipSeed {
  const members = membersOf(seed.bytes)
  const pickleAt = members.findIndex(({ name }) => name.endsWith("/data.pkl"))
  const pickle = members[pickleAt]
  if (pickle === undefined) throw new Error(`${seed.name} has no pickle`)
  const { ops } = listOps(pickle.data)
  return {
    kind: "zip",
    ...seed,
    members,
    pickleAt,
    ops,
    fields: zipFields(seed.bytes, slowZip(seed.bytes, false)),
  }
}

function legacySeed(seed: SeedBase): LegacySeed {
  const pickles: (readonly Op[])[] = []
  let at = 0
  for (let i = 0; i < 5; i++) {
    const { ops, end } = listOps(seed.bytes, at)
    pickles.push(ops)
    at = end
  }
  return { kind: "legacy", ...seed, pickles, tail: seed.bytes.subarray(at) }
}
