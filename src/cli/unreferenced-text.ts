/** What people are told about bytes of a checkpoint that belong to no written tensor. */

import type { HidingStorage, UnreferencedBytes } from "../node/index.ts"
import type { Fact } from "./facts.ts"
import { sayBytes, sayCounted } from "./quantities.ts"
import { quoted, sayFew } from "./shown-text.ts"

const LABEL = "not included"

/** Storages and members that a summary lists before it counts the rest. */
const LISTED = 3

/** A part of the bytes: where they are, and lines that say more. */
interface Part {
  readonly byteLength: number
  readonly where: string
  readonly details: readonly string[]
}

/** Nothing when there are none. One part is told in one line, several below their sum. */
export function unreferencedFacts(unreferenced: UnreferencedBytes): readonly Fact[] {
  const { byteLength, exact } = unreferenced
  if (byteLength === 0) return []
  const sum = `${exact ? "" : "up to "}${sayBytes(byteLength)} of the file`
  const parts = partsOf(unreferenced).filter((part) => part.byteLength > 0)
  const [only] = parts
  const lines =
    only !== undefined && parts.length === 1
      ? [`${sum}: ${only.where}`, ...only.details]
      : [
          `${sum} belong to no written tensor`,
          ...parts.flatMap((part) => [`${sayBytes(part.byteLength)} ${part.where}`, ...part.details]),
        ]
  return lines.map((line) => [LABEL, line])
}

function partsOf(unreferenced: UnreferencedBytes): readonly Part[] {
  const { hiding, hidingCount, members, memberCount, unusedStorageCount } = unreferenced
  const rows = members.map((member) => `${quoted(member.name)} (${sayBytes(member.byteLength)})`)
  return [
    { byteLength: unreferenced.leftOut, where: "in tensors that are left out", details: [] },
    {
      byteLength: unreferenced.behindViews,
      where: "behind views",
      details: withRest(hiding.slice(0, LISTED).map(sayHiding), hidingCount, "such storage"),
    },
    {
      byteLength: unreferenced.unusedStorages,
      where: `in ${sayCounted(unusedStorageCount, "storage")} that no tensor uses`,
      details: [],
    },
    {
      byteLength: unreferenced.extraMembers,
      where: `in ${sayCounted(memberCount, "extra member")} of the archive`,
      details: withRest(
        rows.slice(0, LISTED).map((row) => `  ${row}`),
        memberCount,
        "such member",
      ),
    },
  ]
}

/** `  "a", "b" and 3 more show 8.00 kB of 4.00 MB` */
function sayHiding({ key, byteLength, hiddenBytes, tensors, tensorCount }: HidingStorage): string {
  const shownBytes = `${sayBytes(byteLength - hiddenBytes)} of ${sayBytes(byteLength)}`
  if (tensors.length === 0) {
    const one = tensorCount === 1
    const users = `${sayCounted(tensorCount, "tensor")} outside the root ${one ? "shows" : "show"}`
    return `  ${users} ${shownBytes} (storage ${quoted(key)})`
  }
  const names = tensors.map(quoted)
  const more = tensorCount > tensors.length ? ` and ${tensorCount - tensors.length} more` : ""
  return `  ${sayFew(names, names.length)}${more} ${tensorCount === 1 ? "shows" : "show"} ${shownBytes}`
}

function withRest(lines: readonly string[], count: number, noun: string): readonly string[] {
  const rest = count - lines.length
  return rest === 0 ? lines : [...lines, `  and ${sayCounted(rest, `more ${noun}`)}`]
}
