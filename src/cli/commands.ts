/** All that a command needs, in one module: loading three files of it takes longer than loading one. */

export { runConvert as convert } from "./convert.ts"
export { reportFailure } from "./failure.ts"
export { runInspect as inspect } from "./inspect.ts"
export { runIsolated } from "./isolate.ts"
export { runScan as scan } from "./scan.ts"
export { runVerify as verify } from "./verify.ts"
