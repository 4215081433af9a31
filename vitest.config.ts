import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** No test waits for so long: the limit is for those that hang, on a machine that has much else to do. */
const LONGEST_MS = 300_000

/** `npm test`: each kind of case, in samples. `vitest.deep.config.ts` tries all there is. */
export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { tosafetensors: fileURLToPath(new URL("src/node/index.ts", import.meta.url)) } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/oracle/**"],
    testTimeout: LONGEST_MS,
    hookTimeout: LONGEST_MS,
    // A line for each file is enough: for each test only where it is far slower than the others.
    slowTestThreshold: 20_000,
    expect: { poll: { timeout: LONGEST_MS } },
    // Files share what they import, which saves 0.7 s of processor time for each of them.
    isolate: false,
    setupFiles: ["test/each-file.ts"],
  },
})
