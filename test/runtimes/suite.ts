/**
 * What has to hold in every runtime: the corpus of hostile and odd files, the fixtures of the real torch, and every kind
 * of input and output. scripts/runtimes.mjs bundles it, with the packed package in place of the source.
 */

import { HOSTILE, HOSTILE_HEADERS, LEGAL, LEGAL_HEADERS } from "../hostile/corpus.ts"
import { type Problems, runHostile, runHostileHeader, runLegal, runLegalHeader } from "../hostile/run-case.ts"
import { FIXTURES, runFixture } from "./fixture-cases.ts"
import { WAYS } from "./way-cases.ts"

/** How the suite did in one place. */
export interface Outcome {
  readonly place: string
  readonly passed: number
  readonly failed: readonly { readonly name: string; readonly problems: Problems }[]
}

/** Runs everything, one case after another. `checks` are what only this place can be asked. */
export async function runSuite(
  place: string,
  checks: readonly { readonly name: string; readonly run: () => Promise<Problems> }[] = [],
): Promise<Outcome> {
  const failed: { name: string; problems: Problems }[] = []
  let passed = 0
  const run = async <Case extends { readonly name: string }>(
    cases: readonly Case[],
    check: (given: Case) => Promise<Problems>,
  ): Promise<void> => {
    for (const given of cases) {
      const problems = await check(given).catch((error: unknown): Problems => [`it threw ${String(error)}`])
      if (problems.length === 0) passed += 1
      else failed.push({ name: given.name, problems })
    }
  }
  await run(checks, (each) => each.run())
  await run(WAYS, (each) => each.run())
  await run(FIXTURES, runFixture)
  await run(HOSTILE, runHostile)
  await run(HOSTILE_HEADERS, runHostileHeader)
  await run(LEGAL, runLegal)
  await run(LEGAL_HEADERS, runLegalHeader)
  return { place, passed, failed }
}
