/** A safetensors file that is open in the worker: there is nothing to convert, and as much to see. */

import type { SafetensorsHeader } from "tosafetensors"
import { checkSafetensors, isCheckpointError, readSafetensorsHeader, scan } from "tosafetensors"
import { torchNameOf } from "../model/dtype-names.ts"
import { listStored } from "./list-tensors.ts"
import type { MeasureWork } from "./measure-tensor.ts"
import { measureTensor } from "./measure-tensor.ts"
import type { Measurement, OpenedSafetensors, TensorDescription } from "./protocol.ts"
import { piecesOfFile } from "./tensor-pieces.ts"

/** Entries of the metadata that are shown, and UTF-16 units of each. */
const SHOWN_ENTRIES = 200
const SHOWN_UNITS = 4000

/** What the page shows and asks of it. */
export interface SafetensorsFile {
  readonly file: File
  readonly header: SafetensorsHeader
  readonly summary: OpenedSafetensors
}

/**
 * The file, when it is one or claims to be one by its name; undefined when it is something else. `refused` is what
 * `openCheckpoint` threw.
 *
 * @throws `safetensors-invalid`; what reading throws.
 */
export async function openSafetensors(
  file: File,
  refused: unknown,
  signal: AbortSignal,
): Promise<SafetensorsFile | undefined> {
  if (!isCheckpointError(refused) || refused.code !== "not-a-checkpoint") return undefined
  const isNamed = /\.safetensors$/i.test(file.name)
  if (!isNamed && (await scan(file, { signal })).format !== "safetensors") return undefined
  // Where the header has no meaning, reading it throws with everything that is wrong.
  const { header = await readSafetensorsHeader(file, { signal }), findings } = await checkSafetensors(file, {
    signal,
  })
  const warnings = findings.map(({ problem }) => problem)
  return { file, header, summary: summaryOf(file, header, warnings) }
}

function summaryOf(file: File, header: SafetensorsHeader, warnings: readonly string[]): OpenedSafetensors {
  const { metadata } = header
  const entries = Array.from(metadata ?? []).slice(0, SHOWN_ENTRIES)
  return {
    kind: "safetensors",
    byteLength: file.size,
    columns: listStored(header.tensors),
    headerByteLength: header.dataOffset,
    metadata: entries.map(([key, value]) => [key.slice(0, SHOWN_UNITS), value.slice(0, SHOWN_UNITS)]),
    metadataCount: metadata?.size ?? 0,
    warnings: warnings.slice(0, SHOWN_ENTRIES),
  }
}

export function describeStored({ header }: SafetensorsFile, name: string): TensorDescription {
  const tensor = header.tensors.get(name)
  if (tensor === undefined) return { kind: "unsupported-tensor", reason: "not in the header" }
  const { dtype, shape, start, end } = tensor
  return {
    kind: "stored-tensor",
    dtype,
    torchDtype: torchNameOf(dtype),
    shape,
    elementCount: shape.reduce((product, size) => product * size, 1),
    byteLength: end - start,
    fileOffset: header.dataOffset + start,
  }
}

/** @throws what reading throws. */
export async function measureStored(
  { file, header }: SafetensorsFile,
  name: string,
  work: MeasureWork,
): Promise<Measurement> {
  const tensor = header.tensors.get(name)
  if (tensor === undefined) return { kind: "not-measured", reason: "It is not there." }
  const { dtype, start, end } = tensor
  const makePieces = () => piecesOfFile(file, header.dataOffset + start, end - start)
  const measurement = await measureTensor(torchNameOf(dtype) ?? dtype, end - start, makePieces, work)
  // A header counts each of them.
  return measurement.kind === "measured" && measurement.valuesPerElement === "packed"
    ? { ...measurement, valuesPerElement: "one" }
    : measurement
}
