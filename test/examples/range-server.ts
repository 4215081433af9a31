/** Starts the example that serves checkpoints. */

import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"

const SCRIPT = fileURLToPath(new URL("../../examples/range-server/server.mjs", import.meta.url))

export interface RunningServer extends AsyncDisposable {
  readonly url: URL
}

/** Serves the checkpoint at that path or URL. */
export async function startServer(input: string | URL): Promise<RunningServer> {
  const { serveCheckpoint } = (await import(SCRIPT)) as {
    serveCheckpoint: (input: string | URL) => Promise<Server>
  }
  const server = await serveCheckpoint(input)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${port}/model.safetensors`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
