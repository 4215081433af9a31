/**
 * Writes `fuzz/seeds`: `npm run fuzz -- --make-seeds`. Small files of every kind that a target knows, from the writers of
 * the tests and a fixed seed, so that making them again changes nothing.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { constants, crc32, deflateRawSync } from "node:zlib"
import {
  buildZip,
  descriptor,
  extraField,
  text,
  torchArchive,
  zip64Extra,
} from "../test/archive/zip-builder.ts"
import { writeCheckpoint } from "../test/property/checkpoint-writer.ts"
import { DTYPES } from "../test/property/dtypes.ts"
import { Float, type TestTensor, type TestValue, Tuple } from "../test/property/model.ts"
import { keyList, legacyFile } from "../test/torch/legacy-file.ts"
import { Random } from "./engine/random.ts"
import { changeDeflate } from "./formats/change-deflate.ts"
import { changeHeader } from "./formats/change-header.ts"
import { changeZip } from "./formats/change-zip.ts"
import { pickleSeeds } from "./pickle-seeds.ts"

const SEED = 20_240_607
const MOST_BYTES = 4096

type Seeds = Readonly<Record<string, Uint8Array>>

export function makeSeeds(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  const targets: Readonly<Record<string, Seeds>> = {
    zip: zipSeeds(),
    inflate: inflateSeeds(),
    pickle: pickleSeeds(MOST_BYTES),
    legacy: legacySeeds(),
    header: headerSeeds(),
  }
  for (const [target, seeds] of Object.entries(targets)) {
    mkdirSync(join(folder, target), { recursive: true })
    for (const [name, bytes] of Object.entries(seeds)) {
      if (bytes.length >= MOST_BYTES) throw new Error(`${target}/${name} has ${bytes.length} bytes`)
      writeFileSync(join(folder, target, name), bytes)
    }
  }
}

/** `count` inputs of a format's own making. */
function some(count: number, make: (random: Random) => Uint8Array): Seeds {
  const random = new Random(SEED)
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`some-${i}`, make(random)]))
}

function zipSeeds(): Seeds {
  const all = 0xffffffff
  const zero = { crc32: 0, storedLength: 0, byteLength: 0 }
  const x = text("x")
  return {
    torch: torchArchive({
      "m/data.pkl": text("a pickle"),
      "m/data/0": text("weights"),
      "m/data/1": text(""),
    }),
    plain: buildZip({
      members: [
        { name: "a/" },
        { name: "a/b", data: text("bytes") },
        { name: "c", data: new Uint8Array(99), method: 8 },
      ],
      comment: text("a comment"),
    }),
    zip64: buildZip({
      members: [
        {
          name: "b",
          data: text("bytes"),
          local: { storedLength: all, byteLength: all, extra: zip64Extra(5, 5) },
          row: { storedLength: all, byteLength: all, extra: zip64Extra(5, 5) },
        },
        { name: "é", data: x, flags: 0x0808, local: zero, descriptor: descriptor(crc32(x), 1, 1) },
      ],
      zip64: {},
    }),
    "unicode-path": buildZip({
      members: [
        {
          name: "é",
          data: x,
          row: { extra: extraField(0x7075, Buffer.concat([Buffer.alloc(5), Buffer.from("é")])) },
        },
      ],
    }),
    "no-checksums": buildZip({ members: [{ name: "b", data: x, local: { crc32: 0 }, row: { crc32: 0 } }] }),
    empty: buildZip({ members: [] }),
    "other-order": swapRows(
      buildZip({
        members: [
          { name: "a", data: x },
          { name: "b", data: x },
        ],
      }),
    ),
    ...some(12, (random) => changeZip(new Uint8Array(0), random)),
  }
}

/** Bytes as often as the numbers of Fibonacci say: that makes codes as long as can be. */
function skewed(symbols: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let [symbol, last, next] = [0, 1, 1]; symbol < symbols; symbol++) {
    parts.push(new Uint8Array(next).fill(symbol))
    ;[last, next] = [next, last + next]
  }
  return Buffer.concat(parts)
}

/** Puts the second of two rows before the first; both have 47 bytes. */
function swapRows(archive: Uint8Array): Uint8Array {
  const start = archive.length - 22 - 94
  const [first, second] = [archive.slice(start, start + 47), archive.slice(start + 47, start + 94)]
  archive.set(second, start)
  archive.set(first, start + 47)
  return archive
}

function inflateSeeds(): Seeds {
  const random = new Random(SEED)
  const data = Buffer.from("the quick brown fox jumps over the lazy dog. ".repeat(8))
  return {
    nothing: deflateRawSync(Buffer.alloc(0)),
    "long-codes": deflateRawSync(skewed(15), { strategy: constants.Z_HUFFMAN_ONLY }),
    stored: deflateRawSync(data, { level: 0 }),
    fixed: deflateRawSync(data.subarray(0, 50), { strategy: constants.Z_FIXED }),
    dynamic: deflateRawSync(data, { level: 9 }),
    zeros: deflateRawSync(Buffer.alloc(40_000)),
    long: deflateRawSync(Buffer.from("abcdefghijklmnopq".repeat(6000))),
    far: deflateRawSync(
      Buffer.concat([Buffer.from(random.bytes(300)), Buffer.alloc(32_000), Buffer.from("end")]),
    ),
    flushed: deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }),
    "behind it": Buffer.concat([deflateRawSync(data), Buffer.alloc(8)]),
    "gzip behind it": Buffer.concat([
      deflateRawSync(data),
      Buffer.alloc(8),
      Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff),
    ]),
    ...some(12, (random) => changeDeflate(new Uint8Array(0), random, new Uint8Array(0))),
  }
}

function legacySeeds(): Seeds {
  const style = { layout: "legacy" } as const
  return {
    small: legacyFile(),
    bare: writeCheckpoint(tensor("float32", [2, 3]), style),
    dtypes: writeCheckpoint(
      new Map(DTYPES.map(({ torch }, i) => [torch, tensor(torch, [2], { key: String(i) })])),
      style,
    ),
    views: writeCheckpoint(
      new Map<string, TestValue>([
        ["transposed", tensor("float32", [3, 2], { strides: [1, 3] })],
        ["repeated", tensor("float32", [4, 2], { strides: [0, 1] })],
        ["conj", tensor("complex64", [2], { key: "1", conj: true })],
        ["neg", tensor("float32", [2], { neg: true })],
        ["parameter", tensor("float32", [2], { parameter: true })],
        ["view", tensor("float32", [2], { offset: 2, viewStart: 1 })],
      ]),
      style,
    ),
    "big-endian": writeCheckpoint(new Map([["a", tensor("float32", [2])]]), { ...style, byteOrder: "big" }),
    "protocol-4": writeCheckpoint(new Map([["a", tensor("int64", [2, 2])]]), { ...style, protocol: 4 }),
    training: writeCheckpoint(
      new Map<string, TestValue>([
        [
          "state_dict",
          new Map([
            ["module.a", tensor("float32", [2])],
            ["module.b", tensor("float32", [2])],
          ]),
        ],
        [
          "optimizer",
          new Map<string, TestValue>([["state", new Map([[0, tensor("float32", [2], { key: "1" })]])]]),
        ],
        ["epoch", 3],
        ["loss", new Float(0.5)],
        ["args", new Tuple([null, true, 2n ** 60n, "text", ["list"]])],
      ]),
      style,
    ),
    nothing: writeCheckpoint(new Map(), style),
    tar: Buffer.concat([Buffer.alloc(257), Buffer.from("ustar"), Buffer.alloc(20)]),
    ...objectSeeds(),
  }
}

/** Legacy files whose object is a pickle that refers to no storage. */
function objectSeeds(): Seeds {
  const pickles = pickleSeeds(600)
  const names = [
    "plain-globals",
    "ordered-pairs",
    "from-type",
    "from-type-wrong",
    "sets",
    "refused-keywords",
    "nan-key",
    "halves",
  ]
  const files = names.map((name) => {
    const object = pickles[name] ?? new Uint8Array(0)
    return [`object-${name}`, legacyFile({ object, keys: keyList(), storages: [] })] as const
  })
  return Object.fromEntries(files)
}

function tensor(
  dtypeName: string,
  shape: readonly number[],
  changes: Partial<TestTensor> & { key?: string } = {},
): TestTensor {
  const dtype = DTYPES.find(({ torch }) => torch === dtypeName)
  if (dtype === undefined) throw new Error(`no dtype ${dtypeName}`)
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1))
  const { key = "0", ...rest } = changes
  const own = dtype.storageClass === undefined ? undefined : dtype
  return {
    kind: "tensor",
    storage: storageOf(key, dtype.itemBytes, own),
    dtype,
    offset: 0,
    shape,
    strides,
    conj: false,
    neg: false,
    untyped: false,
    parameter: false,
    viewStart: 0,
    ...rest,
  }
}

const storages = new Map<string, TestTensor["storage"]>()

/** One object a key and size, since tensors of one storage share it. */
function storageOf(
  key: string,
  itemBytes: number,
  dtype: TestTensor["storage"]["dtype"],
): TestTensor["storage"] {
  const id = `${key} ${itemBytes} ${dtype?.torch}`
  const made = storages.get(id) ?? {
    key,
    dtype,
    bytes: Uint8Array.from({ length: 8 * itemBytes }, (_, i) => i),
  }
  storages.set(id, made)
  return made
}

function headerSeeds(): Seeds {
  const json = (value: string): Uint8Array => Buffer.from(`\u0001${value}`)
  const entry = (dtype: string, shape: string, from: number, to: number): string =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`
  const file = (value: string, data: number): Uint8Array => {
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(value.length))
    return Buffer.concat([Buffer.of(0), length, Buffer.from(value), Buffer.alloc(data)])
  }
  return {
    none: json("{}"),
    one: json(`{"a":${entry("F32", "[2]", 0, 8)}}`),
    two: json(
      `{"__metadata__":{"format":"pt","é":"\\u00e9"},"b":${entry("F16", "[]", 0, 2)},"a":${entry("U8", "[0,3]", 2, 2)}}   `,
    ),
    packed: json(`{"a":${entry("F4", "[2,2]", 0, 2)},"b":${entry("F6_E2M3", "[4]", 2, 5)}}`),
    unknown: json(
      `{"a":{"x":[1.5e3,-0,{"y":null}],"dtype":"I8","shape":[1],"data_offsets":[0,1],"z":false}}`,
    ),
    wrong: json(
      `{"a":{"dtype":3,"shape":"x","data_offsets":[1]},"b":[],"__metadata__":null,"__metadata__":3}`,
    ),
    large: json(
      `{"a":${entry("F32", "[9007199254740993]", 0, 8)},"b":${entry("F64", "[4294967296,4294967296,4294967296]", 0, 1)}}`,
    ),
    nul: json(`{"\\u0000":${entry("BOOL", "[1]", 0, 1)}}`),
    file: file(`{"a":${entry("F32", "[2]", 0, 8)}}`, 8),
    "file-short": file(`{"a":${entry("F32", "[2]", 0, 8)}}`, 7),
    "rank-65": json(`{"a":${entry("U8", `[${"1,".repeat(64)}1]`, 0, 1)}}`),
    "file-of-3": Uint8Array.of(0, 1, 2, 3),
    ...some(8, (random) => changeHeader(new Uint8Array(0), random, new Uint8Array(0))),
  }
}
