/** Checkpoints for the checks in Chromium: many tensors, tied ones, and three gigabytes that take no room. */

import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs"
import { crc32, deflateRawSync } from "node:zlib"

const MiB = 2 ** 20

/** Of the sparse checkpoint. */
export const SPARSE_TENSORS = 12
export const SPARSE_TENSOR_BYTES = 256 * MiB

/** Bytes at the beginning and the end of each sparse tensor, so that it is not the same as the others. */
export const markOf = (tensor) =>
  Buffer.from(`the tensor number ${String(tensor).padStart(2)} ends`.padEnd(32))

// Pickles

const bytes = (...values) => Buffer.from(values)
const raw = (text) => Buffer.from(text, "latin1")

function text(value) {
  const encoded = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(encoded.length)
  return Buffer.concat([raw("X"), length, encoded])
}

function integer(value) {
  const encoded = Buffer.alloc(4)
  encoded.writeInt32LE(value)
  return Buffer.concat([raw("J"), encoded])
}

const global = (module, name) => raw(`c${module}\n${name}\n`)
const put = (index) => bytes(0x71, index)
const get = (index) => bytes(0x68, index)
const tuple = (...items) => Buffer.concat([raw("("), ...items, raw("t")])

const REBUILD = 0

function storage(key, elements) {
  return Buffer.concat([
    tuple(text("storage"), global("torch", "FloatStorage"), text(key), text("cpu"), integer(elements)),
    raw("Q"),
  ])
}

/** `[name, storage, offset, shape, strides]` each; a number of elements is a shape too. */
function tensor([name, stored, offset, shape, strides = [1]], index) {
  const rebuild =
    index === 0 ? Buffer.concat([global("torch._utils", "_rebuild_tensor_v2"), put(REBUILD)]) : get(REBUILD)
  const hooks = Buffer.concat([global("collections", "OrderedDict"), raw(")R")])
  const given = tuple(
    stored,
    integer(offset),
    tuple(...[shape].flat().map(integer)),
    tuple(...strides.map(integer)),
    bytes(0x89),
    hooks,
  )
  return Buffer.concat([text(name), rebuild, given, raw("R")])
}

/** A dict of tensors, and what else stands behind them. */
function stateDict(tensors, ...others) {
  return Buffer.concat([bytes(0x80, 2), raw("}("), ...tensors.map(tensor), ...others, raw("u.")])
}

// Archives

/** `stored` is bytes in the file, `method` 8 where they are deflated. */
function localHeader(name, { length, stored, method, crc }) {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(method, 8)
  header.writeUInt32LE(crc, 14)
  header.writeUInt32LE(stored, 18)
  header.writeUInt32LE(length, 22)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, name])
}

function directoryRow(name, { length, stored, method, crc }, offset) {
  const row = Buffer.alloc(46)
  row.writeUInt32LE(0x02014b50, 0)
  row.writeUInt16LE(20, 4)
  row.writeUInt16LE(20, 6)
  row.writeUInt16LE(method, 10)
  row.writeUInt32LE(crc, 16)
  row.writeUInt32LE(stored, 20)
  row.writeUInt32LE(length, 24)
  row.writeUInt16LE(name.length, 28)
  row.writeUInt32LE(offset, 42)
  return Buffer.concat([row, name])
}

function endRecord(count, length, offset) {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(length, 12)
  end.writeUInt32LE(offset, 16)
  return end
}

/** A member is its bytes, those that are to be deflated, or how many there are with what stands at both ends. */
function writeArchive(path, members) {
  const file = openSync(path, "w")
  const rows = []
  let position = 0
  const append = (data) => {
    writeSync(file, data, 0, data.length, position)
    position += data.length
  }
  for (const [shortName, data] of members) {
    const name = Buffer.from(`archive/${shortName}`)
    const { length } = data.toDeflate ?? data
    const crc = data.mark === undefined ? crc32(data.toDeflate ?? data) : crcOfMarked(data)
    const deflated = data.toDeflate && deflateRawSync(data.toDeflate, { level: 1 })
    const sizes = { length, stored: deflated?.length ?? length, method: deflated === undefined ? 0 : 8, crc }
    rows.push(directoryRow(name, sizes, position))
    append(localHeader(name, sizes))
    if (data.mark === undefined) append(deflated ?? data)
    else {
      append(data.mark)
      position += length - 2 * data.mark.length
      append(data.mark)
    }
  }
  const directory = Buffer.concat(rows)
  const offset = position
  append(directory)
  append(endRecord(rows.length, directory.length, offset))
  ftruncateSync(file, position)
  const { size } = fstatSync(file)
  closeSync(file)
  return size
}

function crcOfMarked({ length, mark }) {
  const zeros = Buffer.alloc(MiB)
  let crc = crc32(mark)
  for (let left = length - 2 * mark.length; left > 0; left -= zeros.length) {
    crc = crc32(left < zeros.length ? zeros.subarray(0, left) : zeros, crc)
  }
  return crc32(mark, crc)
}

const SMALL_MEMBERS = [
  ["byteorder", raw("little")],
  ["version", raw("3\n")],
]

/** Three GiB of float32 in twelve tensors, nearly all hole. Returns the bytes of the file. */
export function writeSparse(path) {
  const elements = SPARSE_TENSOR_BYTES / 4
  const numbers = Array.from({ length: SPARSE_TENSORS }, (_, number) => number)
  const tensors = numbers.map((i) => [`layers.${i}.weight`, storage(String(i), elements), 0, elements])
  const weights = numbers.map((i) => [`data/${i}`, { length: SPARSE_TENSOR_BYTES, mark: markOf(i) }])
  return writeArchive(path, [["data.pkl", stateDict(tensors)], ...SMALL_MEMBERS, ...weights])
}

/** Rows and columns of the transposed checkpoint. */
export const TRANSPOSED_SIDE = 2048

/** One square matrix of float32, whose columns lie in the file one behind the other. */
export function writeTransposed(path, side) {
  const elements = side ** 2
  const pickle = stateDict([["weight", storage("0", elements), 0, [side, side], [1, side]]])
  const weights = { length: 4 * elements, mark: markOf(0) }
  return writeArchive(path, [["data.pkl", pickle], ...SMALL_MEMBERS, ["data/0", weights]])
}

/** A matrix of 96 MiB that is transposed, 48 MiB that are deflated, and 32 MiB that are in order, all of them noise. */
export function writeSpilling(path) {
  const [rows, columns, deflated, plain] = [6144, 4096, 12 * MiB, 8 * MiB]
  const tensors = [
    ["transposed", storage("0", rows * columns), 0, [columns, rows], [1, columns]],
    ["deflated", storage("1", deflated), 0, deflated],
    ["plain", storage("2", plain), 0, plain],
  ]
  return writeArchive(path, [
    ["data.pkl", stateDict(tensors)],
    ...SMALL_MEMBERS,
    ["data/0", noise(rows * columns, 1)],
    ["data/1", { toDeflate: noise(deflated, 2) }],
    ["data/2", noise(plain, 3)],
  ])
}

/** `count` small integers as float32, the same for the same `seed`. */
function noise(count, seed) {
  let state = seed
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 16
  })
  return Buffer.from(values.buffer)
}

/** `count` tensors of four numbers in one storage. */
export function writeMany(path, count) {
  const first = Buffer.concat([storage("0", 4 * count), put(1)])
  const nameOf = (i) => `blocks.${Math.floor(i / 100)}.part.${i % 100}.weight`
  const tensors = Array.from({ length: count }, (_, i) => [nameOf(i), i === 0 ? first : get(1), 4 * i, 4])
  const values = Float32Array.from({ length: 4 * count }, (_, i) => i % 1000)
  const weights = Buffer.from(values.buffer)
  return writeArchive(path, [["data.pkl", stateDict(tensors)], ...SMALL_MEMBERS, ["data/0", weights]])
}

/** A name that is markup, and turns the line around. */
const NASTY = "<img src=x onerror=alert(1)>\u202egnp"

/** A checkpoint that would run a command, beside a tensor. */
export function writeHostile(path) {
  const call = Buffer.concat([global("posix", "system"), tuple(text("echo hello")), raw("R")])
  const pickle = stateDict([[NASTY, storage("0", 4), 0, 4]], text("payload"), call)
  return writeArchive(path, [["data.pkl", pickle], ...SMALL_MEMBERS, ["data/0", Buffer.alloc(16)]])
}

/** No code, but names that ask for care. */
export function writeOddNames(path) {
  return writeNamed(path, [NASTY, "__proto__.constructor", "", "a\nb"])
}

/** A tensor of four numbers for each name. */
export function writeNamed(path, names) {
  const tensors = names.map((name, i) => [name, storage(String(i), 4), 0, 4])
  const weights = names.map((_, i) => [
    `data/${i}`,
    Buffer.from(Float32Array.of(i, Number.NaN, -1, 2).buffer),
  ])
  return writeArchive(path, [["data.pkl", stateDict(tensors)], ...SMALL_MEMBERS, ...weights])
}
