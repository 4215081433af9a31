/** The members of an archive, in directory order and by name. One table of names serves both this and the reading. */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import type { NameRegister } from "./name-register.ts"

/** Members by exact name. Folders, which hold nothing, are left out. */
export class MemberTable {
  readonly #names: NameRegister
  /** By the numbers that the register gave their names; undefined for folders. */
  readonly #numbered: readonly (ByteExtent | undefined)[]
  readonly #extents: readonly ByteExtent[]

  constructor(names: NameRegister, numbered: readonly (ByteExtent | undefined)[]) {
    this.#names = names
    this.#numbered = numbered
    this.#extents = numbered.filter((extent) => extent !== undefined)
  }

  get size(): number {
    return this.#extents.length
  }

  get(name: string): ByteExtent | undefined {
    const number = this.#names.numberOf(name)
    const extent = number === undefined ? undefined : this.#numbered[number]
    return extent?.name === name ? extent : undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** In directory order. */
  values(): readonly ByteExtent[] {
    return this.#extents
  }

  /** In directory order. */
  keys(): readonly string[] {
    return this.#extents.map(({ name }) => name)
  }
}
