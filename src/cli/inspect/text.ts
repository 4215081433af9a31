/** What `inspect` prints for people: a table of tensors, then what matters about them. */

import type { Checkpoint } from "../../node/index.ts"
import { outsideFacts, rootFact, sayWarning, unreferencedFacts } from "../report-facts.ts"
import { lineWidth, type OutputStream, paint } from "../terminal/streams.ts"
import { type Column, tableLines } from "../terminal/table.ts"
import {
  type Fact,
  factLines,
  quoted,
  sayBytes,
  sayCounted,
  sayRoot,
  sayShape,
  shown,
} from "../terminal/words.ts"
import type { InspectedTensor, Inspection } from "./inspection.ts"

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
  const { tensors, sharedMemory } = inspection
  const groups = new Map(sharedMemory.flatMap((group) => group.map((name) => [name, group])))
  const rows = tensors.map((tensor) => rowOf(tensor, groups.get(tensor.name)))
  const [titles = "", ...lines] = tableLines(COLUMNS, rows, lineWidth(stream))
  const dimmed = lines.map((line, index) =>
    tensors[index]?.leftOut === undefined ? line : paint(stream, "dim", line),
  )
  const infos = tensors.flatMap(({ info }) => ("reason" in info ? [] : [info]))
  const parameters = infos.reduce((sum, { shape }) => sum + shape.reduce((all, size) => all * size, 1), 0)
  const amounts = [
    `${checkpoint.format} layout`,
    sayCounted(tensors.length, "tensor"),
    sayCounted(parameters, "parameter"),
    sayBytes(infos.reduce((sum, { byteLength }) => sum + byteLength, 0)),
  ]
  const headline = `${paint(stream, "bold", shown(file))}: ${amounts.join(", ")}`
  const table = tensors.length === 0 ? [] : [paint(stream, "dim", titles), ...dimmed, ""]
  return [...table, headline, ...factLines(factsOf(inspection), stream)]
}

function rowOf(tensor: InspectedTensor, group: readonly string[] | undefined): readonly string[] {
  const { name, info } = tensor
  const shownName = name === "" ? '""' : shown(name)
  const remark = remarksOn(tensor, group).join("; ")
  if ("reason" in info) return [shownName, "-", "-", "-", remark]
  const { dtype = "torchDtype" in info ? info.torchDtype : "-", shape, byteLength } = info
  return [shownName, dtype, sayShape(shape), sayBytes(byteLength), remark]
}

/** The last column. `group` has the names that share memory with it. */
function remarksOn(
  { name, info, leftOut, aliasOf }: InspectedTensor,
  group: readonly string[] | undefined,
): readonly string[] {
  const remarks: string[] = []
  if (leftOut === "outside-root") remarks.push("outside the root")
  if (leftOut === "filtered") remarks.push("left out by --include or --exclude")
  const reason = unsupportedReason(info)
  if (reason !== undefined) remarks.push(`cannot be written: ${reason}`)
  if (aliasOf !== undefined) remarks.push(`alias of ${quoted(aliasOf)}`)
  else if (group !== undefined) {
    const other = group[0] === name ? group[1] : group[0]
    const more = group.length > 2 ? ` and ${group.length - 2} more` : ""
    remarks.push(`shares memory with ${quoted(other ?? "")}${more}`)
  }
  return remarks
}

function unsupportedReason(info: InspectedTensor["info"]): string | undefined {
  if ("reason" in info) return `it is ${info.reason}`
  if (info.dtype !== undefined) return undefined
  return `safetensors has no place for ${info.torchDtype}${info.shape.length === 0 ? " without dimensions" : ""}`
}

function factsOf({ tensors, report, problem, sharedMemory, namingProblem }: Inspection): readonly Fact[] {
  const facts: Fact[] = []
  if (report !== undefined) {
    facts.push(rootFact(report), ...outsideFacts(report))
    const filtered = tensors.filter(({ leftOut }) => leftOut === "filtered").length
    if (filtered > 0) facts.push(["left out", `${sayCounted(filtered, "tensor")} by --include or --exclude`])
    const { tensorCount, byteLength, aliases } = report
    const named = aliases.length === 0 ? "" : `, ${sayCounted(aliases.length, "alias name")}`
    facts.push(["converts to", `${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)}${named}`])
  }
  const names = sayCounted(sharedMemory.flat().length, "tensor")
  if (sharedMemory.length > 0)
    facts.push(["shared", `${names} in ${sayCounted(sharedMemory.length, "group")} share memory`])
  if (report !== undefined) facts.push(...unreferencedFacts(report.unreferenced))
  facts.push(...problemFacts(problem))
  if (namingProblem !== undefined)
    facts.push(["note", `only the tensors under the root are listed: ${namingProblem.message}`])
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
  const rows = candidates
    .slice(0, LISTED)
    .map(
      ({ path, tensorCount, byteLength }) =>
        `${sayRoot(path)}: ${sayCounted(tensorCount, "tensor")}, ${sayBytes(byteLength)}`,
    )
  if (candidates.length > LISTED) rows.push(`and ${candidates.length - LISTED} more`)
  const undecided = "not decided: name one with --root, or take everything with --all"
  return [undecided, ...rows].map((row) => ["root", row])
}
