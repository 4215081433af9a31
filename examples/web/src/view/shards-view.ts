/** What several files are together: the shards of one checkpoint. */

import { element } from "../dom.ts"
import { sayBytes, sayCount, sayCounted } from "../model/quantities.ts"
import { indexName, repeatedNames, type ShardSet, shardSets } from "../model/shards.ts"
import type { FileView } from "./file-view.ts"

/** Numbers of missing shards that are listed. */
const LISTED = 12

/** A notice for each divided checkpoint; none for files that stand alone. */
export function shardsView(views: readonly FileView[]): readonly HTMLElement[] {
  return shardSets(views, ({ file }) => file.name).map((set) =>
    element("div", { class: "notice shard-set" }, ...saySet(set).map((text) => element("p", {}, text))),
  )
}

function saySet({ stem, ending, count, shards, missing }: ShardSet<FileView>): readonly string[] {
  const name = `${stem}${ending}`
  const bytes = sayBytes(shards.reduce((sum, { file }) => sum + file.size, 0))
  const opened = shards.flatMap((view) => view.opened ?? [])
  const tensors = sayCounted(
    opened.reduce((sum, { columns }) => sum + columns.names.length, 0),
    "tensor",
  )
  const said = [
    missing.length === 0
      ? `${name} is one checkpoint in ${count} shards, which are all here: ${tensors}, ${bytes}.`
      : `${name} is one checkpoint in ${count} shards, of which ${sayMissing(missing)} not here. What is: ${tensors}, ${bytes}.`,
  ]
  const repeated = repeatedNames(opened.map(({ columns }) => columns.names))
  if (repeated > 0) said.push(`${sayCounted(repeated, "name")} of tensors stand in more than one shard.`)
  const isStored = ending.toLowerCase() === ".safetensors"
  if (!isStored && missing.length === 0) said.push(`Saving all of them also writes ${indexName(stem)}.`)
  return said
}

function sayMissing(missing: readonly number[]): string {
  const listed = missing.slice(0, LISTED).join(", ")
  const more = missing.length > LISTED ? ` and ${sayCount(missing.length - LISTED)} more` : ""
  return `${missing.length === 1 ? "number" : "numbers"} ${listed}${more} ${missing.length === 1 ? "is" : "are"}`
}
