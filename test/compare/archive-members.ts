/** The members of an archive, with the records that torch writes, and some that it does not. */

import { latin1 } from "../pickle/assemble.ts"
import type { Making } from "./checkpoint.ts"
import type { WrittenStorage } from "./object-writer.ts"

const VERSIONS = ["", "0", "1", "2\n", "10", "11", "999", "abc", "-1", " 3", "+3", "3abc", "0x3", "3\0", "03"]
const ALIGNMENTS = ["", "abc", "1", "64", " 8 ", "-1"]
const BYTE_ORDERS = ["", "Little", "big\n", "BIG", "native"]

export function assembleMembers(
  making: Making,
  pickle: Uint8Array,
  storages: ReadonlyMap<string, WrittenStorage>,
): ReadonlyMap<string, Uint8Array> {
  const { random } = making
  const folder = random.pick(["archive", "m", "é", "a b"])
  const members: [string, Uint8Array][] = [["data.pkl", pickle]]
  const quoted = (value: string) => [JSON.stringify(value), value] as const
  const record = (name: string, usual: string, part: number, odd: readonly string[]): void => {
    const rows = [...odd.map(quoted), ["absent", undefined] as const]
    const value = making.oddOf<string | undefined>(name, part, rows, usual)
    if (value !== undefined) members.push([name, latin1(value)])
  }
  if (random.chance(0.5)) record(".format_version", "1", 0.02, ["", "0", "zz"])
  if (random.chance(0.5)) record(".storage_alignment", "64", 0.02, ALIGNMENTS)
  if (making.byteOrder === "big" || random.chance(0.8)) {
    record("byteorder", making.byteOrder, 0.03, BYTE_ORDERS)
  }
  for (const [key, { bytes }] of storages) {
    if (making.odd("no record of a storage", 0.005)) continue
    const cut = making.odd("a storage's record is shorter", 0.005) ? 1 : 0
    members.push([`data/${key}`, bytes.subarray(0, Math.max(0, bytes.length - cut))])
  }
  if (making.odd("two records of the version", 0.03)) {
    members.push([random.chance(0.5) ? ".data/version" : ".DATA/Version", latin1(random.pick(VERSIONS))])
  }
  record("version", "3\n", 0.06, VERSIONS)
  if (random.chance(0.5)) record(".data/serialization_id", "0123", 0.01, [""])
  if (making.odd("a member beside", 0.02)) members.push(["notes", latin1("notes")])
  const named = members.map(([name, bytes]): [string, Uint8Array] => {
    // Not the names of storages alone: whatever torch looks up.
    if (!making.odd("a record in another case", 0.01)) return [`${folder}/${name}`, bytes]
    return [`${folder}/${random.chance(0.5) ? name.toUpperCase() : capital(name)}`, bytes]
  })
  if (making.odd("a folder in another case", 0.01)) {
    const [name, bytes] = named.pop() as [string, Uint8Array]
    named.push([name.replace(folder, capital(folder)), bytes])
  }
  return new Map(named)
}

function capital(name: string): string {
  return name.replace(/[a-z]/, (letter) => letter.toUpperCase())
}
