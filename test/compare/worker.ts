/** A process of scripts/compare-torch.mjs: compares the ranges that it is sent. */

import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeCheckpoint } from "./checkpoint.ts"
import { compareRange } from "./compare.ts"

interface Settings {
  readonly seed: number
  readonly python: string
  readonly script: string
  /** A folder that the files go to whose differences nothing explains. */
  readonly save?: string
}

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings

process.on("message", ([start, end]: [number, number]) => {
  const { seed, save } = settings
  compareRange({ seed, start, end }, settings).then(
    (comparison) => {
      for (const { index } of save === undefined ? [] : comparison.unexplained) {
        writeFileSync(join(save ?? "", `${seed}-${index}.pt`), makeCheckpoint(seed, index).bytes)
      }
      process.send?.(comparison)
    },
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
  )
})
