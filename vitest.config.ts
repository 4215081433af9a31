import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { tosafetensors: fileURLToPath(new URL("src/node/index.ts", import.meta.url)) } },
  test: { include: ["test/**/*.test.ts"], exclude: ["test/oracle/**"], testTimeout: 30_000 },
})
