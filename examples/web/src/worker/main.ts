/** The worker of one file: opens it, answers the page, and is ended with it. */

import type { Checkpoint } from "tosafetensors"
import { checkSafetensors, open, scan } from "tosafetensors"
import { measureTensor } from "./measure-tensor.ts"
import { type AnyFile, describeTensor, summaryOfCheckpoint, summaryOfStored } from "./opened-file.ts"
import { planOptions, previewOf, RenameLog } from "./plan-selection.ts"
import type { Exchanges, FromWorker, ToWorker, Verb, Work, WorkProgress } from "./protocol.ts"
import { refusalOf } from "./refusal.ts"
import { saveCheckpoint } from "./save-checkpoint.ts"

/** Messages of progress in a second, at most. */
const MESSAGES_PER_SECOND = 20

type Answering = {
  readonly [V in Verb]: (given: Exchanges[V]["ask"], work: Work) => Promise<Exchanges[V]["answer"]>
}

let opened: AnyFile | undefined

function current(): AnyFile {
  if (opened === undefined) throw new Error("no file is open")
  return opened
}

function checkpoint(): Checkpoint {
  const file = current()
  if (file.format === "safetensors") throw new Error("there is nothing to convert")
  return file
}

const ANSWERING: Answering = {
  async open({ file }, { signal }) {
    opened = await open(file, { signal })
    if (opened.format !== "safetensors") return summaryOfCheckpoint(opened)
    return summaryOfStored(opened, (await checkSafetensors(file, { signal })).findings)
  },
  scan: ({ file }, { signal }) => scan(file, { signal }),
  async describe({ name }) {
    return describeTensor(current(), name)
  },
  measure: ({ name }, work) => measureTensor(current(), name, work),
  async preview({ selection }) {
    const log = new RenameLog()
    const { report } = checkpoint().plan(planOptions(selection, log))
    return previewOf(report, log)
  },
  async written({ selection }) {
    const { tensors } = checkpoint().plan(planOptions(selection, new RenameLog())).report
    const tensorBytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)
    return { names: tensors.map(({ name }) => name), tensorBytes }
  },
  save: ({ selection, handle }, work) => saveCheckpoint(checkpoint(), selection, handle, work),
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
