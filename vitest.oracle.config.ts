import { defineConfig } from "vitest/config"

/** The tests that need what scripts/oracle.sh has made. */
export default defineConfig({
  test: { include: ["test/oracle/**/*.test.ts"], testTimeout: 60_000 },
})
