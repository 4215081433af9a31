/** The audit of a file, on any platform. */

import { scanFile } from "../audit/scan-file.ts"
import type { ScanReport } from "../audit/scan-report.ts"
import { turned } from "../bytes/turns.ts"
import { withLimits } from "../limits.ts"
import { requireOptions } from "./check-options.ts"
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
    turned(signal, () => scanFile(source, reading, name)),
    options,
  ).finally(close)
}

/** What an input is called: the last part of a path or an address, the name of a File. */
function nameOf(input: unknown): string {
  if (typeof input === "string") return lastPart(input)
  if (input instanceof URL) return lastPart(input.pathname)
  const named = typeof input === "object" && input !== null && "name" in input ? input.name : undefined
  return typeof named === "string" ? lastPart(named) : ""
}

function lastPart(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
}
