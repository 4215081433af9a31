/** The worker of one file: opens it, answers the page, and is ended with it. */

import type { Checkpoint, ConversionPlan } from "tosafetensors"
import { openCheckpoint, scan } from "tosafetensors"
import { listNothing, listPlanned, listTensors } from "./list-tensors.ts"
import { measureTensor } from "./measure-tensor.ts"
import { planOptions, previewOf, RenameLog, rootCandidates } from "./plan-selection.ts"
import type {
  Exchanges,
  FromWorker,
  OpenedCheckpoint,
  Preview,
  Refusal,
  ToWorker,
  Verb,
  WorkProgress,
} from "./protocol.ts"
import { refusalOf } from "./refusal.ts"
import { saveCheckpoint } from "./save-checkpoint.ts"

/** Messages of progress in a second, at most. */
const MESSAGES_PER_SECOND = 20

interface Work {
  readonly signal: AbortSignal
  readonly onProgress: (progress: WorkProgress) => void
}

type Answering = {
  readonly [V in Verb]: (given: Exchanges[V]["ask"], work: Work) => Promise<Exchanges[V]["answer"]>
}

let opened: { readonly file: File; readonly checkpoint: Checkpoint } | undefined

function current(): { readonly file: File; readonly checkpoint: Checkpoint } {
  if (opened === undefined) throw new Error("no checkpoint is open")
  return opened
}

const ANSWERING: Answering = {
  async open({ file }, { signal }) {
    const checkpoint = await openCheckpoint(file, { signal })
    opened = { file, checkpoint }
    return summaryOf(checkpoint)
  },
  scan: ({ file }, { signal }) => scan(file, { signal }),
  async describe({ name }) {
    const info = current().checkpoint.tensors.get(name)
    return info ?? { kind: "unsupported-tensor", reason: "not in the list of tensors" }
  },
  measure: ({ name }, work) => measureTensor(name, { ...current(), ...work }),
  async preview({ selection }) {
    const log = new RenameLog()
    const { report } = current().checkpoint.plan(planOptions(selection, log))
    return previewOf(report, log)
  },
  save: ({ selection, handle }, work) => saveCheckpoint(current().file, selection, handle, work),
}

function summaryOf(checkpoint: Checkpoint): OpenedCheckpoint {
  const planned = attempt(() => checkpoint.plan())
  const plan = "refusal" in planned ? undefined : planned.value
  const preview: Preview | Refusal =
    "refusal" in planned ? planned.refusal : previewOf(planned.value.report, new RenameLog())
  const listed = attempt(() => listTensors(checkpoint, plan))
  return {
    layout: checkpoint.format,
    byteLength: checkpoint.byteLength,
    columns: "refusal" in listed ? whatIsPlanned(plan) : listed.value,
    listingProblem: "refusal" in listed ? listed.refusal : undefined,
    candidates: rootCandidates(checkpoint),
    preview,
  }
}

const whatIsPlanned = (plan: ConversionPlan | undefined) =>
  plan === undefined ? listNothing() : listPlanned(plan)

function attempt<Value>(work: () => Value): { readonly value: Value } | { readonly refusal: Refusal } {
  try {
    return { value: work() }
  } catch (error) {
    return { refusal: refusalOf(error) }
  }
}

const underWay = new Map<number, AbortController>()

const post = (message: FromWorker): void => self.postMessage(message)

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "cancel") underWay.get(data.id)?.abort(new DOMException("cancelled", "AbortError"))
  else void answer(data.id, data.verb, data.given)
})

async function answer<V extends Verb>(id: number, verb: V, given: Exchanges[V]["ask"]): Promise<void> {
  const stopping = new AbortController()
  underWay.set(id, stopping)
  let last = 0
  const onProgress = (progress: WorkProgress): void => {
    const now = performance.now()
    if (now - last < 1000 / MESSAGES_PER_SECOND && progress.done < progress.total) return
    last = now
    post({ kind: "progress", id, progress })
  }
  try {
    post({
      kind: "answer",
      id,
      answer: await ANSWERING[verb](given, { signal: stopping.signal, onProgress }),
    })
  } catch (error) {
    if (stopping.signal.aborted) post({ kind: "cancelled", id })
    else post({ kind: "refusal", id, refusal: refusalOf(error) })
  } finally {
    underWay.delete(id)
  }
}
