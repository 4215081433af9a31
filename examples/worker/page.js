/** Has a worker convert the file that is picked, and offers the result for saving. */

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" })
const waiting = new Map()
let calls = 0

worker.addEventListener("message", ({ data: { id, refused, ...converted } }) => {
  const { resolve, reject } = waiting.get(id)
  waiting.delete(id)
  if (refused === undefined) resolve(converted)
  else reject(Object.assign(new Error(refused.message), refused))
})

/** `{ blob, report }`, or an error with a `code`. */
function convert(file, options = {}) {
  const id = calls++
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    worker.postMessage({ id, file, options })
  })
}

const picked = document.querySelector("input")
const status = document.querySelector("output")
picked.addEventListener("change", async () => {
  const [file] = picked.files
  if (file === undefined) return
  status.textContent = `Converting ${file.name}…`
  try {
    const { blob, report } = await convert(file)
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = file.name.replace(/\.[^.]*$/, ".safetensors")
    link.textContent = `Save ${link.download} (${report.tensorCount} tensors, ${blob.size} bytes)`
    status.replaceChildren(link)
  } catch (error) {
    status.textContent = `${error.message} (${error.code})`
  }
})
