/** Random checkpoints that other tools have put into an archive. */

import fc from "fast-check"
import JSZip from "jszip"
import { describe, it } from "vitest"
import { ZipFile } from "yazl"
import { toSafetensorsBytes } from "../../src/index.ts"
import { depth } from "../depth.ts"
import { expectedFile, expectSame } from "./check-routes.ts"
import { zipMembers } from "./checkpoint-writer.ts"
import { randomCheckpoint } from "./random-state.ts"

describe.each([
  ["jszip", zipWithJsZip],
  ["yazl", zipWithYazl],
] as const)("archives made by %s", (_, zip) => {
  it("come out as the reference says", async () => {
    const cases = randomCheckpoint("zip").filter(({ style }) => style.checksums)
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const input = await zip(zipMembers(given.value, given.style), given.style.deflated)
        const { bytes } = await toSafetensorsBytes(input, given.options)
        expectSame(bytes, expectedFile(given).file, "bytes")
      }),
      { seed: 7, numRuns: depth({ quick: 25, deep: 100 }) },
    )
  })
})

type Members = ReadonlyMap<string, Uint8Array>

async function zipWithJsZip(members: Members, deflated: (name: string) => boolean): Promise<Uint8Array> {
  const zip = new JSZip()
  for (const [name, data] of members) {
    zip.file(name, data, { compression: deflated(name) ? "DEFLATE" : "STORE", createFolders: false })
  }
  return zip.generateAsync({ type: "uint8array" })
}

async function zipWithYazl(members: Members, deflated: (name: string) => boolean): Promise<Uint8Array> {
  const zip = new ZipFile()
  for (const [name, data] of members) zip.addBuffer(Buffer.from(data), name, { compress: deflated(name) })
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk))
  return new Uint8Array(Buffer.concat(chunks))
}
