/**
 * Temporary files and folders that must not outlive the process. Whoever makes one removes it; this is for a process
 * that ends first: `process.exit` in the caller's code, an exception that nobody catches, a second Ctrl-C.
 */

import { rmSync } from "node:fs"
import { resolve } from "node:path"

/** Of this process, which is what ends. As they were given, and as they are found from any working folder. */
const paths = new Map<string, string>()

/** Has `path` removed if the process ends before `forgetTemporary` is called. */
export function rememberTemporary(path: string): void {
  if (paths.size === 0) process.on("exit", removeAll)
  paths.set(path, resolve(path))
}

/** `path` has been removed, or got its final name. */
export function forgetTemporary(path: string): void {
  paths.delete(path)
  if (paths.size === 0) process.off("exit", removeAll)
}

function removeAll(): void {
  for (const path of paths.values()) {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch {
      // The process ends, and there is nobody left to tell.
    }
  }
}
