/**
 * Writes the header of a safetensors file, byte for byte as `safetensors.torch.save_file` 0.8 does: compact JSON,
 * `__metadata__` first, entries {dtype, shape, data_offsets} by dtype rank descending and then by name, spaces up to
 * a multiple of 8 (`prepare` in safetensors/src/tensor.rs).
 *
 * Entries are written one by one and never through a plain object, which would reorder integer-like names and lose
 * `__proto__`. `JSON.stringify` of a well-formed string escapes exactly what serde_json does: quotation mark,
 * backslash, and the controls below U+0020.
 *
 * Two cases differ on purpose. Several metadata keys are sorted, where the reference's order changes from run to run.
 * And without tensors an empty metadata map is `{"__metadata__":{}}`, where 0.8.0 writes `{},"__metadata__":{}}`, which
 * its own reader refuses.
 */

import { INVALID_ARGUMENT } from "../bytes/errors.ts"
import { allocate } from "../bytes/failures.ts"
import { sortedSteps } from "../bytes/sorted.ts"
import { STEP_BYTES, STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { CheckpointError } from "../errors/checkpoint-error.ts"
import { DEFAULT_LIMITS, type Limits } from "../limits/limits.ts"
import { requireWithin } from "../limits/require-within.ts"
import { quoteText } from "../text/quote-text.ts"
import { dtypeFacts, type SafetensorsDtype, tensorByteLength } from "./dtypes.ts"
import { NAME_DUPLICATE, NAME_ENCODING, NAME_RESERVED } from "./errors.ts"
import { LENGTH_PREFIX_BYTES, METADATA_KEY } from "./header-rules.ts"
import { compareUtf8, sortTensorsSteps } from "./name-order.ts"

/** A name or key above this is a step of its own. */
const LONG_TEXT = STEP_BYTES / 64

/** A surrogate without its partner (in `u` mode pairs are one character). UTF-8 cannot hold it. */
const LONE_SURROGATE = /[\ud800-\udfff]/u

/** What the header says about one tensor, except where it lies. */
export interface HeaderTensor {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** Bytes of its data; must be what `dtype` and `shape` make. */
  readonly byteLength: number
}

/** A tensor and its range `[start, end)` in the tensor data, which begins where the header ends. */
interface PlacedTensor<Tensor> {
  readonly tensor: Tensor
  readonly start: number
  readonly end: number
}

/** A header, and the layout that it describes. */
export interface WrittenHeader<Tensor> {
  /** JSON, and spaces up to a multiple of 8 bytes. */
  readonly text: string
  /** Bytes of the header with the length that stands before it: where the tensor data begins. */
  readonly byteLength: number
  /** The tensors as given, in file order. */
  readonly tensors: readonly PlacedTensor<Tensor>[]
  /** Bytes of tensor data that follow the header. */
  readonly dataByteLength: number
}

/**
 * The header for `tensors`, given in any order, in steps. Metadata keys are sorted; undefined metadata is left out, an empty one
 * is written as `{}`.
 *
 * @throws `name-reserved`, `name-encoding`, `name-duplicate` for a name the format cannot hold; `limit-exceeded` above
 *   `maxHeaderBytes`; `invalid-argument` when a size does not fit its dtype and shape, or metadata is not text.
 */
export function* writeHeaderSteps<Tensor extends HeaderTensor>(
  tensors: readonly Tensor[],
  metadata?: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
  limits: Limits = DEFAULT_LIMITS,
): Steps<WrittenHeader<Tensor>> {
  const byName = yield* checkNames(tensors)
  const blocks = new TextBlocks((length) => requireWithin(limits, "maxHeaderBytes", length, "header"))
  blocks.add("{")
  if (metadata !== undefined) yield* writeMetadata(blocks, metadata)
  let start = 0
  let comma = metadata === undefined ? "" : ","
  const placed: PlacedTensor<Tensor>[] = []
  for (const tensor of yield* sortTensorsSteps(tensors, byName)) {
    if (placed.length % STEP_ITEMS === 0 || tensor.name.length > LONG_TEXT) yield
    const end = endOf(tensor, start)
    blocks.add(`${comma}${JSON.stringify(tensor.name)}:${describe(tensor, start, end)}`)
    comma = ","
    placed.push({ tensor, start, end })
    start = end
  }
  blocks.add("}")
  const textByteLength = blocks.padTo(8)
  requireWithin(limits, "maxHeaderBytes", textByteLength, "header")
  const byteLength = LENGTH_PREFIX_BYTES + textByteLength
  return { text: blocks.text, byteLength, tensors: placed, dataByteLength: start }
}

function describe(tensor: HeaderTensor, start: number, end: number): string {
  return `{"dtype":"${tensor.dtype}","shape":[${tensor.shape.join(",")}],"data_offsets":[${start},${end}]}`
}

/** The tensors by name, once every name is one that the format and its readers can hold. */
function* checkNames<Tensor extends HeaderTensor>(
  tensors: readonly Tensor[],
): Steps<ReadonlyMap<string, Tensor>> {
  const byName = new Map<string, Tensor>()
  let index = -1
  for (const tensor of tensors) {
    index++
    const { name } = tensor
    if (index % STEP_ITEMS === 0 || name.length > LONG_TEXT) yield
    if (name === METADATA_KEY) {
      throw new CheckpointError(NAME_RESERVED, { name, problem: "the format keeps this name for metadata" })
    }
    if (LONE_SURROGATE.test(name)) {
      throw new CheckpointError(NAME_ENCODING, { name, problem: "a lone surrogate has no UTF-8 form" })
    }
    if (name.includes("\0")) {
      throw new CheckpointError(NAME_ENCODING, {
        name,
        problem: "a NUL character ends the name in C readers",
      })
    }
    byName.set(name, tensor)
  }
  if (byName.size < tensors.length) throw duplicateName(tensors)
  return byName
}

function duplicateName(tensors: readonly HeaderTensor[]): CheckpointError {
  const seen = new Set<string>()
  const name = tensors.find((tensor) => seen.size === seen.add(tensor.name).size)?.name ?? ""
  return new CheckpointError(NAME_DUPLICATE, { name, problem: "two tensors have this name" })
}

function* writeMetadata(
  blocks: TextBlocks,
  metadata: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
): Steps<void> {
  const entries: readonly [string, unknown][] =
    metadata instanceof Map ? [...metadata] : Object.entries(metadata)
  const sorted = yield* sortedSteps(entries, ([a], [b]) => compareUtf8(a, b))
  blocks.add(`"${METADATA_KEY}":{`)
  let comma = ""
  let index = -1
  for (const [key, value] of sorted) {
    index++
    if (index % STEP_ITEMS === 0 || key.length > LONG_TEXT) yield
    if (typeof value !== "string") throw badMetadata(`the value of ${quoteText(key)} is not a string`)
    if (LONE_SURROGATE.test(key) || LONE_SURROGATE.test(value)) {
      throw badMetadata(`${quoteText(key)} holds a lone surrogate, which has no UTF-8 form`)
    }
    blocks.add(`${comma}${JSON.stringify(key)}:${JSON.stringify(value)}`)
    comma = ","
  }
  blocks.add("}")
}

function badMetadata(problem: string): CheckpointError {
  return new CheckpointError(INVALID_ARGUMENT, { argument: "metadata", problem })
}

/** Where a tensor that begins at `start` ends. */
function endOf(tensor: HeaderTensor, start: number): number {
  const { name, dtype, shape, byteLength } = tensor
  const expected = tensorByteLength(dtypeFacts(dtype).bitsPerElement, shape)
  const end = start + byteLength
  if (expected === byteLength && Number.isSafeInteger(end)) return end
  throw new CheckpointError(INVALID_ARGUMENT, {
    argument: "tensors",
    problem: `${quoteText(name)}: ${byteLength} bytes for ${dtype} [${shape.join(", ")}], not ${expected}`,
  })
}

/** A header as it stands in a file: the length of its text, then the text. */
export function headerBytes(text: string): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(text)
  const bytes = allocate(LENGTH_PREFIX_BYTES + encoded.byteLength, "the header")
  new DataView(bytes.buffer).setBigUint64(0, BigInt(encoded.byteLength), true)
  bytes.set(encoded, LENGTH_PREFIX_BYTES)
  return bytes
}

/** UTF-16 units that are gathered before they are counted: large enough that counting costs little per piece. */
const BLOCK_UNITS = 65_536

const ASCII = /^[\0-\x7f]*$/

/** Gathers text. */
class TextBlocks {
  readonly #encoder = new TextEncoder()
  readonly #blocks: string[] = []
  readonly #onGrow: (byteLength: number) => void
  #pending = ""
  #byteLength = 0

  /** `onGrow` is told the size after each block, and stops the writing by throwing. */
  constructor(onGrow: (byteLength: number) => void) {
    this.#onGrow = onGrow
  }

  /** Adds well-formed text. */
  add(text: string): void {
    this.#pending += text
    if (this.#pending.length >= BLOCK_UNITS) this.#flush()
  }

  /** Adds spaces up to a multiple of `size` bytes, and returns how many bytes there are. */
  padTo(size: number): number {
    this.#flush()
    const missing = (size - (this.#byteLength % size)) % size
    this.#pending = " ".repeat(missing)
    this.#byteLength += missing
    return this.#byteLength
  }

  /** Everything so far. */
  get text(): string {
    return this.#blocks.join("") + this.#pending
  }

  #flush(): void {
    if (this.#pending === "") return
    const block = this.#pending
    this.#pending = ""
    this.#blocks.push(block)
    this.#byteLength += ASCII.test(block) ? block.length : this.#encoder.encode(block).byteLength
    this.#onGrow(this.#byteLength)
  }
}
