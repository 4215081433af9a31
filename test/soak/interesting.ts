/** Values at which readers go wrong: the bounds of integers, and names and texts that mean something to somebody. */

import { DTYPES } from "../property/dtypes.ts"

export const INTEGERS: readonly bigint[] = [
  ...[0n, 1n, -1n, 2n, 3n, 4n, 5n, 7n, 8n, 16n, 64n, 65n, 127n, 128n, 255n, 256n, 1000n, 1001n, 4096n],
  ...[16n, 24n, 31n, 32n, 53n, 62n, 63n, 64n].flatMap((bits) => [
    2n ** bits - 1n,
    2n ** bits,
    2n ** bits + 1n,
  ]),
  ...[-2n, -128n, -256n, -(2n ** 31n), -(2n ** 31n) - 1n, -(2n ** 53n), -(2n ** 63n), -(2n ** 64n)],
  ...[0x1950a86a20f9469cfc6cn, 10n ** 30n],
]

/** For fields that are a byte, 2, 4 or 8 bytes wide. */
export const UNSIGNED: readonly bigint[] = INTEGERS.map((value) => BigInt.asUintN(64, value))

export const BYTES: readonly number[] = [
  ...[0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 16, 32, 34, 46, 47, 48, 57, 65, 80, 92, 93, 123, 125],
  ...[127, 128, 129, 130, 138, 140, 147, 148, 149, 0xed, 0xfe, 0xff],
]

const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

/** Texts in UTF-8, and bytes that are none. */
export const TEXTS: readonly Uint8Array[] = [
  ...[
    "",
    "a",
    "0",
    "1",
    "00",
    "-1",
    "1.0",
    "01",
    "format",
    "tensor",
    "__metadata__",
    "__proto__",
    "constructor",
  ],
  ...[
    "toString",
    "then",
    "a.b",
    "a.b.",
    ".",
    "..",
    "../0",
    "/",
    "\\",
    '"',
    "\0",
    "a\0b",
    "\n",
    "\r\n",
    "\u007f",
  ],
  ...[
    "\u2028",
    "\ufeff",
    "\ufeffa",
    "é",
    "e\u0301",
    "\ufffd",
    "\u{1f642}",
    "\u{10ffff}",
    "True",
    "cpu",
    "cuda:0",
  ],
  ...[
    "storage",
    "module",
    "state_dict",
    "model",
    "weights",
    "params",
    "ema",
    "latin1",
    "utf-8",
    "conj",
    "neg",
  ],
  ...["little", "big", "data.pkl", "torch", "collections", "OrderedDict", "A".repeat(255), "b".repeat(256)],
  ...["c".repeat(300), "\u{1f642}".repeat(70), "18446744073709551615", "184467440737095516150"],
].map(utf8)

export const BROKEN_TEXTS: readonly Uint8Array[] = [
  ...[[0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80], [0xff], [0xc0, 0x80]],
  ...[[0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc3]],
].map((bytes) => Uint8Array.from(bytes))

type GlobalName = readonly [module: string, name: string]

const STORAGES: readonly GlobalName[] = [
  ...DTYPES.flatMap(({ storageClass }): GlobalName[] =>
    storageClass === undefined
      ? []
      : [
          ["torch", storageClass],
          ["torch.cuda", storageClass],
        ],
  ),
  ["torch.storage", "UntypedStorage"],
  ["torch", "UntypedStorage"],
  ["torch", "ComplexDoubleStorage"],
  ["torch", "QInt8Storage"],
  ["torch.storage", "TypedStorage"],
]

const DTYPE_NAMES: readonly GlobalName[] = [
  ...DTYPES.map(({ torch }): GlobalName => ["torch", torch]),
  ["torch", "complex32"],
  ["torch", "complex128"],
  ["torch", "qint8"],
  ["torch", "bits16"],
  ["torch", "uint4"],
]

const REBUILDERS: readonly GlobalName[] = [
  ...["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"].map(
    (name): GlobalName => ["torch._utils", name],
  ),
  ["torch._utils", "_rebuild_parameter_with_state"],
  ["torch._utils", "_rebuild_qtensor"],
  ["torch._utils", "_rebuild_sparse_tensor"],
  ["torch._utils", "_rebuild_meta_tensor_no_storage"],
  ["torch._tensor", "_rebuild_from_type_v2"],
]

const PLAIN: readonly GlobalName[] = [
  ...["OrderedDict", "Counter", "defaultdict"].map((name): GlobalName => ["collections", name]),
  ...["set", "frozenset", "bytes", "bytearray", "complex", "dict", "list", "int"].flatMap(
    (name): GlobalName[] => [
      ["builtins", name],
      ["__builtin__", name],
    ],
  ),
  ["_codecs", "encode"],
  ["torch", "Size"],
  ["torch", "device"],
  ["torch", "Tensor"],
  ["torch.nn.parameter", "Parameter"],
]

const REFUSED: readonly GlobalName[] = [
  ["os", "system"],
  ["builtins", "eval"],
  ["__proto__", "toString"],
  ["torch", "constructor"],
  ["torch", "load"],
  ["collections", ""],
  ["", ""],
  ["numpy.core.multiarray", "_reconstruct"],
]

/** Globals by what they are good for: one of a kind is likelier to give a legal file when it replaces another. */
export const GLOBAL_KINDS: readonly (readonly GlobalName[])[] = [
  STORAGES,
  DTYPE_NAMES,
  REBUILDERS,
  PLAIN,
  REFUSED,
]
