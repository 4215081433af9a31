/** Bundles a target twice, with counters and with comparisons that tell their values. */

import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { build, type Plugin } from "esbuild"
import { type Edge, type Instrumentation, instrument } from "./instrument.ts"

/** Where a target's bundles lie, and what its counters count. */
export interface BuiltTarget {
  readonly name: string
  readonly coverage: string
  readonly comparisons: string
  readonly edges: readonly Edge[]
}

/** Folders of the fuzzer: its own, which git has, and the one for what it makes. */
export interface Folders {
  readonly fuzz: string
  readonly work: string
}

export async function buildTarget(name: string, folders: Folders): Promise<BuiltTarget> {
  const edges: Edge[] = []
  const coverage = await bundle(name, "coverage", folders, edges)
  const comparisons = await bundle(name, "comparisons", folders, [])
  await mkdir(join(folders.work, "build"), { recursive: true })
  await writeFile(join(folders.work, "build", `${name}-edges.json`), JSON.stringify(edges))
  return { name, coverage, comparisons, edges }
}

async function bundle(name: string, what: Instrumentation, folders: Folders, edges: Edge[]): Promise<string> {
  const outfile = join(folders.work, "build", `${name}-${what}.mjs`)
  await build({
    entryPoints: [join(folders.fuzz, "targets", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    plugins: [instrumenting(what, join(folders.fuzz, ".."), edges)],
  })
  return outfile
}

/** Rewrites the library, and nothing else. */
function instrumenting(what: Instrumentation, root: string, edges: Edge[]): Plugin {
  return {
    name: "instrument",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const file = relative(root, path).split(sep).join("/")
        return { contents: instrument(file, await readFile(path, "utf8"), what, edges), loader: "ts" }
      })
    },
  }
}
