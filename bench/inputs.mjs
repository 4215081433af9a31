/** The benchmark's checkpoints: what they are called, which of them a quick run leaves out, and where they come from. */

import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("..", import.meta.url))
export const folder = join(root, ".bench")
export const python = join(root, ".oracle/venv/bin/python")

/**
 * One a row, in the order of the table. `file` is also what make_inputs.py knows it by; `large` ones are left out of a
 * quick run, since they take gigabytes of disk or minutes to make and to measure.
 */
export const SHAPES = [
  { file: "transformer-20MB.pt", title: "bf16 transformer, 20 MB" },
  { file: "transformer-2.3GB.pt", title: "bf16 transformer, 2.5 GB", large: true, unchecked: true },
  { file: "medium-1GB.pt", title: "bf16 encoder, 1 GB, 2,880 tensors", large: true },
  { file: "tiny-20000.pt", title: "20,000 tensors of 52 bytes" },
  { file: "tiny-200000.pt", title: "200,000 tensors of 52 bytes", large: true },
  { file: "transposed-200MB.pt", title: "transposed float32, 200 MB" },
  { file: "strided-1GB.pt", title: "permuted and sliced float32, 1 GB", large: true },
  { file: "legacy-200MB.pt", title: "legacy layout, 200 MB" },
  { file: "legacy-2GB.pt", title: "legacy layout, 2 GB", large: true },
  { file: "deflated-200MB.pt", title: "deflated float32 noise, 200 MB" },
]

/** Converted in memory, in no process of its own. */
export const IN_MEMORY = "transformer-100MB.pt"
/** Opened again and again. */
export const MANY_TENSORS = "tiny-20000.pt"
/** Takes next to no room itself; what it is converted to takes all of it. */
export const SPARSE = "sparse-12GB.pt"

/** Where an input lies. */
export const pathOf = (file) => join(folder, file)

/** Makes those that are not there yet. */
export function makeInputs(files) {
  mkdirSync(folder, { recursive: true })
  const missing = files.filter((file) => !existsSync(pathOf(file)))
  if (missing.length === 0) return
  console.log(`bench: making ${missing.join(", ")}`)
  const { status } = spawnSync(python, [join(root, "bench/make_inputs.py"), folder, ...missing], {
    stdio: "inherit",
  })
  if (status !== 0) throw new Error(`make_inputs.py ended with ${status}`)
}
