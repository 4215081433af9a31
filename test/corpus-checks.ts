/** Runs every case of a corpus folder through the library, in memory. */

import { describe, expect, it } from "vitest"
import { isCheckpointError, toSafetensorsBlob, toSafetensorsBytes } from "../src/index.ts"
import type { CorpusCase } from "./corpus.ts"
import { readCorpusFile, readManifest } from "./corpus.ts"

/** One test a case: the bytes of the reference, or the error that the manifest asks for. */
export function checkCorpus(title: string, folder: string): void {
  describe(title, () => {
    it.each(readManifest(folder).map((row) => [row.name, row] as const))("%s", async (_, row) => {
      const input = readCorpusFile(folder, row.input)
      if (row.error !== undefined) return checkRefusal(row, input)
      const expected = readCorpusFile(folder, row.expected ?? "")
      const { bytes, report } = await toSafetensorsBytes(input, row.options)
      expect(Buffer.compare(bytes, expected), describeDifference(bytes, expected)).toBe(0)
      if (row.root !== undefined) expect(report.root).toEqual(row.root)
      if (row.unreferenced !== undefined) expect(report.unreferenced).toMatchObject(row.unreferenced)
      expect(report.byteLength).toBe(expected.length)
      const { blob } = await toSafetensorsBlob(new Blob([input.slice()]), row.options)
      expect(Buffer.compare(new Uint8Array(await blob.arrayBuffer()), expected), "as a Blob").toBe(0)
    })
  })
}

async function checkRefusal(row: CorpusCase, input: Uint8Array): Promise<void> {
  const error: unknown = await toSafetensorsBytes(input, row.options).then(
    () => "converted",
    (reason: unknown) => reason,
  )
  if (!isCheckpointError(error)) throw error
  expect(error.code).toBe(row.error)
  for (const text of row.errorMentions ?? []) expect(error.message).toContain(text)
  expect(error.nextStep).not.toBe("")
}

function describeDifference(actual: Uint8Array, expected: Uint8Array): string {
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  const header = (bytes: Uint8Array): string => {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
    return new TextDecoder().decode(bytes.subarray(8, 8 + Math.min(length, 2000)))
  }
  return `first difference at ${at}\nactual   ${header(actual)}\nexpected ${header(expected)}`
}
