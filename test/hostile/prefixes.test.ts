/** A file that was cut off anywhere is refused: proper prefixes of every small legal file; every one in a deep run. */

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { ConvertOptions } from "../../src/index.ts"
import { isCheckpointError, toSafetensorsBytes } from "../../src/index.ts"
import { readManifest } from "../corpus.ts"
import { places } from "../depth.ts"
import { LEGAL } from "./corpus.ts"

const SMALL_BYTES = 8192

/** A million errors need no stacks. */
const { stackTraceLimit } = Error
beforeAll(() => {
  Error.stackTraceLimit = 0
})
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit
})

interface Whole {
  readonly name: string
  readonly bytes: Uint8Array
  readonly options: ConvertOptions
}

function fixtures(folder: string): readonly Whole[] {
  return readManifest(folder)
    .filter(({ error }) => error === undefined)
    .map(({ name, input, options = {} }) => ({
      name,
      options,
      bytes: new Uint8Array(readFileSync(join(folder, input))),
    }))
}

const OURS: readonly Whole[] = LEGAL.flatMap(({ name, bytes, options = {} }) => {
  const whole = bytes()
  return whole instanceof Uint8Array ? [{ name, bytes: whole, options }] : []
})
const WHOLES = [...OURS, ...fixtures("test/fixtures/oracle"), ...fixtures("test/fixtures/torch-1.13")]
const SMALL = WHOLES.filter(({ bytes }) => bytes.length <= SMALL_BYTES)

/** Lengths at which the prefix was not refused with an error of the library. */
async function acceptedLengths({ bytes, options }: Whole): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const length of places(bytes.length, 20)) {
    const error: unknown = await toSafetensorsBytes(bytes.subarray(0, length), options).then(
      () => "it was accepted",
      (reason: unknown) => reason,
    )
    if (!isCheckpointError(error)) wrong.push(`${length} of ${bytes.length} bytes: ${String(error)}`)
  }
  return wrong
}

describe("prefixes of legal files", () => {
  it.each(SMALL.map((whole) => [whole.name, whole] as const))("%s", async (_, whole) => {
    expect(await acceptedLengths(whole)).toEqual([])
  })
})
