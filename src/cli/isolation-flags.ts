/**
 * How Node is started so that it may do next to nothing: its permission model.
 *
 * What the process reads and writes is handed to it open (the model leaves open descriptors alone), so it needs no path
 * but those of its own code. Threads stay forbidden: one that is started with `execArgv: []` has no restrictions, in
 * Node 20, 22, 24 and 25.
 */

import { existsSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { quoted } from "./shown-text.ts"
import { UsageError } from "./usage-error.ts"

/** How to start an isolated process. */
export interface IsolationFlags {
  /** For node, up to and with the script. */
  readonly argv: readonly string[]
  /** Whether this version of Node calls its permission model experimental. */
  readonly experimental: boolean
  /** Whether this version keeps the process off the network. */
  readonly network: "forbidden" | "allowed"
}

/**
 * The flags for the command line that is bundled in `folder`.
 *
 * @throws UsageError where there is no permission model, or none that can be told where the code lies.
 */
export function isolationFlags(folder: string = dirname(fileURLToPath(import.meta.url))): IsolationFlags {
  const known = process.allowedNodeEnvironmentFlags
  const permission = ["--permission", "--experimental-permission"].find((flag) => known.has(flag))
  if (permission === undefined)
    throw new UsageError("--isolate needs Node's permission model, which is not here")
  const code = realpathSync(folder)
  const script = join(code, "cli.js")
  if (!existsSync(script)) throw new UsageError("--isolate needs the command line as it is shipped")
  // A star stands for anything and cannot be escaped. Commas are nothing special when there is a flag for each path.
  if (code.includes("*")) {
    throw new UsageError(`--isolate cannot name the folder ${quoted(code)} to Node because of its star`)
  }
  return {
    argv: [
      permission,
      `--allow-fs-read=${code}`,
      // Node 20.19 looks there whether the code is a module.
      `--allow-fs-read=${join(dirname(code), "package.json")}`,
      "--no-addons",
      "--disallow-code-generation-from-strings",
      // That the model is experimental is said once, in our words.
      "--no-warnings",
      script,
    ],
    experimental: permission === "--experimental-permission",
    network: known.has("--allow-net") ? "forbidden" : "allowed",
  }
}
