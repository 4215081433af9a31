import { mergeConfig } from "vitest/config"
import quick from "./vitest.config.ts"

/** The longest test takes two minutes, and much more on a machine that has other things to do. */
const LONGEST_MS = 1_800_000

/**
 * `npm run test:deep`: every case of every kind, and each file in a process of its own, so that none leans on another. It
 * takes long enough to use all processors.
 */
export default mergeConfig(quick, {
  test: {
    env: { TEST_DEPTH: "deep" },
    isolate: true,
    maxWorkers: "100%",
    testTimeout: LONGEST_MS,
    hookTimeout: LONGEST_MS,
  },
})
