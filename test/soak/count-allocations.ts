/**
 * Counts the bytes of every ArrayBuffer that is made while a mutant is watched, used or not.
 *
 * Buffers lie outside V8's heap, and one that is never written to takes no memory that the system would show; a reader
 * that believes a length in the file is found only here. Must be imported before everything else, because modules may
 * keep the constructors that they found.
 */

export const allocations = { watching: false, bytes: 0 }

type BufferConstructor = new (...args: unknown[]) => ArrayBuffer | ArrayBufferView

function counted<C extends BufferConstructor>(original: C): C {
  return new Proxy(original, {
    construct(target, args: unknown[], newTarget) {
      const made = Reflect.construct(target, args, newTarget === proxyOf.get(target) ? target : newTarget) as
        | ArrayBuffer
        | ArrayBufferView
      // A view of a buffer that exists takes nothing.
      if (allocations.watching && !(args[0] instanceof ArrayBuffer)) allocations.bytes += made.byteLength
      return made
    },
  })
}

const proxyOf = new Map<unknown, unknown>()

for (const name of [
  ...([
    "ArrayBuffer",
    "Uint8Array",
    "Int8Array",
    "Uint16Array",
    "Int16Array",
    "Uint32Array",
    "Int32Array",
  ] as const),
  ...(["Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"] as const),
]) {
  const original = globalThis[name] as unknown as BufferConstructor
  const proxy = counted(original)
  proxyOf.set(original, proxy)
  Object.assign(globalThis, { [name]: proxy })
}
