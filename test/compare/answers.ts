/** What the library and torch make of one checkpoint, in the same words. */

import { type AnyCheckpointError, isCheckpointError, toSafetensorsBytes } from "../../src/node/index.ts"
import { dtypeNamed } from "../property/dtypes.ts"

export interface AnsweredTensor {
  /** safetensors' name. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** In hexadecimal; "meta" for one without. */
  readonly bytes: string
}

export interface Accepted {
  readonly is: "accepted"
  readonly tensors: ReadonlyMap<string, AnsweredTensor>
}

export interface OwnRefusal {
  readonly is: "refused"
  readonly code: AnyCheckpointError["code"]
  readonly message: string
}

/** What load_with_torch.py writes. */
export type TorchLine =
  | { readonly error: string; readonly by?: "CPython" }
  | {
      readonly tensors: Readonly<Record<string, readonly [string, readonly number[], string, string]>>
      readonly odd: boolean
      readonly repeated: boolean
      readonly by?: "CPython"
    }

export async function convert(bytes: Uint8Array): Promise<Accepted | OwnRefusal> {
  try {
    const output = await toSafetensorsBytes(bytes, { root: "all", shared: "copy" })
    return { is: "accepted", tensors: readTensors(output.bytes) }
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    return { is: "refused", code: error.code, message: error.message }
  }
}

function readTensors(file: Uint8Array): ReadonlyMap<string, AnsweredTensor> {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const start = 8 + Number(buffer.readBigUInt64LE(0))
  const header = JSON.parse(buffer.toString("utf8", 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors = new Map<string, AnsweredTensor>()
  for (const [name, { dtype, shape, data_offsets: place }] of Object.entries(header)) {
    if (name === "__metadata__") continue
    const bytes = buffer.toString("hex", start + (place?.[0] ?? 0), start + (place?.[1] ?? 0))
    tensors.set(name, { dtype, shape, bytes })
  }
  return tensors
}

/** torch's tensors, under safetensors' names of dtypes and shapes. */
export function torchTensors(
  line: Extract<TorchLine, { tensors: unknown }>,
): ReadonlyMap<string, AnsweredTensor> {
  const tensors = new Map<string, AnsweredTensor>()
  for (const [name, [torch, shape, bytes]] of Object.entries(line.tensors)) {
    const { safetensors: dtype } = dtypeNamed(torch)
    const last = shape.at(-1)
    const isPacked = dtype === "F4" && last !== undefined
    tensors.set(name, { dtype, shape: isPacked ? [...shape.slice(0, -1), 2 * last] : shape, bytes })
  }
  return tensors
}
