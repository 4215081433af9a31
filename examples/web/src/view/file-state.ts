/** What a list says of a file that is waiting, open, being saved, or refused. */

import { sayShare } from "../model/quantities.ts"
import type { FileState } from "./file-view.ts"

export interface SaidState {
  readonly text: string
  /** Also by a colour, which says nothing that the text does not. */
  readonly tone: "plain" | "good" | "warn" | "bad"
}

export function sayState(state: FileState): SaidState {
  if (state === "waiting") return { text: "waiting", tone: "plain" }
  if (state === "opening") return { text: "opening…", tone: "plain" }
  if (state === "stored") return { text: "safetensors already", tone: "good" }
  if (state === "ready") return { text: "can be saved", tone: "good" }
  if (state === "undecided") return { text: "needs a choice", tone: "warn" }
  if ("done" in state) return { text: `saving, ${sayShare(state.done, state.total)}`, tone: "plain" }
  if (state.kind === "refused")
    return { text: `refused: ${state.title.charAt(0).toLowerCase()}${state.title.slice(1)}`, tone: "bad" }
  if (state.kind === "saved") return { text: `saved as ${state.name}`, tone: "good" }
  if (state.kind === "cancelled") return { text: "cancelled", tone: "plain" }
  return { text: `not saved: ${state.refusal.message.split("\n", 1).join("")}`, tone: "bad" }
}
