/** Beyond 4 and 8 GiB: converts a file of 12 GiB that is nearly all hole, and holds pieces of the output against it. */

import { closeSync, fstatSync, openSync, readSync, rmSync, statfsSync } from "node:fs"
import { ours, output } from "./contenders.mjs"
import { folder, makeInputs, pathOf, SPARSE } from "./inputs.mjs"
import { time } from "./timing.mjs"

const GiB = 2 ** 30
const DATA_BYTES = 12 * GiB
const PIECE_BYTES = 64 * 1024

/** Undefined where there is no room: the output holds its zeros. */
export async function convertSparse() {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < 1.5 * DATA_BYTES) return undefined
  makeInputs([SPARSE])
  rmSync(output, { force: true })
  try {
    const { seconds, peakKiB } = await time(ours(pathOf(SPARSE), "-o", output, "--force", "--quiet"))
    const { compared, different } = comparePieces(pathOf(SPARSE), output)
    return { bytes: DATA_BYTES, seconds, peakMiB: peakKiB / 1024, compared, different }
  } finally {
    rmSync(output, { force: true })
  }
}

/** The weights end both files, so pieces are found from there: around every GiB, and at both ends. */
function comparePieces(input, converted) {
  const files = [input, converted].map((path) => openSync(path, "r"))
  const bases = files.map((file) => fstatSync(file).size - DATA_BYTES)
  const starts = Array.from({ length: 11 }, (_, i) => (i + 1) * GiB - PIECE_BYTES / 2)
  let different = 0
  try {
    const pieces = [0, ...starts, DATA_BYTES - PIECE_BYTES]
    for (const at of pieces) {
      const [left, right] = files.map((file, which) => read(file, bases[which] + at))
      // Each holds a mark that make_inputs.py wrote, so all zeros is wrong as well.
      if (!left.equals(right) || left.every((byte) => byte === 0)) different++
    }
    return { compared: pieces.length, different }
  } finally {
    files.forEach(closeSync)
  }
}

function read(file, position) {
  const bytes = Buffer.alloc(PIECE_BYTES)
  if (readSync(file, bytes, 0, PIECE_BYTES, position) !== PIECE_BYTES)
    throw new Error("the file is too short")
  return bytes
}
