import { defineConfig, type Options } from "tsup"

const shared: Options = { target: "es2022", sourcemap: true, splitting: true, treeshake: true }

/** What runs under Node, Deno and Bun only. */
const node: Options = { ...shared, platform: "node", tsconfig: "tsconfig.node.json" }

export default defineConfig([
  { ...shared, entry: { index: "src/index.ts" }, format: ["esm", "cjs"], dts: true, platform: "neutral" },
  // `shims` gives the CommonJS build an import.meta.url, which finds the thread's file.
  { ...node, entry: { node: "src/node/index.ts" }, format: ["esm", "cjs"], dts: true, shims: true },
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
