/** What scripts/runtimes.mjs puts into the bundle of the suite. */
declare module "embedded-files" {
  import type { CorpusCase } from "../corpus.ts"

  /** The folders of test/fixtures that have a manifest, with all their files. */
  export const FOLDERS: readonly {
    readonly name: string
    readonly cases: readonly CorpusCase[]
    readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  }[]

  /** examples/tiny-transformer.pt. */
  export const EXAMPLE: Uint8Array<ArrayBuffer>
}
