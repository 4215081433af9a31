/** How much the page and its worker hold at most: objects, what the browser holds for them, and the bytes of arrays. */

/** Between two looks. Milliseconds. */
const INTERVAL = 50

export class WorkerHeap {
  most = { worker: 0, page: 0 }
  #session
  #targets = new Set()
  #waiting = new Map()
  #lastId = 0

  static async of(page) {
    const heap = new WorkerHeap()
    const session = await page.context().newCDPSession(page)
    heap.#session = session
    session.on("Target.attachedToTarget", ({ sessionId }) => heap.#targets.add(sessionId))
    session.on("Target.detachedFromTarget", ({ sessionId }) => heap.#targets.delete(sessionId))
    session.on("Target.receivedMessageFromTarget", ({ message }) => heap.#hear(JSON.parse(message)))
    await session.send("Target.setAutoAttach", {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: false,
    })
    return heap
  }

  /** Looks again and again until `work` is done, and gives what it gives. */
  async watchUntil(work) {
    let done = false
    const end = () => {
      done = true
    }
    work.then(end, end)
    let looks = 0
    while (!done) {
      await this.#look()
      looks += 1
      await new Promise((resolve) => setTimeout(resolve, INTERVAL))
    }
    if (looks === 0 || this.most.worker === 0) throw new Error("the heap of the worker was never seen")
    return work
  }

  async #look() {
    this.most.page = Math.max(this.most.page, sumOf(await this.#session.send("Runtime.getHeapUsage")))
    for (const target of this.#targets) {
      this.most.worker = Math.max(this.most.worker, sumOf(await this.#ask(target)))
    }
  }

  #ask(sessionId) {
    const id = ++this.#lastId
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve))
    const message = JSON.stringify({ id, method: "Runtime.getHeapUsage" })
    return this.#session.send("Target.sendMessageToTarget", { sessionId, message }).then(() => answer)
  }

  #hear({ id, result }) {
    this.#waiting.get(id)?.(result)
    this.#waiting.delete(id)
  }
}

function sumOf({ usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 }) {
  return usedSize + embedderHeapUsedSize + backingStorageSize
}
