/**
 * A thread that copies from one file to another, as it is or by elements, and takes the CRC-32 on the way.
 *
 * Files are handed over as descriptors, which all threads of a process share. Reading, checking and writing in one
 * thread without going through the event loop is what lets two of them keep two cores busy.
 */

import { parentPort } from "node:worker_threads"
import { type CopyJob, runCopyJob } from "./copy-job.ts"

parentPort?.on("message", (job: CopyJob) => parentPort?.postMessage(runCopyJob(job)))
