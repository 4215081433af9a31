import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** The tests that need what scripts/oracle.sh has made. */
export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { tosafetensors: fileURLToPath(new URL("src/node/index.ts", import.meta.url)) } },
  test: { include: ["test/oracle/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 },
})
