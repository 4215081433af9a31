/** Dictionaries in the form of AFL and libFuzzer: a token a line, `name="bytes"`, with `\xAB`, `\\` and `\"`. */

import { readFile } from "node:fs/promises"

export async function readDictionary(path: string): Promise<readonly Uint8Array[]> {
  const tokens: Uint8Array[] = []
  for (const [index, line] of (await readFile(path, "utf8")).split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue
    const quoted = /^\w+="(.+)"\s*$/.exec(line)?.[1]
    if (quoted === undefined) throw new Error(`${path}:${index + 1} is no token`)
    const text = quoted.replace(/\\x([0-9a-fA-F]{2})|\\(.)/g, (_, hex?: string, plain?: string) =>
      hex === undefined ? (plain ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
    )
    tokens.push(new Uint8Array(Buffer.from(text, "latin1")))
  }
  return tokens
}
