/**
 * Converts a checkpoint on a server as its bytes come, and keeps nothing in memory or on disk but what it writes.
 *
 *   node examples/fetch/fetch-and-stream.mjs https://huggingface.co/gpt2/resolve/main/pytorch_model.bin > gpt2.safetensors
 *
 * HF_TOKEN, where it is set, is sent along, and not to where the server redirects. In a clone, build first: `npm ci`.
 */

import { Writable } from "node:stream"
import { toSafetensorsStream } from "tosafetensors"

const [address] = process.argv.slice(2)
const token = process.env.HF_TOKEN
const http = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }
const { stream, report } = await toSafetensorsStream(new URL(address), { http })
console.error(`${report.tensorCount} tensors, ${report.byteLength} bytes`)
await stream.pipeTo(Writable.toWeb(process.stdout))
