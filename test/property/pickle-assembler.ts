/** Writes pickles as Python does, of the values that checkpoints hold. */

import { Float, isTestTensor, type TestTensor, type TestValue, Tuple } from "./model.ts"

/** What differs between the files that torch has written over the years. */
export interface PickleStyle {
  readonly protocol: 2 | 4
  /** Whether dictionaries are OrderedDicts. */
  readonly ordered: boolean
  /** Whether tensors that are one object are written once and recalled. */
  readonly memo: boolean
  /** Legacy persistent ids have a sixth field. */
  readonly layout: "zip" | "legacy"
}

const byte = (text: string): number => text.charCodeAt(0)

/** The pickle of `value`. */
export function pickle(value: TestValue, style: PickleStyle): Uint8Array {
  const pickler = new Pickler(style)
  pickler.put(value)
  return pickler.finish()
}

class Pickler {
  readonly #style: PickleStyle
  readonly #parts: Buffer[] = []
  readonly #memo = new Map<TestTensor, number>()

  constructor(style: PickleStyle) {
    this.#style = style
  }

  finish(): Uint8Array {
    const body = Buffer.concat([...this.#parts, Buffer.from(".")])
    if (this.#style.protocol === 2) return Buffer.concat([Buffer.of(0x80, 2), body])
    const frame = Buffer.alloc(9)
    frame[0] = 0x95
    frame.writeBigUInt64LE(BigInt(body.length), 1)
    return Buffer.concat([Buffer.of(0x80, 4), frame, body])
  }

  put(value: TestValue): void {
    if (value === null) this.#op("N")
    else if (typeof value === "boolean") this.#bytes(value ? 0x88 : 0x89)
    else if (typeof value === "number" || typeof value === "bigint") this.#integer(BigInt(value))
    else if (typeof value === "string") this.#text(value)
    else if (value instanceof Float) this.#float(value.value)
    else if (value instanceof Tuple) this.#tuple(...value.items.map((item) => () => this.put(item)))
    else if (isTestTensor(value)) this.#tensorOnce(value)
    else if (value instanceof Map) this.#dict(value, this.#style.ordered)
    else if (Array.isArray(value)) this.#list(value)
  }

  #op(opcode: string): void {
    this.#bytes(byte(opcode))
  }

  #bytes(...bytes: readonly number[]): void {
    this.#parts.push(Buffer.from(bytes))
  }

  #integer(value: bigint): void {
    if (value >= 0n && value < 256n) {
      this.#bytes(byte("K"), Number(value))
    } else if (value >= -0x80000000n && value <= 0x7fffffffn) {
      const operand = Buffer.alloc(5, "J")
      operand.writeInt32LE(Number(value), 1)
      this.#parts.push(operand)
    } else {
      const digits: number[] = []
      for (let left = value; left !== 0n && left !== -1n; left >>= 8n) digits.push(Number(left & 255n))
      const top = digits.at(-1) ?? 0
      // The top bit is the sign: another byte where it would say the wrong thing.
      if (value > 0n !== top < 128) digits.push(value > 0n ? 0 : 255)
      this.#bytes(0x8a, digits.length, ...digits)
    }
  }

  #text(text: string): void {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    if (this.#style.protocol === 4 && bytes.length < 256) this.#bytes(0x8c, bytes.length)
    else this.#parts.push(Buffer.from("X"), length)
    this.#parts.push(bytes)
  }

  #float(value: number): void {
    const operand = Buffer.alloc(9, "G")
    operand.writeDoubleBE(value, 1)
    this.#parts.push(operand)
  }

  #global(module: string, name: string): void {
    if (this.#style.protocol === 2) {
      this.#parts.push(Buffer.from(`c${module}\n${name}\n`))
    } else {
      this.#text(module)
      this.#text(name)
      this.#bytes(0x93)
    }
  }

  #tuple(...items: readonly (() => void)[]): void {
    if (items.length === 0) this.#op(")")
    if (items.length > 3) this.#op("(")
    for (const item of items) item()
    if (items.length > 3) this.#op("t")
    else if (items.length > 0) this.#bytes(0x84 + items.length)
  }

  #dict(entries: ReadonlyMap<string | number, TestValue>, ordered: boolean): void {
    if (ordered) {
      this.#global("collections", "OrderedDict")
      this.#op(")")
      this.#op("R")
    } else {
      this.#op("}")
    }
    if (entries.size === 0) return
    this.#op("(")
    for (const [key, value] of entries) {
      this.put(key)
      this.put(value)
    }
    this.#op("u")
  }

  #list(items: readonly TestValue[]): void {
    this.#op("]")
    if (items.length === 0) return
    this.#op("(")
    for (const item of items) this.put(item)
    this.#op("e")
  }

  #tensorOnce(tensor: TestTensor): void {
    const known = this.#memo.get(tensor)
    if (known !== undefined) {
      this.#bytes(byte("h"), known)
      return
    }
    if (tensor.parameter) this.#parameter(tensor)
    else this.#tensor(tensor)
    if (!this.#style.memo || this.#memo.size > 255) return
    if (this.#style.protocol === 4) this.#bytes(0x94)
    else this.#bytes(byte("q"), this.#memo.size)
    this.#memo.set(tensor, this.#memo.size)
  }

  #parameter(tensor: TestTensor): void {
    this.#global("torch._utils", "_rebuild_parameter")
    this.#tuple(
      () => this.#tensor(tensor),
      () => this.put(true),
      () => this.#dict(new Map(), true),
    )
    this.#op("R")
  }

  #tensor(tensor: TestTensor): void {
    const { dtype, offset, shape, strides, conj, neg, viewStart } = tensor
    const untyped = tensor.untyped || tensor.storage.dtype === undefined
    const metadata = new Map([
      ...(conj ? [["conj", true] as const] : []),
      ...(neg ? [["neg", true] as const] : []),
    ])
    this.#global("torch._utils", untyped ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
    this.#tuple(
      () => this.#storage(tensor, untyped),
      () => this.put(offset - viewStart),
      () => this.put(new Tuple(shape)),
      () => this.put(new Tuple(strides)),
      () => this.put(false),
      () => this.#dict(new Map(), true),
      ...(untyped ? [() => this.#global("torch", dtype.torch)] : []),
      ...(metadata.size > 0 ? [() => this.#dict(metadata, false)] : []),
    )
    this.#op("R")
  }

  #storage({ storage, viewStart }: TestTensor, untyped: boolean): void {
    const { key, dtype, bytes } = storage
    const count = untyped ? bytes.length : bytes.length / (dtype?.itemBytes ?? 1)
    const view =
      viewStart === 0
        ? null
        : new Tuple([`${key}-view-${viewStart}-${untyped}`, viewStart, count - viewStart])
    this.#tuple(
      () => this.put("storage"),
      () =>
        untyped
          ? this.#global("torch.storage", "UntypedStorage")
          : this.#global("torch", dtype?.storageClass ?? ""),
      () => this.put(key),
      () => this.put("cpu"),
      () => this.put(count),
      ...(this.#style.layout === "legacy" ? [() => this.put(view)] : []),
    )
    this.#op("Q")
  }
}
