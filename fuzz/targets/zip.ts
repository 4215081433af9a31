/**
 * The directory of a zip archive. What opens must tile the file by another reckoning than the library's, and each member
 * must inflate as zlib says or be refused.
 */

import { crc32, inflateRawSync } from "node:zlib"
import { readZip, type ZipArchive } from "../../src/archive/read-zip.ts"
import type { ByteExtent } from "../../src/bytes/byte-extent.ts"
import { readExtent } from "../../src/bytes/read-extent.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { changeZip } from "../formats/change-zip.ts"
import { watchedSource } from "../formats/watched-source.ts"
import { tileZip } from "../formats/zip-tiling.ts"
import { type FuzzTarget, outcomeOf, require } from "../target.ts"

export const target: FuzzTarget = {
  rooms: ["archive/"],
  maxLength: 9000,
  mutate: changeZip,
  run: async (bytes) => {
    const opened = await outcomeOf(() => readZip(watchedSource(bytes), DEFAULT_LIMITS))
    if (opened.error !== undefined) return opened.error.code
    checkTiling(bytes, opened.value)
    const words = new Set<string>()
    for (const extent of opened.value.entries.values()) words.add(await checkMember(bytes, extent))
    return `accepted ${[...words].sort().join(" ")}`
  },
}

/** The library's members must be where a plain walk over the file finds them. */
function checkTiling(bytes: Uint8Array, archive: ZipArchive): void {
  const members = tileZip(bytes)
  require(typeof members !== "string", `it opens, and does not tile the file: ${members}`)
  const files = members.filter(({ name }) => !name.endsWith("/"))
  require(files.length ===
    archive.entries.size, `${archive.entries.size} members, ${files.length} by the walk`)
  const sums =
    members.some((each) => each.byteLength > 0 && each.crc32 !== 0) ||
    members.every((each) => each.byteLength === 0)
  require(archive.hasChecksums === sums, `hasChecksums is ${archive.hasChecksums}`)
  for (const { name, dataOffset, storedLength, byteLength, crc32: sum } of files) {
    const extent = archive.entries.get(name)
    require(extent !== undefined, `the member ${JSON.stringify(name)} is missing`)
    const same =
      extent.offset === dataOffset && extent.storedLength === storedLength && extent.byteLength === byteLength
    require(same &&
      extent.crc32 === (sums ? sum : undefined), `the member ${JSON.stringify(name)} lies elsewhere`)
  }
}

async function checkMember(bytes: Uint8Array, extent: ByteExtent): Promise<string> {
  const read = await outcomeOf(() => readExtent(extent))
  if (read.error !== undefined) return read.error.code
  const stored = bytes.subarray(extent.offset, extent.offset + extent.storedLength)
  const expected = extent.coding === "stored" ? stored : inflateRawSync(stored)
  require(read.value.length ===
    extent.byteLength, `${read.value.length} bytes instead of ${extent.byteLength}`)
  require(Buffer.compare(read.value, expected) === 0, "a member holds other bytes than by zlib")
  require(extent.crc32 === undefined || crc32(expected) === extent.crc32, "a wrong checksum passed")
  return extent.coding
}
