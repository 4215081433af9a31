/** Counts how mutants ended. Plain data, so that it passes between processes. */

import type { Verdict } from "./invariant.ts"
import type { Mutant } from "./mutate.ts"

/** A mutant that broke the invariant. */
export interface Failure {
  readonly seed: number
  readonly index: number
  readonly file: string
  readonly chain: readonly string[]
  readonly options: string
  readonly why: string
}

export interface Tally {
  mutants: number
  identical: number
  different: number
  refused: Record<string, number>
  /** Mutants of each kind of file, and of each kind that were accepted. */
  kinds: Record<string, { mutants: number; accepted: number }>
  /** Mutants that each mutator had a part in, and how many of them were accepted. */
  mutators: Record<string, { mutants: number; accepted: number }>
  failures: Failure[]
}

export function newTally(): Tally {
  return { mutants: 0, identical: 0, different: 0, refused: {}, kinds: {}, mutators: {}, failures: [] }
}

export function failureOf({ seed, index, origin, chain, options }: Mutant, why: string): Failure {
  return { seed, index, file: origin.name, chain, options: JSON.stringify(options), why }
}

/** A mutator's name without what it did this time. */
const nameOf = (step: string): string => /^[a-z-]+(:[a-z-]+)?/.exec(step)?.[0] ?? step

export function count(tally: Tally, mutant: Mutant, verdict: Verdict): void {
  const accepted = verdict.is === "accepted" ? 1 : 0
  tally.mutants += 1
  if (verdict.is === "refused") tally.refused[verdict.code] = (tally.refused[verdict.code] ?? 0) + 1
  else if (verdict.is === "failed") tally.failures.push(failureOf(mutant, verdict.why))
  else if (verdict.identical) tally.identical += 1
  else tally.different += 1
  bump(tally.kinds, mutant.kind, accepted)
  for (const name of new Set(mutant.chain.map(nameOf))) bump(tally.mutators, name, accepted)
}

function bump(
  rows: Record<string, { mutants: number; accepted: number }>,
  name: string,
  accepted: number,
): void {
  rows[name] ??= { mutants: 0, accepted: 0 }
  const row = rows[name]
  row.mutants += 1
  row.accepted += accepted
}
