/** The whole corpus. */

import type { HostileCase } from "./case.ts"
import { NAMES } from "./names.ts"
import { PICKLE_CALLABLES } from "./pickle-callables.ts"
import { PICKLE_GLOBALS } from "./pickle-globals.ts"
import { PICKLE_GROWTH } from "./pickle-growth.ts"
import { PICKLE_LENGTHS } from "./pickle-lengths.ts"
import { PICKLE_MACHINE } from "./pickle-machine.ts"
import { STORAGES } from "./storages.ts"
import { TENSORS } from "./tensors.ts"

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
]
