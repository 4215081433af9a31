/** An origin private file system and locks in memory, as far as spilling uses them, which fail where they are told to. */

/** What can be told to fail. */
export type FileOperation =
  | "getDirectory"
  | "getFileHandle"
  | "createWritable"
  | "truncate"
  | "write"
  | "close"
  | "getFile"
  | "removeEntry"

/** What a `navigator` has of it. `createWritable` is found in `FileSystemFileHandle`. */
export class FakeFiles {
  /** Bytes by name, of the only folder. A file that is not closed is empty. */
  readonly entries = new Map<string, Uint8Array>()
  /** Names of the folders that were made. */
  readonly folders = new Set<string>()
  /** Names of the locks that are held. */
  readonly held = new Set<string>()
  /** What fails, and with what. */
  readonly failing = new Map<FileOperation, Error>()
  /** Streams that were neither closed nor aborted. */
  writing = 0

  readonly storage = {
    getDirectory: async () => {
      this.#strike("getDirectory")
      return { getDirectoryHandle: async (name: string) => this.#folder(name) }
    },
  }

  readonly locks = {
    request: async (name: string, ...rest: readonly unknown[]): Promise<unknown> => {
      const work = rest.at(-1) as (lock: object | null) => Promise<unknown>
      if (this.held.has(name)) return work(null)
      this.held.add(name)
      return work({ name }).finally(() => this.held.delete(name))
    },
  }

  #folder(folder: string): object {
    this.folders.add(folder)
    return {
      keys: () => this.entries.keys(),
      getFileHandle: async (name: string) => {
        this.#strike("getFileHandle")
        this.entries.set(name, new Uint8Array(0))
        return this.#file(name)
      },
      removeEntry: async (name: string) => {
        this.#strike("removeEntry")
        if (this.writing > 0) throw new DOMException("it is being written", "NoModificationAllowedError")
        if (!this.entries.delete(name)) throw new DOMException("it is gone", "NotFoundError")
      },
    }
  }

  #file(name: string): object {
    return {
      createWritable: async () => {
        this.#strike("createWritable")
        this.writing += 1
        return this.#writable(name)
      },
      getFile: async () => {
        this.#strike("getFile")
        return new File([this.entries.get(name) as Uint8Array<ArrayBuffer>], name)
      },
    }
  }

  #writable(name: string): object {
    let bytes = new Uint8Array(0)
    const end = (): void => {
      this.writing -= 1
    }
    return {
      truncate: async (length: number) => {
        this.#strike("truncate")
        bytes = new Uint8Array(length)
      },
      write: async ({ position, data }: { position: number; data: Uint8Array }) => {
        this.#strike("write")
        bytes.set(data, position)
      },
      close: async () => {
        this.#strike("close")
        this.entries.set(name, bytes)
        end()
      },
      abort: async () => {
        if (this.writing === 0) throw new TypeError("it is closed")
        end()
      },
    }
  }

  #strike(operation: FileOperation): void {
    const failure = this.failing.get(operation)
    if (failure !== undefined) throw failure
  }
}
