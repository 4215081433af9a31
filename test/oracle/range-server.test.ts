/** What the range server serves, fetched range by range, as Python's safetensors and torch see it. */

import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { openCheckpoint } from "../../src/node/index.ts"
import { startServer } from "../examples/range-server.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = temporaryFolders()

const COMPARE = `
import json, sys, torch
from safetensors import safe_open
expected = torch.load(sys.argv[1], weights_only=True)
for key in json.loads(sys.argv[3]):
    expected = expected[key]
with safe_open(sys.argv[2], framework="pt") as served:
    names = list(served.keys())
    aliases = {k: v for k, v in served.metadata().items() if k != "format"}
    assert sorted(names + list(aliases)) == sorted(expected), (names, aliases)
    for name, tensor in expected.items():
        actual = served.get_tensor(aliases.get(name, name))
        assert actual.dtype == tensor.dtype and torch.equal(actual, tensor), name
print(len(names))
`

async function rootOf(path: string): Promise<readonly string[]> {
  await using checkpoint = await openCheckpoint(path)
  return checkpoint.plan().report.root
}

it("is the checkpoint", async () => {
  const checkpoint = join(root, "examples/tiny-transformer.pt")
  await using server = await startServer(checkpoint)
  const length = Number((await fetch(server.url, { method: "HEAD" })).headers.get("content-length"))
  const parts: Uint8Array[] = []
  for (let at = 0; at < length; at += 9_999) {
    const range = `bytes=${at}-${Math.min(at + 9_999, length) - 1}`
    const response = await fetch(server.url, { headers: { range } })
    expect(response.status).toBe(206)
    parts.push(new Uint8Array(await response.arrayBuffer()))
  }
  const copy = join(folder(), "served.safetensors")
  writeFileSync(copy, Buffer.concat(parts))
  const python = join(root, ".oracle/venv/bin/python")
  const count = execFileSync(
    python,
    ["-c", COMPARE, checkpoint, copy, JSON.stringify(await rootOf(checkpoint))],
    { encoding: "utf8" },
  )
  expect(Number(count)).toBeGreaterThan(10)
})
