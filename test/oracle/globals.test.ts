/** Whatever CPython's unpicklers look up, a listing names: on random pickles of all opcodes of all protocols. */

import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DEFAULT_LIMITS } from "../../src/limits.ts"
import { listGlobals } from "../../src/pickle/list-globals.ts"
import { assemble, type Part } from "../pickle/assemble.ts"
import opcodes from "../pickle/cpython-opcodes.json"

const PYTHON = fileURLToPath(new URL("../../.oracle/venv/bin/python", import.meta.url))
const SCRIPT = fileURLToPath(new URL("record_globals.py", import.meta.url))
const PICKLES = 40_000

type Asked = readonly (readonly [module: string, name: string])[]

const WORDS = ["os", "system", "a.b", "", "builtins"]

/** Opcodes without operands come as they are; the others get operands that make sense now and then. */
const anyOpcode: fc.Arbitrary<Part> = fc
  .constantFrom(...opcodes)
  .chain(({ name, arg }): fc.Arbitrary<Part> => {
    if (name === "STOP" || name === "FRAME") return fc.constant("NONE")
    if (arg === null) return fc.constant(name)
    if (arg === "stringnl_noescape_pair") {
      return fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...WORDS)).map(([a, b]) => [name, a, b])
    }
    if (name === "STRING") return fc.constantFrom(...WORDS).map((word) => [name, `'${word}'`])
    if (/string/.test(arg)) return fc.constantFrom(...WORDS).map((word) => [name, word])
    if (/bytes|bytearray/.test(arg)) return fc.constant([name, "xy"])
    if (name === "PROTO") return fc.constantFrom(2, 4, 5).map((protocol) => [name, protocol])
    return fc
      .nat(3)
      .map((value) => [name, arg.startsWith("decimalnl") || arg === "floatnl" ? `${value}` : value])
  })

const text: fc.Arbitrary<Part> = fc
  .tuple(
    fc.constantFrom("SHORT_BINUNICODE", "BINUNICODE", "UNICODE", "SHORT_BINSTRING"),
    fc.constantFrom(...WORDS),
  )
  .map(([name, word]) => [name, word])

const part = fc.oneof(
  { weight: 3, arbitrary: anyOpcode },
  { weight: 4, arbitrary: text },
  { weight: 4, arbitrary: fc.constantFrom<Part>("STACK_GLOBAL", "NONE", "MARK", "EMPTY_TUPLE", "MEMOIZE") },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Part>(["BINGET", 0], ["GET", "1"], ["PUT", "1"], ["BINPUT", 0], "POP"),
  },
)

/** Something to pop and something in the memo: most opcodes fail on nothing. */
const pickle = fc
  .tuple(fc.array(text, { minLength: 4, maxLength: 4 }), fc.array(part, { maxLength: 20 }))
  .map(([texts, parts]) => {
    const lead = texts.flatMap((push, index): Part[] => [push, ["BINPUT", index]])
    return assemble("EMPTY_LIST", "EMPTY_DICT", "MARK", ...lead, ...parts, "STOP")
  })

function listed(bytes: Uint8Array): Asked {
  const found: [string, string][] = []
  listGlobals(bytes, {
    within: "p",
    limits: DEFAULT_LIMITS,
    oddities: "keep",
    onMention: (mention) => {
      if (mention.isNamed) found.push([mention.module, mention.name])
      return mention
    },
  })
  return found
}

describe("CPython", () => {
  it(`looks up no global that a listing does not name, in ${PICKLES} random pickles`, () => {
    const folder = mkdtempSync(join(tmpdir(), "tosafetensors-globals-"))
    try {
      const pickles = fc.sample(pickle, { numRuns: PICKLES, seed: 3 })
      const [source, target] = [join(folder, "pickles"), join(folder, "asked")]
      writeFileSync(source, pickles.map((bytes) => Buffer.from(bytes).toString("hex")).join("\n"))
      execFileSync(PYTHON, [SCRIPT, source, target])
      const answers = readFileSync(target, "utf8").trimEnd().split("\n")
      expect(answers).toHaveLength(PICKLES)
      let lookups = 0
      for (const [index, answer] of answers.entries()) {
        const bytes = pickles[index] as Uint8Array
        const names = listed(bytes)
        for (const asked of JSON.parse(answer) as Asked[]) {
          lookups += asked.length
          // Python stops where a pickle fails; what it asked for until then comes first in the listing.
          expect(names.slice(0, asked.length), Buffer.from(bytes).toString("hex")).toEqual(asked)
        }
      }
      expect(lookups).toBeGreaterThan(PICKLES / 4)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
