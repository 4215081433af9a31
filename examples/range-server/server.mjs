/**
 * Serves a checkpoint as `model.safetensors`, a file that is never written: each part of it is made when it is asked for.
 *
 *   node examples/range-server/server.mjs model.pt [port]
 *   curl --range 0-7 http://localhost:8000/model.safetensors | xxd
 *
 * The checkpoint is a path or a URL. In a clone, build first: `npm ci`.
 */

import { createHash } from "node:crypto"
import { once } from "node:events"
import { stat } from "node:fs/promises"
import { createServer } from "node:http"
import { pathToFileURL } from "node:url"
import { openCheckpoint } from "tosafetensors"

/** Made at once. Reads of a body come in order, so every storage that is sent whole is held against its checksum. */
const PIECE_BYTES = 1024 * 1024

/** A server that is not listening yet; closing it closes the checkpoint. `input` is a path or a URL. */
export async function serveCheckpoint(input) {
  const checkpoint = await openCheckpoint(input)
  const plan = checkpoint.plan()
  const output = checkpoint.output(plan)
  const etag = await etagOf(plan, input)
  const server = createServer((request, response) => {
    answer(request, response, output, etag).catch((error) => {
      // The status is out: a body that breaks off is all that can be said.
      if (!response.destroyed) console.error(error.message)
      response.destroy()
    })
  })
  server.on("close", async () => {
    await output.close()
    await checkpoint.close()
  })
  return server
}

async function answer(request, response, output, etag) {
  const { method, headers } = request
  if (new URL(request.url, "http://host").pathname !== "/model.safetensors") return refuse(response, 404)
  if (method !== "GET" && method !== "HEAD") return refuse(response, 405, { allow: "GET, HEAD" })
  const common = {
    etag,
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "content-range, etag, accept-ranges",
  }
  if (matches(headers["if-none-match"], etag)) return refuse(response, 304, common)
  const { byteLength } = output
  // A range of another version would be put together with parts of that one.
  const isCurrent = headers["if-range"] === undefined || headers["if-range"] === etag
  const range = method === "GET" && isCurrent ? parseRange(headers.range, byteLength) : undefined
  if (range === "unsatisfiable") {
    return refuse(response, 416, { ...common, "content-range": `bytes */${byteLength}` })
  }
  const { start, end } = range ?? { start: 0, end: byteLength }
  const partial = range && { "content-range": `bytes ${start}-${end - 1}/${byteLength}` }
  const length = { "content-type": "application/octet-stream", "content-length": end - start }
  response.writeHead(range ? 206 : 200, { ...common, ...partial, ...length })
  if (method === "HEAD") return response.end()
  await send(response, output, start, end)
}

async function send(response, output, start, end) {
  const leaving = new AbortController()
  response.on("close", () => leaving.abort())
  const { signal } = leaving
  try {
    for (let at = start; at < end; at += PIECE_BYTES) {
      const piece = await output.read(at, Math.min(PIECE_BYTES, end - at), signal)
      if (!response.write(piece)) await once(response, "drain", { signal })
    }
    response.end()
  } catch (error) {
    // Whoever asked has gone: nothing more is read, and nothing is wrong.
    if (!signal.aborted) throw error
  }
}

function refuse(response, status, headers = {}) {
  response.writeHead(status, headers).end()
}

/** `bytes=a-b`, `bytes=a-` and `bytes=-n`. Everything else, several ranges too, may be answered with the whole. */
function parseRange(text, byteLength) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(text ?? "") ?? ["", "", ""]
  if (first === "" && last === "") return undefined
  const start = first === "" ? Math.max(0, byteLength - Number(last)) : Number(first)
  const end = first === "" || last === "" ? byteLength : Math.min(Number(last) + 1, byteLength)
  if (first !== "" && last !== "" && Number(last) < start) return undefined
  return start < end ? { start, end } : "unsatisfiable"
}

function matches(list, etag) {
  return (list ?? "")
    .split(",")
    .some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag)
}

/**
 * What the output is made of: its header, and where each byte after it comes from. The archive's own checksums stand for
 * the bytes of the storages; where it has none, size and time of the file do.
 */
async function etagOf({ header, segments, extents }, input) {
  // Where bytes lie says nothing of what they are.
  const sources = extents.map(({ name, byteLength, crc32 }) => [byteLength, crc32 ?? name])
  const hash = createHash("sha256").update(JSON.stringify([header, segments, sources]))
  if (extents.some(({ crc32 }) => crc32 === undefined)) hash.update(await versionOf(input))
  return `"${hash.digest("hex").slice(0, 32)}"`
}

async function versionOf(input) {
  if (input instanceof URL && input.protocol !== "file:") {
    const { headers } = await fetch(input, { method: "HEAD" })
    return headers.get("etag") ?? headers.get("last-modified") ?? String(Date.now())
  }
  const { size, mtimeMs } = await stat(input)
  return `${size} ${mtimeMs}`
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , input, port = "8000"] = process.argv
  if (input === undefined) {
    console.error("usage: node server.mjs <checkpoint or URL> [port]")
    process.exit(2)
  }
  const server = await serveCheckpoint(/^https?:/.test(input) ? new URL(input) : input)
  server.listen(Number(port), "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}/model.safetensors`)
  })
}
