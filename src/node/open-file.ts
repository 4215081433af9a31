/** An open file by its descriptor: what a `FileHandle` can do, also for one that another process has opened. */

import type { Stats } from "node:fs"
import { fstat, read, write } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { NOTHING_TAKEN } from "./system-errors.ts"

/** What reading and writing at positions needs. A `FileHandle` has all of it. */
export interface OpenFile {
  readonly fd: number
  read(
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>
  stat(): Promise<Stats>
  close(): Promise<void>
}

/** Written at once. Larger writes can be far slower: see file-copier.ts. */
const WRITE_BYTES = 64 * 1024

/** Writes all of `bytes` at `position`, however many the system takes at a time. */
export async function writeAll(
  file: Pick<FileHandle, "write"> | OpenFile,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const room = WRITE_BYTES - ((position + done) % WRITE_BYTES)
    const length = Math.min(room, bytes.byteLength - done)
    const { bytesWritten } = await file.write(bytes, done, length, position + done)
    if (bytesWritten === 0) throw new Error(NOTHING_TAKEN)
    done += bytesWritten
  }
}

/** The file behind a descriptor that this process was started with. It stays open until the process ends. */
export function inheritedFile(fd: number): OpenFile {
  return {
    fd,
    read: (target, offset, length, position) =>
      new Promise((resolve, reject) => {
        read(fd, target, offset, length, position, (error, bytesRead) => {
          if (error === null) resolve({ bytesRead })
          else reject(error)
        })
      }),
    write: (bytes, offset, length, position) =>
      new Promise((resolve, reject) => {
        write(fd, bytes, offset, length, position, (error, bytesWritten) => {
          if (error === null) resolve({ bytesWritten })
          else reject(error)
        })
      }),
    stat: () =>
      new Promise((resolve, reject) => {
        fstat(fd, (error, stats) => {
          if (error === null) resolve(stats)
          else reject(error)
        })
      }),
    close: async () => {},
  }
}
