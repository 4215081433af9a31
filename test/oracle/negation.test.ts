/** A neg bit on all 65,536 patterns of the floats of two bytes: each by itself, as torch negates a single element. */

import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { transformElements } from "../../src/strided/elements.ts"

const PYTHON = fileURLToPath(new URL("../../.oracle/venv/bin/python", import.meta.url))

/** Every other element, so that no two lie side by side: torch negates 32 in a row otherwise than one alone. */
const SCRIPT = `
import sys, torch
dtype = getattr(torch, sys.argv[1])
patterns = torch.arange(65536).to(torch.int16)
apart = torch.stack([patterns, patterns], 1)[:, 0].view(dtype)
negated = torch._neg_view(apart).contiguous()
sys.stdout.buffer.write(negated.view(torch.int16).numpy().tobytes())
`

describe("all patterns", () => {
  it.each(["float16", "bfloat16"] as const)("of %s", (dtype) => {
    const theirs = execFileSync(PYTHON, ["-W", "ignore", "-c", SCRIPT, dtype])
    const bytes = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer)
    transformElements(bytes, {
      partBytes: 2,
      swapBytes: false,
      negate: "all",
      negation: dtype,
      normalizeBools: false,
    })
    const wrong = Array.from({ length: 65_536 }, (_, i) => i).filter(
      (i) => bytes[2 * i] !== theirs[2 * i] || bytes[2 * i + 1] !== theirs[2 * i + 1],
    )
    expect(wrong.map((pattern) => pattern.toString(16))).toEqual([])
  })
})
