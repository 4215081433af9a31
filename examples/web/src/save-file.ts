/** Saves one file, and says what became of it. */

import type { CheckpointClient } from "./checkpoint-client.ts"
import { Cancelled, Refused } from "./checkpoint-client.ts"
import type { Remains } from "./save-target.ts"
import { download, removeEmpty } from "./save-target.ts"
import { failureOf } from "./worker/file-failures.ts"
import type { Refusal, Saved, Selection, Work } from "./worker/protocol.ts"

export interface SaveRequest {
  readonly selection: Selection
  /** What a download is called. */
  readonly name: string
  /** Undefined for a download. */
  readonly handle: FileSystemFileHandle | undefined
}

export type SaveOutcome =
  | { readonly kind: "saved"; readonly saved: Saved; readonly name: string }
  | { readonly kind: "cancelled"; readonly remains: Remains }
  | { readonly kind: "failed"; readonly refusal: Refusal; readonly remains: Remains }

/** Never rejects. Whoever leaves the page meanwhile is asked first. */
export async function saveFile(
  client: CheckpointClient,
  { selection, name, handle }: SaveRequest,
  work: Work,
): Promise<SaveOutcome> {
  const askBeforeLeaving = (event: Event): void => event.preventDefault()
  addEventListener("beforeunload", askBeforeLeaving)
  try {
    const saved = await client.ask("save", { selection, handle }, work)
    if (saved.blob !== undefined) download(saved.blob, name)
    return { kind: "saved", saved, name: handle?.name ?? name }
  } catch (error) {
    const remains = handle === undefined ? "nothing" : await removeEmpty(handle)
    if (error instanceof Cancelled) return { kind: "cancelled", remains }
    const refusal = error instanceof Refused ? error.refusal : failureOf(error)
    return { kind: "failed", refusal, remains }
  } finally {
    removeEventListener("beforeunload", askBeforeLeaving)
  }
}
