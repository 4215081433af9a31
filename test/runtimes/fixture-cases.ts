/** The fixtures that the real torch and safetensors made: the same bytes here, or the error of the manifest. */

import { FOLDERS } from "embedded-files"
import { isCheckpointError, toSafetensorsBlob, toSafetensorsBytes } from "../../src/index.ts"
import type { CorpusCase } from "../corpus.ts"
import type { Problems } from "../hostile/run-case.ts"
import { differences } from "./differences.ts"

type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>

/** One case of a manifest. */
export interface FixtureCase {
  readonly name: string
  readonly row: CorpusCase
  readonly files: Files
}

export const FIXTURES: readonly FixtureCase[] = FOLDERS.flatMap(({ name, cases, files }) =>
  cases.map((row) => ({ name: `${name}: ${row.name}`, row, files })),
)

/** Converts to bytes and to a Blob, and compares both. */
export async function runFixture({ row, files }: FixtureCase): Promise<Problems> {
  const input = fileOf(files, row.input)
  if (row.error !== undefined) return refusalProblems(row, input)
  const expected = fileOf(files, row.expected)
  const { bytes } = await toSafetensorsBytes(input, row.options)
  const { blob } = await toSafetensorsBlob(new Blob([input]), row.options)
  return [
    ...differences("bytes", bytes, expected),
    ...differences("blob", new Uint8Array(await blob.arrayBuffer()), expected),
  ]
}

async function refusalProblems(row: CorpusCase, input: Uint8Array): Promise<Problems> {
  const error: unknown = await toSafetensorsBytes(input, row.options).then(
    () => "converted",
    (reason: unknown) => reason,
  )
  if (!isCheckpointError(error)) return [`it gave ${String(error)}, not ${row.error}`]
  if (error.code !== row.error) return [`${error.code} instead of ${row.error}: ${error.message}`]
  const unsaid = (row.errorMentions ?? []).filter((text) => !error.message.includes(text))
  return unsaid.map((text) => `the message does not mention ${text}`)
}

function fileOf(files: Files, name: string | undefined): Uint8Array<ArrayBuffer> {
  const file = name === undefined ? undefined : files.get(name)
  if (file === undefined) throw new Error(`there is no fixture ${name}`)
  return file
}
