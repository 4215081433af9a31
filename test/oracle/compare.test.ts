/** Some hundred random checkpoints as torch takes them. `npm run compare:torch` compares 20,000. */

import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { compareRange } from "../compare/compare.ts"

const COUNT = 800

it(`${COUNT} random checkpoints come out as with torch, or a row of causes.ts says why not`, async () => {
  const tools = {
    python: fileURLToPath(new URL("../../.oracle/venv/bin/python", import.meta.url)),
    script: fileURLToPath(new URL("../compare/load_with_torch.py", import.meta.url)),
  }
  const found = await compareRange({ seed: 11, start: 0, end: COUNT }, tools)
  expect(found.unexplained).toEqual([])
  expect(found.checkpoints).toBe(COUNT)
  expect(found.accepted).toBeGreaterThan(COUNT / 2)
  expect(found.refused).toBeGreaterThan(COUNT / 20)
}, 300_000)
