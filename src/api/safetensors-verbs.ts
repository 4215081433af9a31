/** What can be asked of a safetensors file, on any platform. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { explained, requireUnchanged } from "../bytes/read-exactly.ts"
import { turned } from "../bytes/turns.ts"
import { formatsUnderSafetensors } from "../layouts/two-formats.ts"
import { withLimits } from "../limits/limits.ts"
import type { SafetensorsHeader } from "../safetensors/parse-header.ts"
import type { SafetensorsCheck } from "../safetensors/read-header.ts"
import { checkSafetensors, readSafetensorsHeader } from "../safetensors/read-header.ts"
import { requireAccessOptions } from "./check-options.ts"
import type { ReadHeaderOptions } from "./options.ts"
import type { InputPlatform } from "./platform.ts"

/** Reads and checks the header of `input`. */
export async function readHeader<Input>(
  platform: InputPlatform<Input>,
  input: Input,
  options: ReadHeaderOptions,
): Promise<SafetensorsHeader> {
  requireAccessOptions(options)
  options.signal?.throwIfAborted()
  const { source, close } = await platform.openInput(input, options)
  return await unchanged(
    source,
    turned(options.signal, () => readSafetensorsHeader(source, options)),
    options,
  ).finally(close)
}

/** Lists what is wrong with `input`, and warns of what other programs would take it for. */
export async function checkFile<Input>(
  platform: InputPlatform<Input>,
  input: Input,
  options: ReadHeaderOptions,
): Promise<SafetensorsCheck> {
  requireAccessOptions(options)
  options.signal?.throwIfAborted()
  const { source, close } = await platform.openInput(input, options)
  return await unchanged(
    source,
    turned(options.signal, () => checkAll(source, options)),
    options,
  ).finally(close)
}

async function checkAll(source: ByteSource, options: ReadHeaderOptions): Promise<SafetensorsCheck> {
  const check = await checkSafetensors(source, options)
  if (check.header === undefined) return check
  const { signal } = options
  const found = await formatsUnderSafetensors(source, { limits: withLimits(options.limits), signal })
  const warnings = found.map((problem) => ({
    rule: "two-formats",
    severity: "warning" as const,
    at: 0,
    problem,
  }))
  return { ...check, findings: [...check.findings, ...warnings] }
}

/** What was read, or what is wrong with it, unless the source is another one by now. */
export async function unchanged<Value>(
  source: ByteSource,
  reading: Promise<Value>,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Value> {
  const value = await reading.catch(async (error: unknown) => {
    throw await explained(error, source, signal)
  })
  await requireUnchanged(source, signal)
  return value
}
