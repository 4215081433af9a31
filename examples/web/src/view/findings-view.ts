/** What is shared, what is left out, what no tensor shows, and what the pickles name. */

import type { UnreferencedBytes } from "tosafetensors"
import { element } from "../dom.ts"
import { sayBytes, sayCount, sayCounted } from "../model/quantities.ts"
import { STATUS } from "../model/tensor-columns.ts"
import { visibleName } from "../model/visible-text.ts"
import type { OpenedCheckpoint, Preview } from "../worker/protocol.ts"
import { isRefusal } from "../worker/protocol.ts"
import { sayPart } from "./root-words.ts"

/** Parts outside the state dict that are listed. */
const SHOWN_PARTS = 8

const UNDECIDED = "Not known until it is decided what is saved."

/** `globals` is the part that a scan fills later. */
export function findingsView(opened: OpenedCheckpoint, globals: HTMLElement): HTMLElement {
  const preview = isRefusal(opened.preview) ? undefined : opened.preview
  return element(
    "section",
    { class: "cards", "aria-label": "Findings" },
    card("Shared memory", ...sayShared(opened, preview)),
    card("Left out", ...sayLeftOut(opened, preview)),
    card("Hidden bytes", ...sayUnreferenced(preview?.unreferenced)),
    element("div", { class: "card wide" }, element("h2", {}, "Pickles"), globals),
  )
}

function card(title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return element("div", { class: "card" }, element("h2", {}, title), ...children)
}

const paragraph = (text: string): HTMLElement => element("p", {}, text)

function listOf(rows: readonly string[], total: number): HTMLElement {
  const more = total > rows.length ? [`and ${sayCount(total - rows.length)} more`] : []
  return element("ul", { class: "rows" }, ...[...rows, ...more].map((row) => element("li", {}, row)))
}

function sayShared({ sharingCount }: OpenedCheckpoint, preview: Preview | undefined): readonly HTMLElement[] {
  if (sharingCount === 0) return [paragraph("Each tensor has memory of its own.")]
  const said = paragraph(`${sayCounted(sharingCount, "tensor")} lie in memory that others lie in as well.`)
  if (preview === undefined || preview.aliasCount === 0) return [said]
  const rows = preview.aliases.map(({ dropped, kept }) => `${dropped} = ${kept}`)
  const aliases = `${sayCounted(preview.aliasCount, "name")} of one and the same tensor as another, kept in the metadata:`
  return [said, paragraph(aliases), listOf(rows, preview.aliasCount)]
}

function sayLeftOut({ columns }: OpenedCheckpoint, preview: Preview | undefined): readonly HTMLElement[] {
  const unsupported = columns.names.filter((_, row) => columns.statuses[row] === STATUS.unsupported)
  const said: HTMLElement[] = []
  if (preview === undefined) said.push(paragraph(UNDECIDED))
  const outside = preview?.outsideRoot ?? 0
  if (preview !== undefined && outside > 0) {
    const rows = preview.parts.slice(0, SHOWN_PARTS).map(sayPart)
    said.push(
      paragraph(`${sayCounted(outside, "tensor")} outside the state dict:`),
      listOf(rows, preview.partCount),
    )
  }
  if (unsupported.length > 0) {
    said.push(
      paragraph("safetensors has no place for:"),
      listOf(unsupported.slice(0, 20), unsupported.length),
    )
  }
  return said.length === 0 ? [paragraph("Nothing: every tensor is part of the state dict.")] : said
}

function sayUnreferenced(unreferenced: UnreferencedBytes | undefined): readonly HTMLElement[] {
  if (unreferenced === undefined) return [paragraph(UNDECIDED)]
  const { byteLength, exact } = unreferenced
  if (byteLength === 0)
    return [paragraph("None: every byte of the weights belongs to a tensor that is saved.")]
  const sum = `${exact ? "" : "Up to "}${sayBytes(byteLength)} of the file belong to no tensor that is saved, and stay behind:`
  const hiding = unreferenced.hiding.slice(0, 5).map(({ hiddenBytes, tensors, key }) => {
    const behind =
      tensors.length === 0
        ? `storage ${visibleName(key)}`
        : tensors.map((name) => visibleName(name)).join(", ")
    return `${sayBytes(hiddenBytes)} behind ${behind}`
  })
  const members = unreferenced.members
    .slice(0, 5)
    .map((member) => `${sayBytes(member.byteLength)}: ${visibleName(member.name)}`)
  const parts: readonly (readonly [bytes: number, where: string])[] = [
    [unreferenced.leftOut, "in tensors that are left out"],
    [unreferenced.behindViews, "behind views, which show less than their memory holds"],
    [
      unreferenced.unusedStorages,
      `in ${sayCounted(unreferenced.unusedStorageCount, "storage")} that no tensor uses`,
    ],
    [unreferenced.extraMembers, `in ${sayCounted(unreferenced.memberCount, "extra member")} of the archive`],
  ]
  const rows = parts.filter(([bytes]) => bytes > 0).map(([bytes, where]) => `${sayBytes(bytes)} ${where}`)
  const details = [...hiding, ...members]
  return [
    paragraph(sum),
    listOf(rows, rows.length),
    ...(details.length === 0 ? [] : [listOf(details, details.length)]),
  ]
}
