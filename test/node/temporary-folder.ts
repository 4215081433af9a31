/** A folder for one test file, which is gone afterwards. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

/** Gives a new, empty folder each time it is called. */
export function temporaryFolders(): () => string {
  const root = mkdtempSync(join(tmpdir(), "tosafetensors-test-"))
  let count = 0
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  return () => {
    const folder = join(root, String(count++))
    mkdirSync(folder)
    return folder
  }
}
