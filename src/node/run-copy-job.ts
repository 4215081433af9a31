/** Carries out a job here and now. */

import type { CopyAnswer, CopyJob } from "./copy-job.ts"
import { copyRanges } from "./copy-ranges.ts"
import { gatherBlock } from "./gather-block.ts"

export function runCopyJob(job: CopyJob): CopyAnswer {
  return job.kind === "gather" ? gatherBlock(job) : copyRanges(job)
}
