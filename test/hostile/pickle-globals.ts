/** Pickles that name code: what they name, and where in the pickle they do so. */

import { hex, type Part } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  beside,
  call,
  dict,
  global,
  HERE,
  int,
  ORDERED_DICT,
  refusePickle,
  refuseValue,
  stateDict,
  storage,
  tensor,
  text,
  tuple,
} from "./checkpoint-parts.ts"

const SYSTEM = global("os", "system")
const named = (...globals: readonly string[]) => ({ expect: { globals } })

/** A value that names `module.name`, refused for that alone. */
export const refuseGlobal = (
  section: "global-called" | "dotted-name" | "name-mutated" | "js-inherited",
  name: string,
  [module, attribute]: readonly [string, string],
  ...args: readonly (readonly Part[])[]
): HostileCase =>
  refuseValue(
    section,
    name,
    "global-not-allowed",
    [HERE, ...call(global(module, attribute), ...args)],
    named(`${module}.${attribute}`),
  )

/** What real attacks and the holes of scanners have used. */
const CALLED: readonly (readonly [module: string, name: string, ...args: readonly (readonly Part[])[]])[] = [
  ["os", "system", [text("id")]],
  ["posix", "system", [text("id")]],
  ["nt", "system", [text("whoami")]],
  ["builtins", "eval", [text("1+1")]],
  ["__builtin__", "exec", [text("import os")]],
  ["builtins", "getattr", [global("torch", "Tensor")], [text("mro")]],
  ["builtins", "__import__", [text("os")]],
  ["importlib", "import_module", [text("os")]],
  ["pkgutil", "resolve_name", [text("os:system")]],
  ["functools", "partial", [global("collections", "OrderedDict")]],
  ["torch", "load", [text("other.pt")]],
  ["torch.hub", "load", [text("someone/repo")], [text("model")]],
  ["torch.storage", "_load_from_bytes", [text("")]],
  ["torch.serialization", "load", [text("other.pt")]],
  ["numpy.core.multiarray", "_reconstruct", [int(0)]],
  ["torch.nn.modules.linear", "Linear", [int(1)], [int(1)]],
]

const deep = (value: readonly Part[], levels: number): readonly Part[] =>
  levels === 0 ? value : ["EMPTY_LIST", ...deep(value, levels - 1), "APPEND"]

const CALLS: readonly HostileCase[] = [
  ...CALLED.map(([module, name, ...args]) =>
    refuseGlobal("global-called", `${module}.${name}`, [module, name], ...args),
  ),
  refusePickle(
    "global-called",
    "as the whole checkpoint",
    "global-not-allowed",
    [["PROTO", 2], HERE, ...call(SYSTEM, [text("id")]), "STOP"],
    named("os.system"),
  ),
  refusePickle(
    "global-called",
    "as the hooks of a good tensor",
    "global-not-allowed",
    stateDict([[text("weight")], tensor({ hooks: [HERE, ...call(SYSTEM, [text("id")])] })]),
    named("os.system"),
  ),
  refusePickle(
    "global-called",
    "as the storage of a tensor",
    "global-not-allowed",
    stateDict([[text("weight")], tensor({ storage: [HERE, ...call(SYSTEM, [text("id")])] })]),
    named("os.system"),
  ),
  refuseValue(
    "global-called",
    "as the state of an OrderedDict, which is dropped",
    "global-not-allowed",
    [...ORDERED_DICT, ...dict([[text("_metadata")], [HERE, ...call(SYSTEM, [text("id")])]]), "BUILD"],
    named("os.system"),
  ),
  refuseValue(
    "global-called",
    "by NEWOBJ",
    "global-not-allowed",
    [HERE, SYSTEM, "MARK", text("id"), "TUPLE", "NEWOBJ"],
    named("os.system"),
  ),
  refusePickle(
    "global-called",
    "by NEWOBJ_EX of protocol 4",
    "global-not-allowed",
    [
      ["PROTO", 4],
      ...[text("os"), text("system"), HERE, "STACK_GLOBAL", "EMPTY_TUPLE", "EMPTY_DICT", "NEWOBJ_EX", "STOP"],
    ],
    named("os.system"),
  ),
  refuseValue(
    "global-called",
    "several, all of which are listed",
    "global-not-allowed",
    tuple(
      [HERE, ...call(SYSTEM, [text("id")])],
      [global("shutil", "rmtree")],
      [...call(global("posix", "execv"))],
    ),
    named("os.system", "shutil.rmtree", "posix.execv"),
  ),
  refuseValue(
    "global-called",
    "under 100 lists",
    "global-not-allowed",
    deep([HERE, ...call(SYSTEM, [text("id")])], 100),
    named("os.system"),
  ),
]

const IMPORTS: readonly HostileCase[] = [
  refuseValue("global-imported", "as a value", "global-not-allowed", [HERE, SYSTEM], named("os.system")),
  refuseValue(
    "global-imported",
    "as a key",
    "global-not-allowed",
    dict([[HERE, SYSTEM], ["NONE"]]),
    named("os.system"),
  ),
  refuseValue(
    "global-imported",
    "in the memo alone, before it is built over",
    "global-not-allowed",
    [...tuple([HERE, SYSTEM, ["BINPUT", 0]], [["BINGET", 0]])],
    named("os.system"),
  ),
  refuseValue(
    "global-imported",
    "as the class of a storage",
    "global-not-allowed",
    tensor({ storage: storage({ type: [HERE, global("os", "FloatStorage")] }) }),
    named("os.FloatStorage"),
  ),
  refuseValue(
    "global-imported",
    "as the factory of a defaultdict",
    "global-not-allowed",
    call(global("collections", "defaultdict"), [HERE, SYSTEM]),
    named("os.system"),
  ),
  refusePickle(
    "global-imported",
    "by STACK_GLOBAL from the memo",
    "global-not-allowed",
    [
      ["PROTO", 4],
      "EMPTY_DICT",
      ...[text("os"), "MEMOIZE", text("system"), "MEMOIZE", "SETITEM"],
      ...[["BINGET", 0] as const, ["BINGET", 1] as const, HERE, "STACK_GLOBAL", "TUPLE2", "STOP"],
    ],
    named("os.system"),
  ),
]

const payload = [HERE, ...call(SYSTEM, [text("id")])]

const BROKEN: readonly HostileCase[] = [
  ["an unknown opcode", [hex("ff")]],
  ["the end of the file", [hex("58 ff ff")]],
  ["an empty stack", ["APPEND", "APPEND", "APPEND", "APPEND", "APPEND"]],
  ["a refused opcode", ["POP"]],
  ["a memo entry that is not there", [["BINGET", 77]]],
  ["a second PROTO", [["PROTO", 2]]],
].map(([before, rest]) =>
  refusePickle(
    "broken-stream",
    `a payload before ${String(before)}`,
    "global-not-allowed",
    [["PROTO", 2], ...payload, ...(rest as readonly Part[])],
    named("os.system"),
  ),
)

const MORE_BROKEN: readonly HostileCase[] = [
  refusePickle("broken-stream", "good tensors before an unknown opcode", "pickle-opcode", [
    ...beside(["NONE"]).slice(0, -1),
    HERE,
    hex("ff"),
  ]),
  refusePickle("broken-stream", "good tensors and no STOP", "pickle-truncated", [
    ...beside(["NONE"]).slice(0, -1),
    HERE,
  ]),
  refusePickle("broken-stream", "a payload behind STOP", "pickle-trailing", [
    ...beside(["NONE"]),
    HERE,
    ...call(SYSTEM, [text("id")]),
  ]),
]

/** Every case of this file. */
export const PICKLE_GLOBALS: readonly HostileCase[] = [...CALLS, ...IMPORTS, ...BROKEN, ...MORE_BROKEN]
