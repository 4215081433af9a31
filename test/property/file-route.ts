/** Conversions from file to file whose plan is carried out by the jobs that threads are given, at sizes of any kind. */

import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ConvertOptions } from "../../src/api/options.ts"
import { crc32 } from "../../src/bytes/crc32.ts"
import { runCopyJob } from "../../src/node/copy-job.ts"
import { FileCopier } from "../../src/node/file-copier.ts"
import { inheritedFile, openFileSource, writeAll } from "../../src/node/file-source.ts"
import { openCheckpoint } from "../../src/node/index.ts"
import type { TransferSizes } from "../../src/transfer/cut-segments.ts"
import { runPlan } from "../../src/transfer/run-plan.ts"
import type { DirectSink } from "../../src/transfer/transfer-plan.ts"
import { overSource } from "../transfer/plans.ts"

/** A folder, and how often each kind of job ran in it. */
export class FileRoute {
  readonly jobs = { ranges: 0, checks: 0, gather: 0 }
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(): Promise<FileRoute> {
    return new FileRoute(await mkdtemp(join(tmpdir(), "tosafetensors-route-")))
  }

  close(): void {
    rmSync(this.#folder, { recursive: true })
  }

  /** The output that `input` gives. */
  async convert(input: Uint8Array, options: ConvertOptions, sizes: TransferSizes): Promise<Uint8Array> {
    const [from, to] = [join(this.#folder, "input"), join(this.#folder, "output")]
    writeFileSync(from, input)
    const source = await openFileSource(from)
    const fd = openSync(to, "w+")
    try {
      const checkpoint = await openCheckpoint(source, options)
      await runPlan(overSource(checkpoint.plan(options), source), this.#sink(fd), { crc32, sizes })
      return readFileSync(to)
    } finally {
      closeSync(fd)
      await source.close()
    }
  }

  #sink(fd: number): DirectSink {
    const { jobs } = this
    const copier = new FileCopier(async (job) => {
      if (job.kind === "gather") jobs.gather += 1
      else if (job.position === undefined) jobs.checks += 1
      else jobs.ranges += 1
      return runCopyJob(job)
    })
    return {
      randomAccess: true,
      write: (position, bytes) => writeAll(inheritedFile(fd), position, bytes),
      close: async () => {},
      abort: async () => {},
      ...copier.takingOver(fd, (work) => work()),
    }
  }
}
