/** Short lines of the form `label  text` below a headline. */

import type { OutputStream } from "./terminal.ts"
import { paint } from "./terminal.ts"

/** A label and what it labels. */
export type Fact = readonly [label: string, text: string]

const LOUD: ReadonlySet<string> = new Set(["warning", "note", "refused"])

/** The facts, indented, their texts below one another. A label that repeats is shown once. */
export function factLines(facts: readonly Fact[], stream: OutputStream): readonly string[] {
  const width = facts.reduce((most, [label]) => Math.max(most, label.length), 0)
  return facts.map(([label, text], index) => {
    const repeated = index > 0 && facts[index - 1]?.[0] === label
    const shown = (repeated ? "" : label).padEnd(width)
    return `  ${paint(stream, LOUD.has(label) ? "yellow" : "dim", shown)}  ${text}`
  })
}
