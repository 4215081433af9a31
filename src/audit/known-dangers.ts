/**
 * Globals that are known to run code, to reach the system or to read other data when a pickle is loaded by Python.
 *
 * For the wording alone: whatever is not on the list of allowed globals is refused, whether it stands here or not. Loaded
 * when a file names such a global: most files name none.
 */

import type { GlobalKnowledge } from "../pickle/errors.ts"
import { ANY, type DangerRow, REACHES } from "./danger-row.ts"
import { PACKAGE_DANGERS } from "./dangers-of-packages.ts"
import { PYTHON_DANGERS } from "./dangers-of-python.ts"
import { findKnownGlobal } from "./known-globals.ts"

/** What is known of a global. */
export interface KnownDanger {
  /** What it does, as the rest of a sentence that begins with its name. */
  readonly reason: string
  /** Where that is written: an address without its scheme, a file of a repository, or an advisory. */
  readonly source: string
}

/** Parts of a name that are looked at: each is looked up with all that come behind it. */
const MOST_PARTS = 32

/** Names of one row. */
interface NameRule {
  readonly covers: (path: string) => boolean
  readonly danger: KnownDanger
}

/**
 * Attributes through which any function is reached, whatever they are asked of. `__builtins__` of any module written in
 * Python is the dict of all built-in functions.
 */
const TREACHEROUS: ReadonlySet<string> = new Set(
  (
    "__builtins__ __globals__ __dict__ __subclasses__ __getattribute__ __getattr__ __code__ __closure__ __loader__ " +
    "__spec__ __import__ __class__ __base__ __bases__ __mro__ __init_subclass__ __reduce__ __reduce_ex__ __self__ " +
    "__func__ __wrapped__ __set_name__ gi_frame gi_code cr_frame f_globals f_builtins f_locals tb_frame func_globals"
  ).split(" "),
)

const TREACHEROUS_ATTRIBUTE: KnownDanger = { reason: REACHES, source: "protectai/modelscan, issue 89" }

/**
 * Modules that nobody calls something else by. Where the last name of a path is one of them, it is the module, which some
 * other module has imported: `torch.serialization` has `os`.
 */
const MODULES_BY_NAME: ReadonlySet<string> = new Set(
  (
    "os sys posix nt subprocess builtins __builtin__ importlib ctypes _ctypes socket shutil pickle _pickle cPickle marshal " +
    "runpy pty multiprocessing asyncio threading _thread tempfile pdb urllib requests _posixsubprocess cloudpickle dill " +
    "_io _imp posixpath ntpath pkgutil pydoc gc webbrowser timeit cProfile zipimport"
  ).split(" "),
)

const RULES: ReadonlyMap<string, readonly NameRule[]> = /* @__PURE__ */ (() => {
  const table = new Map<string, NameRule[]>()
  for (const row of [...PYTHON_DANGERS, ...PACKAGE_DANGERS]) {
    const rule = ruleOf(row)
    for (const module of row[0].split(" ")) table.set(module, [...(table.get(module) ?? []), rule])
  }
  return table
})()

function ruleOf([, names, reason, source]: DangerRow): NameRule {
  const danger = { reason, source }
  if (names === ANY) return { covers: () => true, danger }
  const isAllBut = names.startsWith("!")
  const listed = new Set(names.slice(isAllBut ? 1 : 0).split(" "))
  return { covers: (path) => isListed(path, listed) !== isAllBut, danger }
}

/** Whether `path`, or something that it lies below, is `listed`. A name that ends in a dot is not listed itself. */
function isListed(path: string, listed: ReadonlySet<string>): boolean {
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    if (listed.has(path.slice(0, dot)) || listed.has(path.slice(0, dot + 1))) return true
  }
  return listed.has(path)
}

/** Whether a global that is not allowed is known to be dangerous, and what it is. */
export function knowledgeOf(module: string, name: string): GlobalKnowledge {
  const danger = findDanger(module, name)
  if (danger !== undefined) return { verdict: "dangerous", danger, about: undefined }
  return { verdict: "unknown", danger: undefined, about: findKnownGlobal(module, name) }
}

/**
 * What is known to be dangerous about a global; undefined when nothing is. Names with dots are walked as attributes by
 * Python from protocol 4 on, so each part of the name counts as what it leads to: `os.system` of any module is `os.system`.
 */
export function findDanger(module: string, name: string): KnownDanger | undefined {
  const parts = fewParts(name)
  const whole = findBelow([...fewParts(module), ...parts].join("."))
  if (whole !== undefined) return whole
  if (parts.some((part) => TREACHEROUS.has(part))) return TREACHEROUS_ATTRIBUTE
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1
    const found = isLast
      ? MODULES_BY_NAME.has(part)
        ? findModule(part)
        : undefined
      : findBelow(parts.slice(index).join("."))
    if (found !== undefined) return found
  }
  return undefined
}

/** The parts of a name. Of one with very many, which no program has, the first and the last ones. */
function fewParts(path: string): readonly string[] {
  const parts = path.split(".", MOST_PARTS * MOST_PARTS)
  return parts.length <= MOST_PARTS
    ? parts
    : [...parts.slice(0, MOST_PARTS / 2), ...parts.slice(-MOST_PARTS / 2)]
}

/** By the longest module that has a row for what is below it. */
function findBelow(path: string): KnownDanger | undefined {
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
    const rest = path.slice(dot + 1)
    const found = RULES.get(path.slice(0, dot))?.find(({ covers }) => covers(rest))
    if (found !== undefined) return found.danger
  }
  return undefined
}

function findModule(name: string): KnownDanger {
  return RULES.get(name)?.[0]?.danger ?? TREACHEROUS_ATTRIBUTE
}
