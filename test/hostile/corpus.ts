/** The whole corpus. */

import type { HostileCase, LegalCase } from "./case.ts"
import { CONTAINERS } from "./containers.ts"
import { ERROR_TEXT_CASES } from "./error-texts.ts"
import { LEGACY } from "./legacy.ts"
import { LEGACY_STORAGES } from "./legacy-storages.ts"
import { NAMES } from "./names.ts"
import { ODD_LEGAL_CONTAINERS } from "./odd-legal-containers.ts"
import { LEGAL_HEADERS } from "./odd-legal-headers.ts"
import { ODD_LEGAL_LEGACY } from "./odd-legal-legacy.ts"
import { ODD_LEGAL_NAMES } from "./odd-legal-names.ts"
import { ODD_LEGAL_PLAIN_DATA } from "./odd-legal-plain-data.ts"
import { ODD_LEGAL_REBUILT } from "./odd-legal-rebuilt.ts"
import { ODD_LEGAL_TENSORS } from "./odd-legal-tensors.ts"
import { ODD_LEGAL_VALUES } from "./odd-legal-values.ts"
import { PICKLE_BOMBS } from "./pickle-bombs.ts"
import { PICKLE_CALLABLES } from "./pickle-callables.ts"
import { PICKLE_GLOBAL_NAMES } from "./pickle-global-names.ts"
import { PICKLE_GLOBALS } from "./pickle-globals.ts"
import { PICKLE_GROWTH } from "./pickle-growth.ts"
import { PICKLE_LENGTHS } from "./pickle-lengths.ts"
import { PICKLE_MACHINE } from "./pickle-machine.ts"
import { HOSTILE_HEADERS } from "./safetensors-input.ts"
import { STORAGE_DTYPES } from "./storage-dtypes.ts"
import { STORAGES } from "./storages.ts"
import { TENSOR_ARGUMENTS } from "./tensor-arguments.ts"
import { TENSORS } from "./tensors.ts"
import { ZIP_DATA } from "./zip-data.ts"
import { ZIP_DEFLATE } from "./zip-deflate.ts"
import { ZIP_END } from "./zip-end.ts"
import { ZIP_MEMBERS } from "./zip-members.ts"
import { ZIP_PATHS } from "./zip-paths.ts"
import { ZIP64_CASES } from "./zip64.ts"

/** Checkpoints that must be refused. */
export const HOSTILE: readonly HostileCase[] = [
  ...PICKLE_GLOBALS,
  ...PICKLE_GLOBAL_NAMES,
  ...PICKLE_CALLABLES,
  ...PICKLE_MACHINE,
  ...PICKLE_LENGTHS,
  ...PICKLE_GROWTH,
  ...PICKLE_BOMBS,
  ...NAMES,
  ...ERROR_TEXT_CASES,
  ...TENSORS,
  ...TENSOR_ARGUMENTS,
  ...STORAGES,
  ...STORAGE_DTYPES,
  ...ZIP_END,
  ...ZIP64_CASES,
  ...ZIP_MEMBERS,
  ...ZIP_PATHS,
  ...ZIP_DATA,
  ...ZIP_DEFLATE,
  ...LEGACY,
  ...LEGACY_STORAGES,
  ...CONTAINERS,
]

/** Checkpoints that must convert. */
export const LEGAL: readonly LegalCase[] = [
  ...ODD_LEGAL_VALUES,
  ...ODD_LEGAL_PLAIN_DATA,
  ...ODD_LEGAL_NAMES,
  ...ODD_LEGAL_TENSORS,
  ...ODD_LEGAL_REBUILT,
  ...ODD_LEGAL_CONTAINERS,
  ...ODD_LEGAL_LEGACY,
]

export { HOSTILE_HEADERS, LEGAL_HEADERS }
