/** What is known of a global that is not allowed. Loaded when a file names one: most files name none. */

import type { GlobalKnowledge } from "../pickle/errors.ts"
import { findDanger } from "./known-dangers.ts"
import { findKnownGlobal } from "./known-globals.ts"

export { findDanger }

/** Whether the global is known to be dangerous, and what it is. */
export function knowledgeOf(module: string, name: string): GlobalKnowledge {
  const danger = findDanger(module, name)
  if (danger !== undefined) return { verdict: "dangerous", danger, about: undefined }
  return { verdict: "unknown", danger: undefined, about: findKnownGlobal(module, name) }
}
