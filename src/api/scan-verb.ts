/** The audit of a file, on any platform. */

import { scanFile } from "../audit/scan-file.ts"
import type { ScanReport } from "../audit/scan-report.ts"
import { storeOfOne } from "../bytes/source-store.ts"
import { turned } from "../bytes/turns.ts"
import { withLimits } from "../limits/limits.ts"
import { requireOptions } from "./check-options.ts"
import { nameOf } from "./input-name.ts"
import type { ScanOptions } from "./options.ts"
import type { Platform } from "./platform.ts"
import { unchanged } from "./safetensors-verbs.ts"

/** Scans `input`. */
export async function scanInput<Input>(
  platform: Platform<Input, never>,
  input: Input,
  options: ScanOptions,
): Promise<ScanReport> {
  requireOptions(options)
  const { signal, byteOrder } = options
  signal?.throwIfAborted()
  const { source, close } = await platform.openInput(input, options)
  const reading = {
    limits: withLimits(options.limits),
    crc32: platform.crc32,
    inflate: platform.inflate,
    signal,
    byteOrder,
  }
  const { name = nameOf(input) } = options
  return await unchanged(
    source,
    turned(signal, () => scanFile(storeOfOne(source, name), reading)),
    options,
  ).finally(close)
}
