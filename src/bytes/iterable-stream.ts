/** What yields bytes, as a stream: Node's `Readable` for one, whose own `toWeb` fails when it is cancelled midway. */

/** The pieces of `iterable` as a stream. Cancelling it destroys what can be destroyed, even while a piece is awaited. */
export function iterableStream(iterable: AsyncIterable<unknown>): ReadableStream<unknown> {
  let iterator: AsyncIterator<unknown> | undefined
  return new ReadableStream(
    {
      async pull(controller) {
        iterator ??= iterable[Symbol.asyncIterator]()
        const { done, value } = await iterator.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        const { destroy } = iterable as { readonly destroy?: unknown }
        if (typeof destroy === "function") destroy.call(iterable)
        // Waits for the piece that is awaited, and nobody waits for it.
        else iterator?.return?.().catch(() => {})
      },
    },
    { highWaterMark: 0 },
  )
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    Symbol.asyncIterator in value &&
    typeof value[Symbol.asyncIterator] === "function"
  )
}
