/**
 * What a case of the corpus is. Its file is made by our own code when it is asked for, the same bytes each time, and
 * without anything of Node's, so that a page can make it too.
 */

import type { ByteSource, ConvertOptions, ErrorCode, Limits } from "../../src/index.ts"
import type { HeaderRule } from "../../src/safetensors/header-rules.ts"
import type { SectionId } from "./sections.ts"

/** A file that is not all in memory. `fingerprint` tells it from every other one. */
export interface MadeSource extends ByteSource {
  readonly fingerprint: string
}

/** What the error must say. Only what the format makes definite is given. */
export interface ExpectedError {
  readonly code: ErrorCode
  /** Byte offset, in the file or in `within`. For globals, of the first that is listed. */
  readonly at?: number | undefined
  readonly within?: string | undefined
  readonly limit?: keyof Limits | undefined
  /** All globals that the error lists, in order. */
  readonly globals?: readonly string[] | undefined
  /** The tensor or tensors that it names, in order. */
  readonly names?: readonly string[] | undefined
}

interface AnyCase {
  /** Unique in the corpus and stable. */
  readonly name: string
  /** The row of the threat model that it proves. */
  readonly section: SectionId
  readonly bytes: () => Uint8Array | MadeSource
}

/** A file that must be refused. */
export interface HostileCase extends AnyCase {
  readonly expect: ExpectedError
  readonly options?: ConvertOptions | undefined
  /** Bytes of the output may have been written before the fault can be seen; it must not have been finished. */
  readonly whileMoving?: boolean | undefined
}

/** A safetensors file that must be refused, and the rules that it breaks, in the order in which they are found. */
export interface HostileHeaderCase extends AnyCase {
  readonly rules: readonly HeaderRule[]
  /** Byte offset of the first finding. */
  readonly at?: number | undefined
  readonly limits?: Partial<Limits> | undefined
}

/** A tensor of the file that must come out. */
export interface ExpectedTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** An odd file that must convert to exactly these tensors. */
export interface LegalCase extends AnyCase {
  readonly options?: ConvertOptions | undefined
  readonly tensors: readonly ExpectedTensor[]
  /** The metadata besides `format`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** An odd safetensors file that must be found valid, with these tensors in the header's order. */
export interface LegalHeaderCase extends AnyCase {
  readonly tensorNames: readonly string[]
}

/** A file most of which is zeros. */
export function sparseFile(
  byteLength: number,
  parts: readonly (readonly [offset: number, bytes: Uint8Array])[],
): MadeSource {
  return {
    byteLength,
    fingerprint: `${byteLength}:${parts.map(([offset, bytes]) => `${offset}=${[...bytes].join()}`).join(";")}`,
    async read(offset, length) {
      const wanted = new Uint8Array(length)
      for (const [start, bytes] of parts) {
        const from = Math.max(start, offset)
        const to = Math.min(start + bytes.length, offset + length)
        if (from < to) wanted.set(bytes.subarray(from - start, to - start), from - offset)
      }
      return wanted
    },
  }
}
