/** Node's own streams as outputs: a file, a socket, an answer of `http`, a compressor. */

import { Writable } from "node:stream"

/** A `Writable` of Node that takes bytes. It is ended at the end, or destroyed. */
export interface NodeWritable {
  readonly writable: boolean
  write(chunk: Uint8Array): boolean
  end(): unknown
  destroy(error?: Error): unknown
}

/** As a web stream; undefined for anything else. */
export function fromNodeWritable(output: unknown): WritableStream<Uint8Array> | undefined {
  return output instanceof Writable ? (Writable.toWeb(output) as WritableStream<Uint8Array>) : undefined
}
