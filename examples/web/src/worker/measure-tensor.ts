/**
 * Looks at the elements of one tensor. Up to 32 MiB are read whole. Of more, pieces that lie evenly over it are read
 * where it lies in the file in order; where it does not, all of it passes through, and is never held.
 */

import type { Checkpoint, CopySegment, SupportedTensorInfo } from "tosafetensors"
import { toSafetensorsStream } from "tosafetensors"
import type { ElementDecoder } from "../model/decode-elements.ts"
import { decoderFor, isWhole } from "../model/decode-elements.ts"
import { gatherStatistics } from "../model/tensor-statistics.ts"
import type { Measurement, WorkProgress } from "./protocol.ts"

const MiB = 2 ** 20

/** A tensor of more bytes is not held. */
const MOST_HELD_BYTES = 32 * MiB

/** Pieces of a sample, and bytes of each. A multiple of every dtype's size. */
const SAMPLE_PIECES = 128
const PIECE_BYTES = MiB / 4

interface Work {
  readonly file: File
  readonly checkpoint: Checkpoint
  readonly signal: AbortSignal
  readonly onProgress: (progress: WorkProgress) => void
}

type Bytes = Uint8Array<ArrayBuffer>

/** Goes through the bytes once. Each piece is whole elements. */
type Pass = (take: (bytes: Bytes) => void) => Promise<void>

/** @throws as `readTensor`; the signal's reason when aborted. */
export async function measureTensor(name: string, work: Work): Promise<Measurement> {
  const info = work.checkpoint.tensors.get(name)
  if (info?.kind !== "tensor")
    return { kind: "not-measured", reason: `It is ${info?.reason ?? "not there"}.` }
  const decoder = decoderFor(info.torchDtype)
  if (decoder === undefined) {
    return { kind: "not-measured", reason: `Elements of ${info.torchDtype} stand for no plain numbers.` }
  }
  const { pass, bytesRead } = await passOver(name, info, decoder, work)
  const statistics = await gatherStatistics((take) => pass(decoding(decoder, take)), isWhole(info.torchDtype))
  const valuesPerElement =
    decoder.valuesPerUnit === 1 ? "one" : info.torchDtype.startsWith("complex") ? "complex" : "packed"
  return { kind: "measured", statistics, bytesRead, byteLength: info.byteLength, valuesPerElement }
}

async function passOver(
  name: string,
  info: SupportedTensorInfo,
  { unitBytes }: ElementDecoder,
  work: Work,
): Promise<{ pass: Pass; bytesRead: number }> {
  const { byteLength } = info
  if (byteLength <= MOST_HELD_BYTES) {
    const bytes = (await work.checkpoint.readTensor(name, { signal: work.signal })) as Bytes
    return { pass: async (take) => inPieces(bytes, take), bytesRead: byteLength }
  }
  const segment = copyOf(name, info, work.checkpoint)
  if (segment !== undefined)
    return { pass: samplePass(segment, work), bytesRead: SAMPLE_PIECES * PIECE_BYTES }
  return { pass: streamPass(name, unitBytes, byteLength, work), bytesRead: byteLength }
}

function decoding(decoder: ElementDecoder, take: (values: Float64Array) => void): (bytes: Bytes) => void {
  let values = new Float64Array(0)
  return (bytes) => {
    const count = (bytes.length / decoder.unitBytes) * decoder.valuesPerUnit
    if (values.length < count) values = new Float64Array(count)
    decoder.decode(bytes, values)
    take(values.subarray(0, count))
  }
}

function inPieces(bytes: Bytes, take: (bytes: Bytes) => void): void {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) take(bytes.subarray(at, at + PIECE_BYTES))
}

/** Where it lies in the file in order; undefined where it does not. */
function copyOf(name: string, info: SupportedTensorInfo, checkpoint: Checkpoint): CopySegment | undefined {
  if (!info.contiguous || info.dtype === undefined) return undefined
  const { segments } = checkpoint.plan({
    root: "all",
    shared: "copy",
    include: (tensor) => tensor.name === name,
  })
  const segment = segments.find(({ kind }) => kind !== "literal")
  return segment?.kind === "copy" && segment.extent.coding === "stored" ? segment : undefined
}

function samplePass({ extent, offsetInExtent, length }: CopySegment, { signal, onProgress }: Work): Pass {
  // Pieces begin at multiples of 16 bytes, which is the largest element.
  const step = Math.floor((length - PIECE_BYTES) / (SAMPLE_PIECES - 1) / 16) * 16
  return async (take) => {
    for (let piece = 0; piece < SAMPLE_PIECES; piece++) {
      signal.throwIfAborted()
      const bytes = await extent.source.read(extent.offset + offsetInExtent + piece * step, PIECE_BYTES)
      if (bytes.length !== PIECE_BYTES) throw new Error("the file has become shorter")
      take(bytes as Bytes)
      onProgress({ done: piece + 1, total: SAMPLE_PIECES })
    }
  }
}

/** The elements as they would be written, after the header. */
function streamPass(name: string, unitBytes: number, byteLength: number, work: Work): Pass {
  const { file, signal, onProgress } = work
  return async (take) => {
    const { stream, report } = await toSafetensorsStream(file, {
      root: "all",
      shared: "copy",
      include: (tensor) => tensor.name === name,
      signal,
    })
    let toSkip = report.byteLength - byteLength
    let left: Bytes = new Uint8Array(0)
    let done = 0
    for await (const chunk of stream) {
      const skipped = Math.min(toSkip, chunk.length)
      toSkip -= skipped
      const bytes = joined(left, chunk.subarray(skipped))
      const whole = bytes.length - (bytes.length % unitBytes)
      inPieces(bytes.subarray(0, whole), take)
      left = bytes.slice(whole)
      done += chunk.length - skipped
      onProgress({ done, total: byteLength })
    }
  }
}

function joined(left: Bytes, right: Uint8Array): Bytes {
  const bytes = new Uint8Array(left.length + right.length)
  bytes.set(left)
  bytes.set(right, left.length)
  return bytes
}
