/** A server of one file whose answers can go wrong in any way, and which remembers what it was asked. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** A request as it came in. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly range: string | undefined
  readonly headers: IncomingMessage["headers"]
}

/** A part of the file and how it is announced. */
export interface Part {
  status: number
  readonly headers: Record<string, string>
  body: Uint8Array
}

/** Changes an answer before it is sent, or answers by itself and returns "answered". */
export type Fault = (part: Part, response: ServerResponse, asked: Asked) => "answered" | unknown

/** What is served: a length and its bytes. */
export interface ServedFile {
  readonly byteLength: number
  readonly slice: (start: number, end: number) => Uint8Array
}

export interface FileServer extends AsyncDisposable {
  readonly url: URL
  readonly asked: Asked[]
  /** Bytes of bodies that were sent. */
  sent: number
  /** Requests that were being answered at one time, at most. */
  mostAtOnce: number
  /** Taken one by one, a request each; where there is none, all is well. */
  readonly faults: (Fault | undefined)[]
  /** Applied to every answer. */
  always: Fault | undefined
  etag: string | undefined
}

/** Serves `file` under any path. */
export async function serveFile(file: Uint8Array | ServedFile): Promise<FileServer> {
  const slice =
    file instanceof Uint8Array ? (start: number, end: number) => file.subarray(start, end) : file.slice
  let atOnce = 0
  const server = createServer(async (request, response) => {
    served.mostAtOnce = Math.max(served.mostAtOnce, ++atOnce)
    response.on("close", () => atOnce--)
    const { method = "", url = "", headers } = request
    const asked = { method, path: url, range: headers.range, headers }
    served.asked.push(asked)
    const part = partOf(asked.range, file.byteLength, slice)
    if (served.etag !== undefined) part.headers["etag"] = served.etag
    const fault = served.faults.shift()
    for (const each of [served.always, fault]) {
      if ((await each?.(part, response, asked)) === "answered") return
    }
    served.sent += part.body.length
    response.writeHead(part.status, part.headers)
    response.end(part.body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const served: FileServer = {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pt`),
    asked: [],
    sent: 0,
    mostAtOnce: 0,
    faults: [],
    always: undefined,
    etag: '"one"',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return served
}

function partOf(range: string | undefined, byteLength: number, slice: ServedFile["slice"]): Part {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? []
  if (first === undefined || last === undefined)
    return { status: 200, headers: {}, body: slice(0, byteLength) }
  const start = Number(first)
  const end = Math.min(Number(last) + 1, byteLength)
  if (start >= byteLength) {
    return { status: 416, headers: { "content-range": `bytes */${byteLength}` }, body: new Uint8Array(0) }
  }
  const body = slice(start, end)
  const headers = {
    "content-range": `bytes ${start}-${end - 1}/${byteLength}`,
    "content-length": String(body.length),
  }
  return { status: 206, headers, body }
}

/** Sends `count` bytes of the body and cuts the connection. */
export function breakOffAfter(count: number): Fault {
  return (part, response) => {
    response.writeHead(part.status, part.headers)
    response.write(part.body.subarray(0, count), () => response.destroy())
    return "answered"
  }
}

/** Answers with that status and nothing else. */
export function answerWith(status: number, headers: Record<string, string> = {}): Fault {
  return (_, response) => {
    response.writeHead(status, headers).end()
    return "answered"
  }
}
