/** The table of the globals that refuse a file. */

import type { ScannedGlobal } from "../node/index.ts"
import { sayGlobal, sayUse } from "./scan-wording.ts"
import { shown } from "./shown-text.ts"
import type { Column } from "./table.ts"
import { tableLines } from "./table.ts"
import type { OutputStream } from "./terminal.ts"
import { lineWidth, paint } from "./terminal.ts"

const COLUMNS: readonly Column[] = [
  { title: "verdict", align: "left" },
  { title: "global", align: "left", elastic: true },
  { title: "used", align: "left" },
  { title: "pickle", align: "left", elastic: true },
  { title: "at", align: "right" },
]

const USES: readonly ScannedGlobal["use"][] = ["mentioned", "instantiated", "called"]

/** One global of all pickles. */
interface Group {
  /** The mention that is used most. */
  global: ScannedGlobal
  readonly pickles: Set<string>
}

/** A row for each of the first `most` globals, where it is first used as much as it is. */
export function refusedLines(
  refused: readonly ScannedGlobal[],
  most: number,
  stream: OutputStream,
): readonly string[] {
  const groups = groupsOf(refused)
  if (groups.length === 0) return []
  const listed = groups.slice(0, most)
  const width = lineWidth(stream)
  const [titles = "", ...lines] = tableLines(
    COLUMNS,
    listed.map(rowOf),
    width === undefined ? undefined : width - 2,
  )
  const rows = lines.map((line, index) => {
    const isDangerous = listed[index]?.global.verdict === "dangerous"
    const verdict = isDangerous ? "dangerous" : "unknown"
    return `  ${paint(stream, isDangerous ? "red" : "yellow", verdict)}${line.slice(verdict.length)}`
  })
  const more = groups.length - listed.length
  return [
    `  ${paint(stream, "dim", titles)}`,
    ...rows,
    ...(more === 0 ? [] : [`  … and ${more} more (--json lists all)`]),
  ]
}

function groupsOf(globals: readonly ScannedGlobal[]): readonly Group[] {
  const groups = new Map<string, Group>()
  for (const global of globals) {
    const { module, name, pickle } = global
    const identity = `${module.length} ${module}${name}`
    const group = groups.get(identity)
    if (group === undefined) {
      groups.set(identity, { global, pickles: new Set([pickle]) })
      continue
    }
    group.pickles.add(pickle)
    if (USES.indexOf(global.use) > USES.indexOf(group.global.use)) group.global = global
  }
  return [...groups.values()]
}

function rowOf({ global, pickles }: Group): readonly string[] {
  const more = pickles.size === 1 ? "" : ` (+${pickles.size - 1})`
  return [
    global.verdict,
    sayGlobal(global),
    sayUse(global),
    `${shown(global.pickle)}${more}`,
    String(global.at),
  ]
}
