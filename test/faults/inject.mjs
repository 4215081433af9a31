/**
 * Loaded into a process with `--import`, and so into its threads: makes one of its file operations fail, or ends the
 * process there. What to do stands in the environment:
 *
 * - `FAULT_AT`: the number of the operation, from 0, counted in the main thread; or
 * - `FAULT_THREAD_AT`: the same for readSync and writeSync, counted in each thread that copies, the main one too;
 * - `FAULT_OP`: counts only operations of this name;
 * - `FAULT`: a code such as EIO to fail with; a signal to send to itself; `zero` to do nothing and say so; `exit` to end
 *   the thread, `exit-at-start` to do so before it begins, `crash` to throw where nobody catches; `pause` to wait for
 *   ever; `truncate`, `grow`, `rewrite` or `make` the file `FAULT_FILE`;
 * - `FAULT_TRACE`: a descriptor to which each operation's name is written, a line each, before it is done.
 */

import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { isMainThread } from "node:worker_threads"

const { FAULT, FAULT_OP, FAULT_TRACE } = process.env
const moment = { async: Number(process.env.FAULT_AT ?? -1), sync: Number(process.env.FAULT_THREAD_AT ?? -1) }
const counts = { async: 0, sync: 0 }
/** What ends a thread is meant for those that copy beside the main one. That one waits for them to begin. */
const sparesMain = ["exit", "crash"].includes(FAULT) && process.env.FAULT_THREAD_AT !== undefined

const { appendFileSync, closeSync, openSync, truncateSync, writeFileSync, writeSync } = fs
const CHANGES = {
  truncate: (file) => truncateSync(file, 1000),
  grow: (file) => appendFileSync(file, "more"),
  rewrite: (file) => {
    const fd = openSync(file, "r+")
    writeSync(fd, new Uint8Array(1000), 0, 1000, 10_000_000)
    closeSync(fd)
  },
  make: (file) => writeFileSync(file, "precious"),
}

if (!isMainThread && FAULT === "exit-at-start") process.exit(9)

// A process that nobody expects to fail must not do so in ways that nobody sees.
if (isMainThread) {
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (error) => {
      writeSync(2, `UNHANDLED ${event}: ${error?.stack ?? error}\n`)
      process.exit(99)
    })
  }
}

/** Undefined where nothing is to happen; otherwise what to answer, or it throws. */
function strike(op) {
  const kind = op.endsWith("Sync") ? "sync" : "async"
  if (FAULT_TRACE !== undefined && kind === "async") writeSync(Number(FAULT_TRACE), `${op}\n`)
  if (FAULT_OP !== undefined && FAULT_OP !== op) return undefined
  if (isMainThread && sparesMain) {
    if (kind === "sync") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    return undefined
  }
  if (counts[kind]++ !== moment[kind]) return undefined
  if (FAULT === "zero") return { zero: true }
  if (FAULT === "pause") return { pause: true }
  if (FAULT === "exit") process.exit(9)
  if (FAULT === "crash") {
    setImmediate(() => {
      throw new Error("told to crash")
    })
    return undefined
  }
  if (FAULT in CHANGES) {
    CHANGES[FAULT](process.env.FAULT_FILE)
    return undefined
  }
  if (FAULT.startsWith("SIG")) {
    process.kill(process.pid, FAULT)
    return undefined
  }
  throw Object.assign(new Error(`${FAULT}: told to fail, ${op}`), { code: FAULT, syscall: op })
}

function wrap(object, name, op, zero) {
  const original = object[name]
  object[name] = function (...args) {
    let found
    try {
      found = strike(op)
    } catch (error) {
      if (name.endsWith("Sync")) throw error
      return Promise.reject(error)
    }
    if (found?.pause) {
      setInterval(() => {}, 1000)
      return new Promise(() => {})
    }
    if (found?.zero) return zero
    const result = original.apply(this, args)
    if (op !== "open") return result
    return result.then((opened) => {
      // Every handle has its own.
      wrap(opened, "close", "close", Promise.resolve())
      return opened
    })
  }
}

if (isMainThread) {
  const handle = await fs.promises.open(process.execPath)
  const prototype = Object.getPrototypeOf(handle)
  await handle.close()
  for (const op of ["read", "write", "stat", "appendFile"]) {
    const zero = Promise.resolve(op === "write" ? { bytesWritten: 0 } : { bytesRead: 0 })
    wrap(prototype, op, op, zero)
  }
  for (const op of ["open", "link", "rename", "rm", "lstat", "statfs", "mkdtemp"]) {
    wrap(fs.promises, op, op, Promise.resolve())
  }
}
for (const op of ["readSync", "writeSync"]) wrap(fs, op, op, 0)
syncBuiltinESMExports()
