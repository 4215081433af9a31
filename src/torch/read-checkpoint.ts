/** Reads a checkpoint, whatever its layout: everything but the weights. */

import { readZip } from "../archive/read-zip.ts"
import type { ByteSource } from "../bytes/byte-source.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { PickleDecoder } from "../pickle/decode.ts"
import type { CheckpointContents, ReadingOptions } from "./checkpoint-contents.ts"
import { readLegacyLayout } from "./layout-legacy.ts"
import { readZipLayout } from "./layout-zip.ts"
import { archiveAtEnd, tarUnder } from "./other-formats.ts"
import type { LoadedParts } from "./refusal.ts"
import type { SniffedFormat } from "./sniff-format.ts"
import { SNIFFED_BYTES, sniffFormat, sniffUnderTar } from "./sniff-format.ts"

/**
 * The tree and the storages of the checkpoint in `source`.
 *
 * @throws `not-a-checkpoint` naming what the file looks like, `holds-checkpoints`, `unsupported-layout`, `global-not-allowed`, and the
 *   codes of the archive, the pickle, storages and tensors.
 */
export async function readCheckpoint(
  source: ByteSource,
  options: ReadingOptions,
): Promise<CheckpointContents> {
  const length = Math.min(SNIFFED_BYTES, source.byteLength)
  const head = await readExactly(source, { offset: 0, length }, options.signal)
  const format = sniffFormat(head, source.byteLength)
  switch (format) {
    case "zip":
      return readZipLayout(source, options)
    case "legacy":
      return readLegacyLayout(source, options)
    default: {
      if (format === "tar") refuseTarUnder(sniffUnderTar(head, source.byteLength))
      // Loaded when it is needed: what is opened is a checkpoint, most of the time.
      const { describeFile } = await import("./other-file.ts")
      const refusal = await describeFile(source, format, head, loadedParts(options))
      const isArchive = refusal.code === "zip-signature"
      if (format === "pickle" && !isArchive) await refuseArchiveAtEnd(source, format, options.signal)
      throw refusal
    }
  }
}

/** @throws `unsupported-layout` for a tar archive that begins as something that would be opened. */
function refuseTarUnder(under: SniffedFormat): void {
  if (under === "tar" || under === "other") return
  throw tarUnder(under)
}

/** @throws `two-formats` when a file that `format` tells ends in a zip archive as well. */
export async function refuseArchiveAtEnd(
  source: ByteSource,
  format: SniffedFormat,
  signal: AbortSignal | undefined,
): Promise<void> {
  const problem = await archiveAtEnd(source, format, signal)
  if (problem !== undefined) throw problem
}

function loadedParts({ limits, signal }: ReadingOptions): LoadedParts {
  return {
    signal,
    readOpcodes: (bytes) => new PickleDecoder(bytes, "pickle", limits),
    listZip: async (source) => (await readZip(source, limits, signal)).entries.values(),
  }
}
