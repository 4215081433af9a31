/**
 * A thread that copies ranges from one file to another and takes their CRC-32 on the way.
 *
 * Files are handed over as descriptors, which all threads of a process share. Reading, checking and writing in one
 * thread without going through the event loop is what lets two of them keep two cores busy.
 */

import { parentPort } from "node:worker_threads"
import type { CopyJob } from "./copy-job.ts"
import { copyRanges } from "./copy-ranges.ts"

parentPort?.on("message", (job: CopyJob) => parentPort?.postMessage(copyRanges(job)))
