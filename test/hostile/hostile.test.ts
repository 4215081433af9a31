/** The corpus in Node: every hostile file is refused as expected, every odd one converts exactly. */

import { describe, expect, it } from "vitest"
import { HOSTILE } from "./corpus.ts"
import { runHostile } from "./run-case.ts"

describe("hostile files", () => {
  it.each(HOSTILE.map((given) => [given.name, given] as const))("%s", async (_, given) => {
    expect(await runHostile(given)).toEqual([])
  })
})
