import { defineConfig, type Options } from "tsup"

const shared: Options = {
  target: "es2022",
  sourcemap: true,
  splitting: true,
  treeshake: true,
  clean: false,
}

export default defineConfig([
  { ...shared, entry: { index: "src/index.ts" }, format: ["esm", "cjs"], dts: true, platform: "neutral" },
  {
    ...shared,
    entry: { node: "src/node/index.ts" },
    format: ["esm", "cjs"],
    dts: true,
    platform: "node",
    tsconfig: "tsconfig.node.json",
  },
  {
    ...shared,
    entry: { cli: "src/cli/main.ts" },
    format: ["esm"],
    platform: "node",
    tsconfig: "tsconfig.node.json",
  },
])
