/** Converts to a Blob in a page or its worker, and answers scripts/spill-in-chromium.mjs. Runs in both. */

import { isCheckpointError, toSafetensorsBlob } from "../../dist/index.js"

const FOLDER = "tosafetensors-spill"

/** What was converted last. */
let converted
let worker

/** `abortAt`: the share of the output at which it is aborted. */
async function convertHere(file, { abortAt, ...options } = {}) {
  const controller = new AbortController()
  let written = 0
  const onProgress = (progress) => {
    written = progress.written
    if (written >= abortAt * progress.total) controller.abort(new Error("enough"))
  }
  try {
    const { signal } = controller
    converted = await toSafetensorsBlob(file, { ...options, signal, onProgress })
    return { ...sizesOf(converted), blob: converted.blob, written }
  } catch (error) {
    const { message } = error
    return { written, refused: { message, code: isCheckpointError(error) ? error.code : undefined } }
  }
}

const sizesOf = ({ blob, spilledBytes }) => ({ size: blob.size, spilledBytes })

/** The worker's answer to `question`. */
function ask(question) {
  worker ??= new Worker(import.meta.url, { type: "module" })
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.postMessage(question)
  })
}

async function folder() {
  const root = await navigator.storage.getDirectory()
  return root.getDirectoryHandle(FOLDER, { create: true })
}

async function fileSizes() {
  const sizes = []
  for await (const handle of (await folder()).values()) sizes.push((await handle.getFile()).size)
  return sizes
}

if (typeof document === "undefined") {
  addEventListener("message", async ({ data: { file, options } }) => {
    if (file === undefined) postMessage(await converted.close())
    else postMessage(await convertHere(file, options))
  })
} else {
  let blob
  let closeLast
  Object.assign(globalThis, {
    async convert(place, options) {
      const [file] = document.querySelector("input").files
      const inWorker = place === "worker"
      const answer = await (inWorker ? ask({ file, options }) : convertHere(file, options))
      closeLast = inWorker ? () => ask({}) : () => converted.close()
      blob = answer.blob
      return { ...answer, blob: undefined }
    },
    async digests(length) {
      const found = []
      for (let at = 0; at < blob.size; at += length) {
        const digest = await crypto.subtle.digest("SHA-256", await blob.slice(at, at + length).arrayBuffer())
        found.push(Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join(""))
      }
      return found
    },
    async close() {
      await closeLast()
      return fileSizes()
    },
    endWorker: () => worker.terminate(),
    async removeFiles() {
      const inside = await folder()
      for await (const name of inside.keys()) await inside.removeEntry(name)
    },
    fileSizes,
  })
}
