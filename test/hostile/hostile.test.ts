/** The corpus in Node: every hostile file is refused as expected, every odd one converts exactly. */

import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { DEEP, sampled } from "../depth.ts"
import { HOSTILE, HOSTILE_HEADERS, LEGAL, LEGAL_HEADERS } from "./corpus.ts"
import {
  type Problems,
  ROUTES,
  type Route,
  runHostile,
  runHostileHeader,
  runLegal,
  runLegalHeader,
} from "./run-case.ts"
import { SECTIONS } from "./sections.ts"

const ALL = [...HOSTILE, ...HOSTILE_HEADERS, ...LEGAL, ...LEGAL_HEADERS]

function check<Case extends { readonly name: string }>(
  cases: readonly Case[],
  run: (given: Case) => Promise<Problems>,
): void {
  it.each(cases.map((given) => [given.name, given] as const))("%s", async (_, given) => {
    expect(await run(given)).toEqual([])
  })
}

/** All in a deep run; otherwise each case goes one way, and some go all. */
const routesOf = new Map<unknown, readonly Route[]>(
  HOSTILE.map((given, at) => [given, DEEP || at % 9 === 0 ? ROUTES : [at % 2 === 0 ? "bytes" : "sink"]]),
)

describe("hostile checkpoints", () =>
  check(sampled(HOSTILE, 220), (given) => runHostile(given, routesOf.get(given))))
describe("hostile safetensors files", () => check(HOSTILE_HEADERS, runHostileHeader))
describe("odd checkpoints", () => check(LEGAL, runLegal))
describe("odd safetensors files", () => check(LEGAL_HEADERS, runLegalHeader))

describe("the corpus", () => {
  it("is large", () => {
    expect(HOSTILE.length + HOSTILE_HEADERS.length).toBeGreaterThanOrEqual(400)
    expect(LEGAL.length + LEGAL_HEADERS.length).toBeGreaterThanOrEqual(60)
  })

  it("covers every row of the threat model", () => {
    const covered = new Set(ALL.map(({ section }) => section))
    expect([...SECTIONS.keys()].filter((section) => !covered.has(section))).toEqual([])
  })

  it("names each case once", () => {
    const names = ALL.map(({ name }) => name)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it("holds no file twice, and makes each the same every time", () => {
    const seen = new Map<string, string>()
    const again = new Set(sampled(ALL, 100))
    const same: string[] = []
    for (const given of sampled(ALL, 300)) {
      const key = fingerprint(given)
      if (again.has(given)) expect(fingerprint(given), given.name).toBe(key)
      const other = seen.get(key)
      if (other !== undefined) same.push(`${other} = ${given.name}`)
      seen.set(key, given.name)
    }
    expect(same).toEqual([])
  })
})

/** Of the bytes and of what the library is told besides. */
function fingerprint(given: (typeof ALL)[number]): string {
  const bytes = given.bytes()
  const file =
    bytes instanceof Uint8Array ? createHash("sha256").update(bytes).digest("hex") : bytes.fingerprint
  const options = "options" in given ? given.options : "limits" in given ? { limits: given.limits } : {}
  const reader = "rules" in given || "tensorNames" in given ? "header" : "checkpoint"
  return `${reader} ${file} ${JSON.stringify(options, (_, value) => (typeof value === "function" ? String(value) : value))}`
}
