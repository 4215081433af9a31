/** Stands between this process and its files: counts what is done with them, and lets a test step in. */

import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

/** Called before each operation. It may throw, which is how the operation fails, or answer in its place. */
export type Strike = (operation: string) => { readonly answer: unknown } | undefined

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>

const OF_HANDLES = ["read", "write", "stat", "appendFile"]
const OF_FOLDERS = ["open", "link", "rename", "rm", "lstat", "statfs", "mkdtemp"]

/** Until the returned function is called, `strike` comes before each operation. */
export async function interceptFiles(strike: Strike): Promise<() => void> {
  const handle = await fs.promises.open(process.execPath)
  const prototype: unknown = Object.getPrototypeOf(handle)
  await handle.close()
  const undo: (() => void)[] = []
  const watchClose = (opened: unknown): unknown => {
    // Every handle has its own.
    wrap(opened as Record<string, Method>, "close")
    return opened
  }
  const wrap = (object: Record<string, Method>, name: string): void => {
    const original = object[name] as Method
    object[name] = async function (...args) {
      // A close that fails has closed all the same.
      if (name === "close") await original.apply(this, args)
      const found = strike(name)
      if (name === "close") return undefined
      if (found !== undefined) return found.answer
      const result = await original.apply(this, args)
      return name === "open" ? watchClose(result) : result
    }
    undo.push(() => {
      object[name] = original
    })
  }
  for (const name of OF_HANDLES) wrap(prototype as Record<string, Method>, name)
  for (const name of OF_FOLDERS) wrap(fs.promises as unknown as Record<string, Method>, name)
  syncBuiltinESMExports()
  return () => {
    for (const each of undo) each()
    syncBuiltinESMExports()
  }
}

/** A system error of this code. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: told to fail`), { code })
}
