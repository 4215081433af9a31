import { basename } from "node:path"
import { defineConfig, type Options } from "tsup"

const shared: Options = { target: "es2022", splitting: true, treeshake: true }

/** What runs under Node, Deno and Bun only. */
const node: Options = { ...shared, platform: "node", tsconfig: "tsconfig.node.json" }

/** Modules that the universal build loads when a file turns out to need them. */
const LOADED_LATER = [
  "src/audit/known-dangers.ts",
  "src/bytes/pako-inflate.ts",
  "src/http/url-source.ts",
  "src/http/url-store.ts",
  "src/layouts/other/describe-file.ts",
  "src/layouts/other/other-contents.ts",
  "src/opfs/spill-file.ts",
  "src/safetensors/read-header.ts",
  "src/tensors/typed-arrays.ts",
]

/**
 * Leaves an `import()` of one of these as it is. What an `import()` shares with other code becomes a file that users'
 * bundlers have every page fetch at once, so each of them brings its own copy of the little that it shares.
 */
const standAlone: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "stand-alone",
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `./${basename(path, ".ts")}.js`, external: true } : undefined,
    )
  },
}

const universal: Options = {
  ...shared,
  platform: "neutral",
  splitting: false,
  esbuildPlugins: [standAlone],
}

function namedByFile(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(paths.map((path) => [basename(path, ".ts"), path]))
}

export default defineConfig([
  { ...universal, entry: { index: "src/index.ts" }, format: ["esm", "cjs"] },
  // CommonJS loads these by `import()` too.
  { ...universal, entry: namedByFile(LOADED_LATER), format: ["esm"] },
  // `shims` gives the CommonJS build an import.meta.url, which finds the thread's file.
  {
    ...node,
    entry: { node: "src/node/index.ts" },
    format: ["esm", "cjs"],
    shims: true,
    // The types of both entries from one program, which takes half of the time.
    dts: {
      entry: { index: "src/index.ts", node: "src/node/index.ts" },
      compilerOptions: { noCheck: true },
    },
  },
  {
    ...node,
    entry: { "copy-worker": "src/node/copy-worker.ts", "digest-worker": "src/node/digest-worker.ts" },
    format: ["esm"],
    // Each stands alone: there is nothing to wait for but one file.
    splitting: false,
  },
  {
    ...node,
    entry: { cli: "src/cli/main.ts" },
    format: ["esm"],
    // Every run of the command parses it.
    minify: true,
    // An isolated process may read one folder: this one.
    noExternal: [/.*/],
  },
])
