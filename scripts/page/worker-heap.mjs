/** How much the page and its worker hold at most while something goes on. */

/** Between two looks. Milliseconds. */
const INTERVAL = 100

/** Every so many looks what can be collected is, so that what is left is what is held. */
const LOOKS_UNTIL_COLLECTED = 10

export class WorkerHeap {
  /** Bytes. `objects` of scripts; `held` with arrays after a collection; `uncollected` with arrays before one. */
  most = { objects: 0, held: 0, uncollected: 0 }
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
    for (let look = 0; !done; look++) {
      await this.#look(look % LOOKS_UNTIL_COLLECTED === 0)
      await new Promise((resolve) => setTimeout(resolve, INTERVAL))
    }
    if (this.most.held === 0) throw new Error("the heap of the worker was never seen")
    return work
  }

  async #look(collect) {
    const page = (method) => this.#session.send(method)
    const worker = (method) => this.#askWorker(method)
    if (collect) {
      await page("HeapProfiler.collectGarbage")
      await worker("HeapProfiler.collectGarbage")
    }
    const usages = [await page("Runtime.getHeapUsage"), await worker("Runtime.getHeapUsage")]
    const objects = Math.max(...usages.map(({ usedSize }) => usedSize))
    const all = Math.max(...usages.map(sumOf))
    const which = collect ? "held" : "uncollected"
    this.most.objects = Math.max(this.most.objects, objects)
    this.most[which] = Math.max(this.most[which], all)
  }

  async #askWorker(method) {
    const [sessionId] = this.#targets
    if (sessionId === undefined) return { usedSize: 0 }
    const id = ++this.#lastId
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve))
    const message = JSON.stringify({ id, method })
    await this.#session.send("Target.sendMessageToTarget", { sessionId, message })
    return answer
  }

  #hear({ id, result }) {
    this.#waiting.get(id)?.(result)
    this.#waiting.delete(id)
  }
}

function sumOf({ usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 }) {
  return usedSize + embedderHeapUsedSize + backingStorageSize
}
