/** A folder as a store: the files below the folder in which the file lies that was asked for. */

import { readdir, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { isNameBelow, openingStore, type SourceStore } from "../bytes/source-store.ts"
import { openFileSource } from "./file-source.ts"
import { systemCode } from "./system-errors.ts"

/** What the system says of a name that nothing has, or nothing can have. */
const ABSENT: readonly (string | undefined)[] = ["ENOENT", "ENOTDIR", "ENAMETOOLONG"]

/**
 * The folder of `path`. Names in files lead nowhere but below it. Symbolic links in it are followed: they are the doing of
 * whoever owns the folder (the Hub's cache is made of them), and no file can make one.
 */
export function folderStore(path: string): SourceStore {
  const folder = dirname(path)
  const name = basename(path)
  const store = openingStore(name, async (each) => {
    if (each === name) return openFileSource(path)
    if (!isNameBelow(each) || (await isAbsent(join(folder, each)))) return undefined
    return openFileSource(join(folder, each))
  })
  // Of folders in it only the files can be opened, by their names.
  const names = async (): Promise<readonly string[]> =>
    (await readdir(folder, { withFileTypes: true }))
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  return { ...store, names }
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    return ABSENT.includes(systemCode(error))
  }
}
