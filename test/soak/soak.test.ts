import { it, expect } from "vitest"
import { loadSeeds } from "./seeds.ts"
import { makeMutant } from "./mutate.ts"
import { checkMutant } from "./invariant.ts"
import { count, newTally } from "./tally.ts"
it("x", {timeout: 100000}, async () => {
  const seeds = loadSeeds("test/fixtures")
  const tally = newTally()
  const t = performance.now()
  for (let i = 0; i < Number(process.env.N ?? 3000); i++) { const m = makeMutant(seeds, 1, i); count(tally, m, await checkMutant(m)) }
  console.log(performance.now() - t, seeds.zip.length, seeds.legacy.length, seeds.safetensors.length)
  const {failures, ...rest} = tally
  console.log(JSON.stringify(rest, null, 1).replace(/\n\s+"mutants"/g, '"mutants"'))
  console.log(failures.length)
  const seen = new Set()
  for (const f of failures) { const k = f.why.replace(/[0-9]+/g,"").slice(0, 60); if (seen.has(k)) continue; seen.add(k); console.log(JSON.stringify(f).slice(0,1200)) }
})
