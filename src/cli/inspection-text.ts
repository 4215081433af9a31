/** What `inspect` prints for people: a table of tensors, then what matters about them. */

import type { Checkpoint } from "../node/index.ts"
import { sayWarning } from "./conversion-text.ts"
import type { Fact } from "./facts.ts"
import { factLines } from "./facts.ts"
import type { InspectedTensor, Inspection } from "./inspection.ts"
import { sayBytes, sayCounted } from "./quantities.ts"
import { outsideFacts, rootFact } from "./root-text.ts"
import { quoted, sayRoot, sayShape, shown } from "./shown-text.ts"
import type { Column } from "./table.ts"
import { tableLines } from "./table.ts"
import type { OutputStream } from "./terminal.ts"
import { lineWidth, paint } from "./terminal.ts"
import { unreferencedFacts } from "./unreferenced-text.ts"

const COLUMNS: readonly Column[] = [
  { title: "tensor", align: "left", elastic: true },
  { title: "dtype", align: "left" },
  { title: "shape", align: "left" },
  { title: "size", align: "right" },
  { title: "", align: "left", elastic: true },
]

/** Candidates for the root that are listed. */
const LISTED = 20

/** The table, a headline and the facts as lines, for `stream`. */
export function sayInspection(
  file: string,
  checkpoint: Checkpoint,
  inspection: Inspection,
  stream: OutputStream,
): readonly string[] {
  const { tensors } = inspection
  const remarks = new Remarks(inspection)
  const rows = tensors.map((tensor) => rowOf(tensor, remarks.of(tensor)))
  const [titles = "", ...lines] = tableLines(COLUMNS, rows, lineWidth(stream))
  const table = [
    paint(stream, "dim", titles),
    ...lines.map((line, index) =>
      tensors[index]?.leftOut === undefined ? line : paint(stream, "dim", line),
    ),
    "",
  ]
  const { parameters, bytes } = totalsOf(tensors)
  const amounts = [
    `${checkpoint.format} layout`,
    sayCounted(tensors.length, "tensor"),
    sayCounted(parameters, "parameter"),
    sayBytes(bytes),
  ]
  const headline = `${paint(stream, "bold", shown(file))}: ${amounts.join(", ")}`
  const facts = factLines(factsOf(inspection), stream)
  return [...(tensors.length === 0 ? [] : table), headline, ...facts]
}

function rowOf({ name, info }: InspectedTensor, remark: string): readonly string[] {
  const shownName = name === "" ? '""' : shown(name)
  if ("reason" in info) return [shownName, "-", "-", "-", remark]
  const { dtype = "torchDtype" in info ? info.torchDtype : "-", shape, byteLength } = info
  return [shownName, dtype, sayShape(shape), sayBytes(byteLength), remark]
}

function totalsOf(tensors: readonly InspectedTensor[]): { parameters: number; bytes: number } {
  let parameters = 0
  let bytes = 0
  for (const { info } of tensors) {
    if ("reason" in info) continue
    parameters += info.shape.reduce((product, size) => product * size, 1)
    bytes += info.byteLength
  }
  return { parameters, bytes }
}

/** The last column. */
class Remarks {
  readonly #groups = new Map<string, readonly string[]>()

  constructor({ sharedMemory }: Inspection) {
    for (const group of sharedMemory) for (const name of group) this.#groups.set(name, group)
  }

  of({ name, info, leftOut, aliasOf }: InspectedTensor): string {
    const remarks: string[] = []
    if (leftOut === "outside-root") remarks.push("outside the root")
    if (leftOut === "filtered") remarks.push("left out by --include or --exclude")
    const reason = unsupportedReason(info)
    if (reason !== undefined) remarks.push(`cannot be written: ${reason}`)
    if (aliasOf !== undefined) remarks.push(`alias of ${quoted(aliasOf)}`)
    else remarks.push(...this.#sharing(name))
    return remarks.join("; ")
  }

  #sharing(name: string): readonly string[] {
    const group = this.#groups.get(name)
    if (group === undefined) return []
    const other = group[0] === name ? group[1] : group[0]
    const more = group.length > 2 ? ` and ${group.length - 2} more` : ""
    return [`shares memory with ${quoted(other ?? "")}${more}`]
  }
}

function unsupportedReason(info: InspectedTensor["info"]): string | undefined {
  if ("reason" in info) return `it is ${info.reason}`
  if (info.dtype !== undefined) return undefined
  return `safetensors has no place for ${info.torchDtype}${info.shape.length === 0 ? " without dimensions" : ""}`
}

function factsOf(inspection: Inspection): readonly Fact[] {
  const { tensors, report, problem, sharedMemory, namingProblem } = inspection
  const facts: Fact[] = []
  if (report !== undefined) {
    facts.push(rootFact(report), ...outsideFacts(report))
    const filtered = tensors.filter(({ leftOut }) => leftOut === "filtered").length
    if (filtered > 0) facts.push(["left out", `${sayCounted(filtered, "tensor")} by --include or --exclude`])
    const { tensorCount, byteLength, aliases } = report
    const named = aliases.length === 0 ? "" : `, ${sayCounted(aliases.length, "alias name")}`
    facts.push(["converts to", `${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)}${named}`])
  }
  if (sharedMemory.length > 0) {
    const names = sharedMemory.reduce((sum, group) => sum + group.length, 0)
    facts.push([
      "shared",
      `${sayCounted(names, "tensor")} in ${sayCounted(sharedMemory.length, "group")} share memory`,
    ])
  }
  if (report !== undefined) facts.push(...unreferencedFacts(report.unreferenced))
  facts.push(...problemFacts(problem))
  if (namingProblem !== undefined) {
    facts.push(["note", `only the tensors under the root are listed: ${namingProblem.message}`])
  }
  for (const warning of report?.warnings ?? []) facts.push(["warning", sayWarning(warning)])
  return facts
}

function problemFacts(problem: Inspection["problem"]): readonly Fact[] {
  if (problem === undefined) return []
  if (problem.code === "tensor-unsupported") {
    const count = sayCounted(problem.detail.tensors.length, "tensor")
    return [["refused", `${count} cannot be written: a conversion needs --exclude NAME for each`]]
  }
  if (problem.code !== "root-ambiguous") {
    return problem.message.split("\n").map((line) => ["refused", line.trim()])
  }
  const { candidates } = problem.detail
  const rows = candidates.slice(0, LISTED).map(({ path, tensorCount, byteLength }): Fact => {
    return ["root", `${sayRoot(path)}: ${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)}`]
  })
  if (candidates.length > LISTED) rows.push(["root", `and ${candidates.length - LISTED} more`])
  return [["root", "not decided: name one with --root, or take everything with --all"], ...rows]
}
