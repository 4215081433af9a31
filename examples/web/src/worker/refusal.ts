/** Turns whatever was thrown into what the page shows. */

import { isCheckpointError } from "tosafetensors"
import { RenameLineError } from "../model/rename-lines.ts"
import { failureOf } from "./file-failures.ts"
import type { Refusal } from "./protocol.ts"

export function refusalOf(error: unknown): Refusal {
  if (isCheckpointError(error)) {
    const candidates =
      error.code === "root-ambiguous" || error.code === "root-not-found" ? error.detail.candidates : []
    return { code: error.code, message: error.message, nextStep: error.nextStep, candidates }
  }
  if (error instanceof RenameLineError) {
    return { code: "invalid-choice", message: error.message, nextStep: undefined, candidates: [] }
  }
  return failureOf(error)
}
