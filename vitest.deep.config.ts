import { mergeConfig } from "vitest/config"
import quick from "./vitest.config.ts"

/**
 * `npm run test:deep`: every case of every kind, and each file in a process of its own, so that none leans on another. It
 * takes long enough to use all processors.
 */
export default mergeConfig(quick, {
  test: { env: { TEST_DEPTH: "deep" }, isolate: true, maxWorkers: "100%" },
})
