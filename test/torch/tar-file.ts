/** Tar archives as their format says, on purpose made by no tool. */

import { join } from "../archive/zip-builder.ts"
import { latin1 } from "../pickle/assemble.ts"

/** A member, and what is odd about its header. */
export interface TarMember {
  readonly name: string
  readonly data?: Uint8Array
  readonly type?: string
  readonly prefix?: string
  /** Old tar has none; GNU's and POSIX's differ. */
  readonly magic?: string
}

/** An archive of `members`, with the two blocks of zeros at its end. */
export function tarOf(members: readonly TarMember[]): Uint8Array {
  const parts = members.flatMap((member) => [header(member), padded(member.data ?? new Uint8Array(0))])
  return join(...parts, new Uint8Array(1024))
}

function header({ name, data, type = "0", prefix = "", magic = "ustar\x0000" }: TarMember): Uint8Array {
  const block = new Uint8Array(512)
  const put = (at: number, text: string): void => block.set(latin1(text), at)
  put(0, name)
  put(100, "0000644\0")
  put(124, `${(data?.length ?? 0).toString(8).padStart(11, "0")}\0`)
  put(136, "00000000000\0")
  put(148, " ".repeat(8))
  put(156, type)
  put(257, magic)
  put(345, prefix)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `)
  return block
}

function padded(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(data.length / 512) * 512)
  bytes.set(data)
  return bytes
}
