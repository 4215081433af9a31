/** Holds the library against torch, checkpoint by checkpoint, and explains what differs. */

import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Accepted, convert, type OwnRefusal, type TorchLine, torchTensors } from "./answers.ts"
import { CAUSES, type Difference } from "./causes.ts"
import { makeCheckpoint, type RandomCheckpoint } from "./checkpoint.ts"

/** What became of the checkpoints. */
export interface Comparison {
  checkpoints: number
  accepted: number
  refused: number
  /** Checkpoints by the sentence that explains their difference. */
  explained: Record<string, number>
  unexplained: Unexplained[]
}

export interface Unexplained {
  readonly index: number
  readonly oddities: readonly string[]
  readonly ours: string
  readonly torch: string
}

/** Checkpoints `start` to `end` of a seed. */
export async function compareRange(
  { seed, start, end }: { readonly seed: number; readonly start: number; readonly end: number },
  tools: { readonly python: string; readonly script: string },
): Promise<Comparison> {
  const made = Array.from({ length: end - start }, (_, i) => makeCheckpoint(seed, start + i))
  const lines = askTorch(made, tools)
  if (lines.length !== made.length) throw new Error(`torch answered ${lines.length} times of ${made.length}`)
  const sum: Comparison = { checkpoints: 0, accepted: 0, refused: 0, explained: {}, unexplained: [] }
  for (const [i, checkpoint] of made.entries()) {
    count(sum, start + i, checkpoint, await convert(checkpoint.bytes), lines[i] as TorchLine)
  }
  return sum
}

function askTorch(
  made: readonly RandomCheckpoint[],
  { python, script }: { readonly python: string; readonly script: string },
): readonly TorchLine[] {
  const folder = mkdtempSync(join(tmpdir(), "tosafetensors-compare-"))
  try {
    const [source, target] = [join(folder, "checkpoints"), join(folder, "answers")]
    const parts = made.flatMap(({ bytes }) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return [length, bytes]
    })
    writeFileSync(source, Buffer.concat(parts))
    execFileSync(python, [script, source, target], { stdio: ["ignore", "ignore", "inherit"] })
    const text = readFileSync(target, "utf8").trimEnd()
    return text.split("\n").map((line) => JSON.parse(line) as TorchLine)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function count(
  sum: Comparison,
  index: number,
  checkpoint: RandomCheckpoint,
  ours: Accepted | OwnRefusal,
  torch: TorchLine,
): void {
  sum.checkpoints += 1
  const differences = differencesOf(ours, torch, checkpoint)
  if (differences.length === 0) {
    if (ours.is === "accepted") sum.accepted += 1
    else sum.refused += 1
    return
  }
  if (ours.is === "accepted" && !("error" in torch)) sum.accepted += 1
  for (const difference of differences) {
    const cause = CAUSES.find(({ explains }) => explains(difference))
    if (cause !== undefined) {
      sum.explained[cause.why] = (sum.explained[cause.why] ?? 0) + 1
      continue
    }
    const { oddities } = checkpoint
    sum.unexplained.push({
      index,
      oddities,
      ours: inWords(ours, difference),
      torch: torchInWords(torch, difference),
    })
    return
  }
}

function differencesOf(
  ours: Accepted | OwnRefusal,
  torch: TorchLine,
  checkpoint: RandomCheckpoint,
): readonly Difference[] {
  const has = (oddity: string): boolean => checkpoint.oddities.some((each) => each.startsWith(oddity))
  const shared = { ours, torch, has, oddities: checkpoint.oddities, byteOrder: checkpoint.byteOrder }
  if (ours.is === "refused") return "error" in torch ? [] : [{ ...shared, is: "refused here" }]
  if ("error" in torch) return [{ ...shared, is: "refused by torch" }]
  const theirs = torchTensors(torch)
  const names = new Set([...ours.tensors.keys(), ...theirs.keys()])
  return [...names].flatMap((name): Difference[] => {
    const [mine, other] = [ours.tensors.get(name), theirs.get(name)]
    if (JSON.stringify(mine) === JSON.stringify(other)) return []
    const bits = torch.tensors[name]?.[3] ?? ""
    return [{ ...shared, is: "another tensor", name, mine, other, bits }]
  })
}

function inWords(ours: Accepted | OwnRefusal, difference: Difference): string {
  if (ours.is === "refused") return `${ours.code}: ${ours.message}`
  return difference.is === "another tensor" ? JSON.stringify(difference.mine) : "accepted"
}

function torchInWords(torch: TorchLine, difference: Difference): string {
  if ("error" in torch) return torch.error
  return difference.is === "another tensor" ? JSON.stringify(difference.other) : "accepted"
}
