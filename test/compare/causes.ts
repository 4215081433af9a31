/**
 * Why a checkpoint may come out otherwise than with torch. The list is closed: each row says what must be true of the
 * checkpoint, of our answer and of torch's, and why it is so. Whatever no row explains is a failure.
 */

import type { Accepted, AnsweredTensor, OwnRefusal, TorchLine } from "./answers.ts"

interface Shared {
  readonly ours: Accepted | OwnRefusal
  readonly torch: TorchLine
  readonly byteOrder: "little" | "big"
  readonly oddities: readonly string[]
  /** Whether the checkpoint was made with an oddity whose name begins so. */
  readonly has: (oddity: string) => boolean
}

type AnotherTensor = Extract<Difference, { is: "another tensor" }>

export type Difference = Shared &
  (
    | { readonly is: "refused here" | "refused by torch" }
    | {
        readonly is: "another tensor"
        readonly name: string
        readonly mine: AnsweredTensor | undefined
        readonly other: AnsweredTensor | undefined
        /** torch's conj and neg bits: "n", "c". */
        readonly bits: string
      }
  )

export interface Cause {
  readonly why: string
  readonly explains: (difference: Difference) => boolean
}

/** Refused here with this code and message, where the checkpoint has this oddity. */
function stricter(oddity: string, code: string, message: RegExp, why: string): Cause {
  return {
    why: `refused here: ${why}`,
    explains: ({ is, ours, has }) =>
      is === "refused here" &&
      ours.is === "refused" &&
      code.split("|").includes(ours.code) &&
      message.test(ours.message) &&
      has(oddity),
  }
}

/** Refused by torch with this message, where the checkpoint has this oddity. */
function laxer(oddity: string, message: RegExp, why: string): Cause {
  return {
    why: `refused by torch: ${why}`,
    explains: ({ is, torch, has }) =>
      is === "refused by torch" && "error" in torch && message.test(torch.error) && has(oddity),
  }
}

/** `found` has a tensor under a key that names none, or two tensors of one name: only then may names be refused. */
const hasOdd =
  (field: "odd" | "repeated") =>
  ({ torch }: Difference) =>
    !("error" in torch) && torch[field]

const refusedNames: readonly Cause[] = [
  {
    why: "refused here: a tensor under a key that is neither text nor an integer has no name",
    explains: (difference) =>
      difference.is === "refused here" && isCode(difference, "name-type") && hasOdd("odd")(difference),
  },
  {
    why: 'refused here: two tensors of one name, as under 1 and "1"',
    explains: (difference) =>
      difference.is === "refused here" &&
      isCode(difference, "name-duplicate") &&
      hasOdd("repeated")(difference),
  },
]

function isCode({ ours }: Difference, code: string): boolean {
  return ours.is === "refused" && ours.code === code
}

/** Tensors that safetensors cannot hold, each of which torch gives. */
const UNSUPPORTED: readonly Cause[] = [
  {
    why: "refused here: a tensor on meta has no values",
    explains: ({ is, ours, torch, has }) =>
      is === "refused here" &&
      ours.is === "refused" &&
      ours.code === "tensor-unsupported" &&
      /a meta tensor/.test(ours.message) &&
      has("location: meta") &&
      !("error" in torch) &&
      Object.values(torch.tensors).some(([, , bytes]) => bytes === "meta"),
  },
  {
    why: "refused here: float4 without dimensions has no shape in safetensors",
    explains: ({ is, ours, torch }) =>
      is === "refused here" &&
      ours.is === "refused" &&
      ours.code === "tensor-unsupported" &&
      !("error" in torch) &&
      Object.values(torch.tensors).some(
        ([dtype, shape]) => dtype === "float4_e2m1fn_x2" && shape.length === 0,
      ),
  },
]

const STRICTER: readonly Cause[] = [
  stricter("legacy version: 1001 as a float", "legacy-layout", /1001/, "a version that is a float"),
  stricter(
    "a storage untyped",
    "storage-dtype",
    /over an untyped storage does not say its dtype/,
    "a tensor over an untyped storage that does not say its dtype: torch takes it for bytes",
  ),
  stricter(
    "a storage of another class",
    "legacy-trailing",
    /follow the last storage/,
    "bytes after the last storage of a legacy file",
  ),
  stricter("metadata", "tensor-metadata", /metadata is .*, not a dict/, "metadata that torch takes for none"),
  stricter(
    "metadata",
    "tensor-metadata",
    /carries the metadata/,
    "metadata that torch does not know, or that says False or 1",
  ),
  stricter("metadata", "tensor-metadata", /has the neg bit/, "a neg bit on a dtype that torch cannot negate"),
  stricter(
    "a neg bit",
    "tensor-metadata",
    /has the neg bit/,
    "a neg bit on a dtype that torch cannot negate",
  ),
  stricter(
    "state",
    "tensor-metadata",
    /attribute|slots|as its state/,
    "state that torch would set on the tensor, or takes for none",
  ),
  stricter(
    "a storage untyped",
    "storage-conflict",
    /is untyped and then/,
    "a storage untyped, then typed: torch takes it for bytes",
  ),
  stricter(
    "a storage of another class",
    "storage-conflict",
    / and then /,
    "a storage under two dtypes: torch keeps the first",
  ),
  stricter(
    "a count that is too large",
    "storage-conflict",
    / and then \d+ bytes/,
    "a storage of two sizes: torch keeps the first",
  ),
  stricter(
    "location: meta",
    "storage-conflict",
    / and then elsewhere/,
    "a storage on meta and elsewhere: torch keeps the first that has bytes",
  ),
  stricter(
    "a record in another case",
    "zip-name|zip-layout|storage-key",
    /./,
    "a record that torch finds in another case",
  ),
  stricter("two records of the version", "zip-name", /version/, "a record that torch finds in another case"),
  stricter("a key that is an int", "storage-reference", /must be text/, "a storage's key that is an integer"),
  stricter(
    "bytes after STOP",
    "pickle-trailing|pickle-protocol",
    /follow the end|does not begin with its protocol/,
    "bytes after the pickle",
  ),
  stricter(
    "frame: ends anywhere",
    "pickle-truncated",
    /a frame ends within an opcode/,
    "a frame that ends between an opcode and its operand, which CPython takes",
  ),
  stricter(
    "frame: one byte shorter",
    "pickle-truncated",
    /a frame ends within an opcode/,
    "a frame that ends between an opcode and its operand, which CPython takes",
  ),
  stricter(
    "requires_grad: None",
    "tensor-argument",
    /requires_grad is None/,
    "None for False, which _rebuild_tensor_v3 alone takes",
  ),
  stricter("sizes: ", "tensor-argument", /not a count/, "sizes that are bools"),
  stricter("an offset that is no int", "tensor-argument", /not a count/, "an offset that is a bool"),
]

const LAXER: readonly Cause[] = [
  laxer(
    "wants gradients",
    /[Oo]nly Tensors of floating point and complex dtype can require gradients/,
    "integers that want gradients, which are dropped here",
  ),
  laxer(
    "location: another",
    /don't know how to restore data location/,
    "a device that this torch has not heard of; its name is not looked at here",
  ),
  laxer(
    "a str of Python 2",
    /UnicodeDecodeError/,
    'a str of Python 2 that is not UTF-8, which torch takes with encoding="latin1"',
  ),
  laxer(
    "wants gradients",
    /a leaf Variable that requires grad is being used in an in-place operation/,
    "a tensor over an untyped storage that wants gradients: torch writes it and cannot read it",
  ),
  laxer(
    "keys that are equal",
    /UnicodeDecodeError/,
    'a str of Python 2 that is not UTF-8, which torch takes with encoding="latin1"',
  ),
  laxer("version: absent", /hasRecord\("version"\)/, "no record of the version"),
  laxer(
    ".storage_alignment",
    /invalid literal for int/,
    "the record .storage_alignment is no number; it is not looked at here",
  ),
  {
    why: "refused by torch: a negated tensor of uint16, uint32 or uint64, which torch has no kernel for",
    explains: ({ is, torch }) =>
      is === "refused by torch" &&
      "error" in torch &&
      /"neg_cpu" not implemented for 'UInt\d+'/.test(torch.error),
  },
]

/** The bytes, in parts of this many, of both. */
function parts(hex: string, bytes: number): readonly string[] {
  return hex.match(new RegExp(`.{${2 * bytes}}`, "g")) ?? []
}

const reversed = (part: string): string => (part.match(/../g) ?? []).toReversed().join("")

/** Whether the tensors are alike but for bytes, and each part that differs differs so. */
function differIn(
  difference: Difference,
  dtypes: RegExp,
  bytes: number,
  allowed: (mine: string, other: string) => boolean,
): boolean {
  if (difference.is !== "another tensor") return false
  const { mine, other } = difference
  if (mine === undefined || other === undefined || mine.dtype !== other.dtype) return false
  if (String(mine.shape) !== String(other.shape) || !dtypes.test(mine.dtype)) return false
  const theirs = parts(other.bytes, bytes)
  return parts(mine.bytes, bytes).every((part, i) => part === theirs[i] || allowed(part, theirs[i] ?? ""))
}

const SIZES: Readonly<Record<string, number>> = { C64: 4, F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4 }

function word(part: string): number {
  return Number.parseInt(reversed(part), 16)
}

const isNaN16 = (exponent: number) => (part: string) => {
  const bits = word(part)
  return (bits & exponent) === exponent && (bits & 0x7fff) > exponent
}

const isNothing32 = (part: string): boolean => {
  const magnitude = word(part) % 0x8000_0000
  return magnitude === 0 || magnitude > 0x7f80_0000
}

const OTHER_BYTES: readonly Cause[] = [
  {
    why: "other bytes: a big-endian tensor over an untyped storage, whose bytes torch does not swap",
    explains: (difference) =>
      difference.is === "another tensor" &&
      difference.byteOrder === "big" &&
      differIn(difference, /./, SIZES[difference.mine?.dtype ?? ""] ?? 2, (mine, other) =>
        isSwapped(difference, mine, other),
      ),
  },
  {
    why: "other bytes: NaNs of two bytes, negated: torch gives others where it negates 32 in a row at once",
    explains: (difference) =>
      difference.is === "another tensor" &&
      difference.bits.includes("n") &&
      (differIn(difference, /^F16$/, 2, (a, b) => isNaN16(0x7c00)(a) && isNaN16(0x7c00)(b)) ||
        differIn(difference, /^BF16$/, 2, (a, b) => isNaN16(0x7f80)(a) && isNaN16(0x7f80)(b))),
  },
  {
    why: "other bytes: zeros and NaNs of a complex tensor with a neg or conj bit, whose signs depend on the processor",
    explains: (difference) =>
      difference.is === "another tensor" &&
      difference.bits !== "" &&
      differIn(difference, /^C64$/, 4, (a, b) => isNothing32(a) && isNothing32(b)),
  },
]

/** Whether both are the same part in the two byte orders, each negated in its own where there are such bits. */
function isSwapped({ mine: tensor, bits }: AnotherTensor, mine: string, other: string): boolean {
  if (mine === reversed(other)) return true
  if (bits === "" || tensor === undefined) return false
  // A NaN in either order has become another one.
  if (tensor.dtype === "F16" && [mine, other].some(isNaN16(0x7c00))) return true
  if (tensor.dtype === "BF16" && [mine, other].some(isNaN16(0x7f80))) return true
  if (/^[IU]/.test(tensor.dtype)) return negated(mine) === reversed(negated(other))
  return [mine, flipped(mine)].some((each) => [other, flipped(other)].map(reversed).includes(each))
}

/** As two's complement. */
function negated(part: string): string {
  const bits = 4 * part.length
  const value = BigInt.asUintN(bits, -BigInt(`0x${reversed(part)}`))
  return reversed(value.toString(16).padStart(part.length, "0"))
}

/** The other sign. */
function flipped(part: string): string {
  const last = Number.parseInt(part.slice(-2), 16) ^ 0x80
  return part.slice(0, -2) + last.toString(16).padStart(2, "0")
}

export const CAUSES: readonly Cause[] = [
  ...refusedNames,
  ...UNSUPPORTED,
  ...STRICTER,
  ...LAXER,
  ...OTHER_BYTES,
]
