/** Holds the lister against CPython's two unpicklers: what either looks up in random pickles must be listed, in order. */

import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import type { PickleRow } from "../../src/pickle/list-pickles.ts"
import { listPickles } from "../../src/pickle/list-pickles.ts"
import type { GlobalMention } from "../../src/pickle/symbolic-stack.ts"
import { randomPickles } from "./random-pickles.ts"

/** For each pickle of a row where it begins, and what an unpickler asked for. */
type Asked = readonly (readonly [
  start: number,
  names: readonly (readonly [module: string, name: string])[],
])[]

/** How a comparison came out. */
export interface Comparison {
  readonly files: number
  /** What the unpicklers looked up, both counted. */
  readonly lookups: number
  /** The same, in pickles that stand behind another. */
  readonly laterLookups: number
  /** One line for each file in which something was looked up that is not listed, or said not to be reached. */
  readonly differences: readonly string[]
}

/** Runs CPython over `count` files of random pickles. */
export function compareWithCPython(python: string, script: string, count: number, seed: number): Comparison {
  const folder = mkdtempSync(join(tmpdir(), "tosafetensors-globals-"))
  try {
    const files = randomPickles(count, seed)
    const [source, target] = [join(folder, "pickles"), join(folder, "asked")]
    writeFileSync(source, files.map((bytes) => Buffer.from(bytes).toString("hex")).join("\n"))
    // CPython says on stderr what it makes of buffers that it has lost.
    execFileSync(python, ["-W", "ignore", script, source, target], { stdio: ["ignore", "ignore", "pipe"] })
    const answers = readFileSync(target, "utf8").trimEnd().split("\n")
    if (answers.length !== count) throw new Error(`${answers.length} answers to ${count} files`)
    const totals = { lookups: 0, laterLookups: 0 }
    const differences: string[] = []
    for (const [index, answer] of answers.entries()) {
      const bytes = files[index] as Uint8Array
      for (const asked of JSON.parse(answer) as readonly Asked[]) {
        const counts = asked.map(([, names]) => names.length)
        totals.lookups += sum(counts)
        totals.laterLookups += sum(counts.slice(1))
        const problem = compare(bytes, asked)
        if (problem !== undefined) differences.push(`${problem}: ${Buffer.from(bytes).toString("hex")}`)
      }
    }
    return { files: count, ...totals, differences }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function compare(bytes: Uint8Array, asked: Asked): string | undefined {
  const mentions: GlobalMention[] = []
  const onMention = (mention: GlobalMention): GlobalMention => {
    mentions.push(mention)
    return mention
  }
  const row = listPickles(bytes, { within: "p", limits: DEFAULT_LIMITS, onMention })
  for (const [start, names] of asked) {
    const pickle = row.pickles.find((each) => each.start === start)
    const listed = mentions.filter(({ at }) => pickle !== undefined && at >= start && at < pickle.end)
    const problem = compareNames(listed, names, row)
    if (problem !== undefined) return `pickle at ${start}: ${problem}`
  }
  return undefined
}

function compareNames(
  listed: readonly GlobalMention[],
  names: readonly (readonly [module: string, name: string])[],
  row: PickleRow,
): string | undefined {
  for (const [place, [module, name]] of names.entries()) {
    const mention = listed[place]
    const isHarmless = module === "" || module.includes("\0")
    if (!isHarmless && !row.looksUp) return `${module}.${name} is said not to be looked up`
    // Behind it nothing is known: it stands for whatever is looked up.
    if (mention?.opcode === "FRAME" && mention.isReached) return undefined
    // Python stops where a pickle fails; what it asked for until then comes first in the listing.
    const isListed = mention?.isNamed === false || (mention?.module === module && mention.name === name)
    if (!isListed) return `looks up ${module}.${name}, listed is ${mention?.module}.${mention?.name}`
    if (!mention.isReached) return `${module}.${name} is said not to be reached`
  }
  return undefined
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
