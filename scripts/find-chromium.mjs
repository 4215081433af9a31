/** Finds a Chromium, and says how to start it so that it asks nothing of the network by itself. */

import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

/** As Debian, others, and Google call it. */
export const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome"]

export const CHROMIUM_ARGUMENTS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"],
  ...["--no-first-run", "--disable-component-update", "--disable-sync"],
]

/** The path of the first that is in PATH; undefined when none is. */
export function findChromium() {
  return inPath(CHROMIUM_NAMES)
}

/** The path of the first of these programs that is in PATH; undefined when none is. */
export function inPath(names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK)
        return join(folder, name)
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined
}
