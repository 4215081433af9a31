/** The audit of a file, on any platform. */

import { scanFile } from "../audit/scan-file.ts"
import type { ScanReport } from "../audit/scan-report.ts"
import { turnIfDue } from "../bytes/turns.ts"
import { withLimits } from "../limits.ts"
import { requireOptions } from "./check-options.ts"
import type { OpenOptions } from "./options.ts"
import type { Platform } from "./platform.ts"
import { unchanged } from "./safetensors-verbs.ts"

/** Scans `input`. */
export async function scanInput<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: OpenOptions,
): Promise<ScanReport> {
  requireOptions(options)
  const { signal, byteOrder } = options
  signal?.throwIfAborted()
  await turnIfDue(signal)
  const { source, close } = await platform.openInput(input, options)
  const reading = {
    limits: withLimits(options.limits),
    crc32: platform.crc32,
    inflate: platform.inflate,
    signal,
    byteOrder,
  }
  return await unchanged(source, scanFile(source, reading), options).finally(close)
}
