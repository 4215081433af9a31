/**
 * A pickle through the decoder, the machine with torch's policy, and the plan. Where it ends is told by four readers; a
 * machine that keeps every memo entry must give the same value; and the plan's segments tile its output.
 */

import { toPlainValue } from "../../src/api/checkpoint.ts"
import { memorySource } from "../../src/bytes/sources.ts"
import { atOnce } from "../../src/bytes/turns.ts"
import { isContainer } from "../../src/checkpoint/child-cursor.ts"
import { planConversionSteps } from "../../src/checkpoint/plan-checkpoint.ts"
import { nameTensorsSteps, takeCensus } from "../../src/checkpoint/walk-tensors.ts"
import { DEFAULT_LIMITS, type Limits } from "../../src/limits/limits.ts"
import { findPickleEndSteps, PickleDecoder } from "../../src/pickle/decode.ts"
import { HANDLERS } from "../../src/pickle/handlers.ts"
import { runPickleSteps } from "../../src/pickle/machine.ts"
import { MachineState } from "../../src/pickle/machine-state.ts"
import { Memo } from "../../src/pickle/memo.ts"
import { MemoryBudget } from "../../src/pickle/memory-budget.ts"
import type { PickleValue } from "../../src/pickle/values.ts"
import { NOTHING_UNCLAIMED } from "../../src/torch/checkpoint-contents.ts"
import { ANY_FIELDS, StorageTable } from "../../src/torch/storage-table.ts"
import { TorchPolicy } from "../../src/torch/torch-policy.ts"
import { changePickle } from "../formats/change-pickle.ts"
import { pickleEnd } from "../formats/pickle-opcodes.ts"
import { describe } from "../formats/pickle-text.ts"
import { type FuzzTarget, outcomeOfSync, require } from "../target.ts"

const limits = DEFAULT_LIMITS
const WITHIN = "p"

export const target: FuzzTarget = {
  rooms: [
    "pickle/",
    "torch/torch-policy",
    "torch/rebuild",
    "torch/plain-data",
    "torch/storage-table",
    "torch/call-site",
    "checkpoint/walk-tensors",
  ],
  maxLength: 4096,
  mutate: changePickle,
  run: (bytes) => {
    const first = makeRun()
    const ran = outcomeOfSync(() =>
      atOnce(runPickleSteps(bytes, { within: WITHIN, limits, policy: first.policy, budget: { opcodes: 0 } })),
    )
    checkEnd(bytes)
    if (ran.error !== undefined) {
      if (ran.error.code === "pickle-memo") requireMemoFault(bytes)
      return ran.error.code
    }
    const { value, end } = ran.value
    checkEnds(bytes, end)
    const shown = describe(value)
    require(describe(keepingAll(bytes)) === shown, "a machine that keeps the whole memo gives another value")
    checkTightLimits(bytes, shown)
    return checkPlan(value, first, bytes.length)
  },
}

interface Run {
  readonly policy: TorchPolicy
  readonly storages: StorageTable
}

/** Where storages lie that nobody reads. */
const SOURCE = memorySource(new Uint8Array(0))

/** A policy for which every storage is there. */
function makeRun(within: Limits = limits): Run {
  const storages = new StorageTable(({ key, byteLength }) => {
    return {
      source: SOURCE,
      offset: 0,
      storedLength: byteLength,
      byteLength,
      coding: "stored",
      crc32: undefined,
      name: key,
    }
  })
  return {
    storages,
    policy: new TorchPolicy({ within: WITHIN, limits: within, storages, storageFields: ANY_FIELDS }),
  }
}

/** Whether the pickle is accepted or not: where its opcodes can be told apart, they end where CPython's table says. */
function checkEnd(bytes: Uint8Array): void {
  const found = outcomeOfSync(() => atOnce(findPickleEndSteps(bytes, 0, WITHIN, limits)))
  if (found.value === undefined) return
  require(found.value ===
    pickleEnd(bytes), `findPickleEnd says ${found.value}, CPython's table ${pickleEnd(bytes)}`)
}

/** Limits that a small pickle reaches change nothing but that they may be exceeded. */
function checkTightLimits(bytes: Uint8Array, shown: string): void {
  const tight = {
    ...limits,
    maxOpcodes: 60,
    maxMemoEntries: 6,
    maxIntegerBytes: 8,
    maxNesting: 3,
    maxRank: 2,
    maxNodes: 8,
  }
  const { policy } = makeRun(tight)
  const ran = outcomeOfSync(() =>
    atOnce(runPickleSteps(bytes, { within: WITHIN, limits: tight, policy, budget: { opcodes: 0 } })),
  )
  if (ran.error === undefined) require(describe(ran.value.value) === shown, "tight limits give another value")
  else require(ran.error.code === "limit-exceeded", `tight limits end in ${ran.error.code}`)
}

function checkEnds(bytes: Uint8Array, end: number): void {
  const decoder = new PickleDecoder(bytes, WITHIN, limits)
  while (decoder.next().name !== "STOP") require(decoder.position > decoder.at, "the decoder stands still")
  require(decoder.position === end, `the decoder ends at ${decoder.position}, the machine at ${end}`)
  const found = atOnce(findPickleEndSteps(bytes, 0, WITHIN, limits))
  require(found === end, `findPickleEnd says ${found}, the machine ends at ${end}`)
  const other = pickleEnd(bytes)
  require(other === end, `by CPython's table it ends at ${other}, the machine ends at ${end}`)
}

/** As the machine does it, but with every memo entry kept. */
function keepingAll(bytes: Uint8Array): PickleValue {
  const state = new MachineState(new PickleDecoder(bytes, WITHIN, limits), makeRun().policy, limits, {
    memo: new Memo(undefined),
    memory: MemoryBudget.of(limits, bytes.length),
  })
  for (;;) {
    const { code, name } = state.decoder.next()
    if (name === "STOP") return state.finish()
    const handle = HANDLERS[code]
    require(handle !== undefined, `${name} is accepted and has no handler`)
    handle(state)
  }
}

function requireMemoFault(bytes: Uint8Array): void {
  const other = outcomeOfSync(() => keepingAll(bytes))
  require(other.error?.code ===
    "pickle-memo", `a memo entry is missing that another machine has: ${other.error?.code}`)
}

function checkPlan(value: PickleValue, { policy, storages }: Run, inputByteLength: number): string {
  const named = outcomeOfSync(() => {
    const census = takeCensus(value, limits)
    if (isContainer(value)) atOnce(nameTensorsSteps(value, census, limits))
    return toPlainValue(value, limits)
  })
  if (named.error !== undefined) return `value, ${named.error.code}`
  const contents = {
    layout: "legacy",
    value,
    storages: storages.storages(),
    unclaimed: NOTHING_UNCLAIMED,
    checksums: "none",
    globals: [...policy.globals],
    memory: MemoryBudget.of(limits, inputByteLength),
  } as const
  const sources = [{ name: "pickle", source: SOURCE }]
  const planned = outcomeOfSync(
    () => atOnce(planConversionSteps(contents, sources, {}, { limits, inputByteLength })).plan,
  )
  if (planned.error !== undefined) return `named, ${planned.error.code}`
  let at = 0
  for (const segment of planned.value.segments) {
    require(segment.start === at &&
      segment.length > 0, `a segment at ${segment.start} of ${segment.length} bytes, not at ${at}`)
    at += segment.length
  }
  require(at === planned.value.byteLength, `segments of ${at} bytes for ${planned.value.byteLength}`)
  return "planned"
}
