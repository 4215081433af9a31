/** What people are told about bytes of a checkpoint that belong to no written tensor. */

import type { HidingStorage, UnreferencedBytes } from "../node/index.ts"
import type { Fact } from "./facts.ts"
import { sayBytes, sayCounted } from "./quantities.ts"
import { quoted } from "./shown-text.ts"

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
      ? [`${sum} belong to no written tensor: ${only.where}`, ...only.details]
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

/** `  4.00 MB behind "a", "b" and 3 more`: the amount first, because names are long. */
function sayHiding({ key, hiddenBytes, tensors, tensorCount }: HidingStorage): string {
  const amount = `  ${sayBytes(hiddenBytes)} behind`
  if (tensors.length === 0) {
    return `${amount} ${sayCounted(tensorCount, "tensor")} outside the root (storage ${quoted(key)})`
  }
  const more = tensorCount > tensors.length ? ` and ${tensorCount - tensors.length} more` : ""
  return `${amount} ${tensors.map(quoted).join(", ")}${more}`
}

function withRest(lines: readonly string[], count: number, noun: string): readonly string[] {
  const rest = count - lines.length
  return rest === 0 ? lines : [...lines, `  and ${sayCounted(rest, `more ${noun}`)}`]
}
