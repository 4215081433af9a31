/**
 * `Symbol.asyncDispose` for types alone: a TypeScript that has no library for it reads our types all the same. Where it has
 * one, this says the same once more, as Node's own types do.
 */

declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>
  }
}

export {}
