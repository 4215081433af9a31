/** The worker of one file: opens it, answers the page, and is ended with it. */

import type { Checkpoint } from "tosafetensors"
import { openCheckpoint, scan } from "tosafetensors"
import { describeTensor, measureOfCheckpoint, summaryOf } from "./opened-checkpoint.ts"
import type { SafetensorsFile } from "./opened-safetensors.ts"
import { describeStored, measureStored, openSafetensors } from "./opened-safetensors.ts"
import { planOptions, previewOf, RenameLog } from "./plan-selection.ts"
import type { Exchanges, FromWorker, ToWorker, Verb, WorkProgress } from "./protocol.ts"
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

/** The file that is open, and what it turned out to be. */
let checkpoint: Checkpoint | undefined
let stored: SafetensorsFile | undefined

function current(): Checkpoint {
  if (checkpoint === undefined) throw new Error("no checkpoint is open")
  return checkpoint
}

const ANSWERING: Answering = {
  async open({ file }, { signal }) {
    try {
      checkpoint = await openCheckpoint(file, { signal })
    } catch (error) {
      stored = await openSafetensors(file, error, signal)
      if (stored === undefined) throw error
      return stored.summary
    }
    return summaryOf(checkpoint)
  },
  scan: ({ file }, { signal }) => scan(file, { signal }),
  async describe({ name }) {
    return stored === undefined ? describeTensor(current(), name) : describeStored(stored, name)
  },
  measure: ({ name }, work) =>
    stored === undefined ? measureOfCheckpoint(current(), name, work) : measureStored(stored, name, work),
  async preview({ selection }) {
    const log = new RenameLog()
    const { report } = current().plan(planOptions(selection, log))
    return previewOf(report, log)
  },
  async written({ selection }) {
    const { tensors } = current().plan(planOptions(selection, new RenameLog())).report
    const tensorBytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)
    return { names: tensors.map(({ name }) => name), tensorBytes }
  },
  save: ({ file, selection, handle }, work) => saveCheckpoint(file, selection, handle, work),
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
