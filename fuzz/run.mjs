/**
 * Coverage-guided fuzzing: `npm run fuzz -- --target zip --seconds 600`. CONTRIBUTING.md says how to use it.
 *
 * The fuzzer is TypeScript, so it is bundled first; everything that it makes lies in `.fuzz/`, outside git.
 */

import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

const fuzz = dirname(fileURLToPath(import.meta.url))
const work = join(fuzz, "..", ".fuzz")

await build({
  entryPoints: { command: join(fuzz, "engine/command.ts"), worker: join(fuzz, "engine/worker.ts") },
  outdir: join(work, "build"),
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  chunkNames: "chunk-[hash]",
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
})
const { runCommand } = await import(pathToFileURL(join(work, "build/command.mjs")).href)
process.exitCode = await runCommand(process.argv.slice(2), { fuzz, work })
