/** What can be asked of a safetensors file, on any platform. */

import type { ByteSource } from "../bytes/byte-source.ts"
import { requireUnchanged } from "../bytes/read-exactly.ts"
import { turnIfDue } from "../bytes/turns.ts"
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
  await turnIfDue(options.signal)
  const { source, close } = await platform.openInput(input, options)
  return await unchanged(source, readSafetensorsHeader(source, options), options).finally(close)
}

/** Lists what is wrong with `input`. */
export async function checkFile<Input>(
  platform: InputPlatform<Input>,
  input: Input,
  options: ReadHeaderOptions,
): Promise<SafetensorsCheck> {
  requireAccessOptions(options)
  options.signal?.throwIfAborted()
  await turnIfDue(options.signal)
  const { source, close } = await platform.openInput(input, options)
  return await unchanged(source, checkSafetensors(source, options), options).finally(close)
}

/** What was read, unless the source is another one by now. */
export async function unchanged<Value>(
  source: ByteSource,
  reading: Promise<Value>,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Value> {
  const value = await reading
  await requireUnchanged(source, signal)
  return value
}
