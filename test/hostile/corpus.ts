/** The whole corpus. */

import type { HostileCase, LegalCase } from "./case.ts"
import { CONTAINERS } from "./containers.ts"
import { LEGACY } from "./legacy.ts"
import { NAMES } from "./names.ts"
import { ODD_LEGAL_CONTAINERS } from "./odd-legal-containers.ts"
import { ODD_LEGAL_TENSORS } from "./odd-legal-tensors.ts"
import { ODD_LEGAL_VALUES } from "./odd-legal-values.ts"
import { PICKLE_CALLABLES } from "./pickle-callables.ts"
import { PICKLE_GLOBALS } from "./pickle-globals.ts"
import { PICKLE_GROWTH } from "./pickle-growth.ts"
import { PICKLE_LENGTHS } from "./pickle-lengths.ts"
import { PICKLE_MACHINE } from "./pickle-machine.ts"
import { HOSTILE_HEADERS, LEGAL_HEADERS } from "./safetensors-input.ts"
import { STORAGES } from "./storages.ts"
import { TENSORS } from "./tensors.ts"
import { ZIP_DEFLATE } from "./zip-deflate.ts"
import { ZIP_END } from "./zip-end.ts"
import { ZIP_MEMBERS } from "./zip-members.ts"

/** Checkpoints that must be refused. */
export const HOSTILE: readonly HostileCase[] = [
  ...PICKLE_GLOBALS,
  ...PICKLE_CALLABLES,
  ...PICKLE_MACHINE,
  ...PICKLE_LENGTHS,
  ...PICKLE_GROWTH,
  ...NAMES,
  ...TENSORS,
  ...STORAGES,
  ...ZIP_END,
  ...ZIP_MEMBERS,
  ...ZIP_DEFLATE,
  ...LEGACY,
  ...CONTAINERS,
]

/** Checkpoints that must convert. */
export const LEGAL: readonly LegalCase[] = [
  ...ODD_LEGAL_VALUES,
  ...ODD_LEGAL_TENSORS,
  ...ODD_LEGAL_CONTAINERS,
]

export { HOSTILE_HEADERS, LEGAL_HEADERS }
