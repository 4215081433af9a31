/** Hand-written safetensors files. */

/** A file of the header `json` (text, or bytes), `dataByteLength` zeros, and a length prefix that may lie. */
export function fileOf(json: string | Uint8Array, dataByteLength = 0, headerByteLength?: bigint): Uint8Array {
  const header = typeof json === "string" ? new TextEncoder().encode(json) : json
  const bytes = new Uint8Array(8 + header.length + dataByteLength)
  new DataView(bytes.buffer).setBigUint64(0, headerByteLength ?? BigInt(header.length), true)
  bytes.set(header, 8)
  return bytes
}

/** An entry of four bytes, with fields laid over it. Values are JSON text; an empty one leaves the field out. */
export function entry(fields: Readonly<Record<string, string>> = {}): string {
  const all = { dtype: '"U8"', shape: "[4]", data_offsets: "[0,4]", ...fields }
  const written = Object.entries(all).filter(([, value]) => value !== "")
  return `{${written.map(([key, value]) => `"${key}":${value}`).join(",")}}`
}
