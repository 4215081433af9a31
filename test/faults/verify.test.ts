/** A file that changes while it is verified: nothing may be said of it but that. */

import { appendFileSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { toSafetensorsBytes } from "../../src/node/index.ts"
import { run } from "../cli/run.ts"
import { places } from "../depth.ts"
import { largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { interceptFiles } from "./file-operations.ts"

const newFolder = temporaryFolders()
const INPUT = largeCheckpoint(2)
const OUTPUT = (await toSafetensorsBytes(INPUT)).bytes

const CHANGES: readonly (readonly [string, (file: string) => void])[] = [
  ["truncated", (file) => truncateSync(file, 500_000)],
  ["longer", (file) => appendFileSync(file, "more")],
  ["rewritten", (file) => writeFileSync(file, readFileSync(file), { flag: "r+" })],
]

it.each(CHANGES)(
  "a file that is %s while it is verified is an error, whenever that is",
  async (_, change) => {
    const argv = (folder: string): string[] => ["verify", join(folder, "out"), join(folder, "in")]
    const place = (): string => {
      const folder = newFolder()
      for (const [name, bytes] of [
        ["in", INPUT],
        ["out", OUTPUT],
      ] as const) {
        writeFileSync(join(folder, name), bytes)
        utimesSync(join(folder, name), 1_000_000_000, 1_000_000_000)
      }
      return folder
    }
    const operations: string[] = []
    const count = await interceptFiles((operation) => void operations.push(operation))
    expect((await run(argv(place()))).code).toBe(0)
    count()
    // The last look at both files is what the answer rests on.
    const last = operations.lastIndexOf("stat")
    for (const changed of ["in", "out"]) {
      // The checkpoint is opened after the file.
      const first = operations.indexOf("stat", changed === "in" ? operations.indexOf("open", 1) : 0)
      for (const later of places(last - first, 4)) {
        const at = first + 1 + later
        const folder = place()
        let operation = 0
        const restore = await interceptFiles(() => {
          if (operation++ === at) change(join(folder, changed))
          return undefined
        })
        const { code, stderr, stdout } = await run(argv(folder))
        restore()
        const context = `${changed} at ${operations[at]}, number ${at}: ${stdout}${stderr}`
        // The checkpoint is not looked at any more once its bytes are compared.
        if (changed === "in" && at > operations.lastIndexOf("stat", last - 1)) continue
        expect(code, context).toBe(3)
        expect(stderr, context).toContain("input-changed")
      }
    }
  },
)
