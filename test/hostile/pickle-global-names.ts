/** How a pickle spells the globals that it names. */

import { latin1 } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import { HERE, refusePickle, text } from "./checkpoint-parts.ts"
import { refuseGlobal } from "./pickle-globals.ts"

const DOTTED: readonly HostileCase[] = (
  [
    ["a dotted attribute", ["torch._utils", "_rebuild_tensor_v2.__globals__"]],
    ["a module within a module", ["torch.serialization.os", "system"]],
    ["a function as a module", ["torch._utils._rebuild_tensor_v2", "__globals__"]],
    ["the class of a class", ["torch", "Tensor.__class__"]],
    ["a method of a class", ["collections", "OrderedDict.fromkeys"]],
    ["all in the module", ["collections.OrderedDict", ""]],
    ["all in the name", ["", "collections.OrderedDict"]],
  ] as const
).map(([what, parts]) => refuseGlobal("dotted-name", what, parts))

const REBUILD = "torch._utils\n_rebuild_tensor_v2\n"
const spelled = (
  what: string,
  code: "pickle-text" | "pickle-truncated",
  line: string | Uint8Array,
): HostileCase =>
  refusePickle("name-mutated", what, code, [
    ...[["PROTO", 2] as const, HERE, latin1("c")],
    ...[typeof line === "string" ? latin1(line) : line, "STOP"],
  ])

const MUTATED: readonly HostileCase[] = [
  spelled("CR LF after the module", "pickle-text", REBUILD.replace("\n", "\r\n")),
  spelled("CR LF after the name", "pickle-text", REBUILD.replace(/\n$/, "\r\n")),
  spelled("a tab", "pickle-text", `\t${REBUILD}`),
  spelled("NUL in the module", "pickle-text", REBUILD.replace("torch", "torch\0")),
  spelled("NUL behind the name", "pickle-text", REBUILD.replace(/\n$/, "\0\n")),
  spelled("a byte that is not UTF-8", "pickle-text", REBUILD.replace("torch", "torch\xff")),
  spelled(
    "a Cyrillic look-alike",
    "pickle-text",
    new TextEncoder().encode(REBUILD.replace("torch", "tоrch")),
  ),
  spelled("DEL", "pickle-text", REBUILD.replace("torch", "torch\x7f")),
  spelled("257 bytes of module", "pickle-text", `${"m".repeat(257)}\nname\n`),
  spelled("100,000 bytes of name", "pickle-text", `module\n${"n".repeat(100_000)}\n`),
  refusePickle("name-mutated", "a module without end", "pickle-truncated", [
    ["PROTO", 2],
    HERE,
    latin1("ctorch"),
  ]),
  refusePickle("name-mutated", "a name without end", "pickle-truncated", [
    ["PROTO", 2],
    HERE,
    latin1("ctorch\nT"),
  ]),
  refuseGlobal("name-mutated", "a blank before the module", [" torch._utils", "_rebuild_tensor_v2"]),
  refuseGlobal("name-mutated", "a blank behind the name", ["torch._utils", "_rebuild_tensor_v2 "]),
  refuseGlobal("name-mutated", "another case", ["Torch._utils", "_rebuild_tensor_v2"]),
  refuseGlobal("name-mutated", "an empty module", ["", "_rebuild_tensor_v2"]),
  refuseGlobal("name-mutated", "an empty name", ["torch._utils", ""]),
  refuseGlobal("name-mutated", "nothing at all", ["", ""]),
  refuseGlobal("name-mutated", "256 bytes each", ["m".repeat(256), "n".repeat(256)]),
  ...(
    [
      ["a line feed in the module", "torch._utils\n_rebuild_tensor_v2", ""],
      ["full-width letters", "ｔorch._utils", "_rebuild_tensor_v2"],
      ["a joiner that cannot be seen", "torch._utils", "_rebuild\u200b_tensor_v2"],
    ] as const
  ).map(([what, module, name]) =>
    refusePickle("name-mutated", `${what}, by STACK_GLOBAL`, "global-not-allowed", [
      ...[["PROTO", 4] as const, text(module), text(name), HERE, "STACK_GLOBAL", "STOP"],
    ]),
  ),
  refusePickle("name-mutated", "300 characters, by STACK_GLOBAL", "pickle-text", [
    ...[["PROTO", 4] as const, text("m"), text("n".repeat(300)), HERE, "STACK_GLOBAL", "STOP"],
  ]),
  ...(
    [
      ["bytes", latin1("C\x02os")],
      ["None", latin1("N")],
      ["an int", latin1("K\x01")],
      ["a tuple", latin1(")")],
    ] as const
  ).flatMap(([what, value]) => [
    refusePickle("name-mutated", `STACK_GLOBAL with ${what} as module`, "pickle-type", [
      ...[["PROTO", 4] as const, value, text("system"), HERE, "STACK_GLOBAL", "STOP"],
    ]),
  ]),
  refusePickle("name-mutated", "STACK_GLOBAL with bytes as name", "pickle-type", [
    ...[["PROTO", 4] as const, text("os"), latin1("C\x06system"), HERE, "STACK_GLOBAL", "STOP"],
  ]),
]

const INHERITED: readonly HostileCase[] = (
  [
    ["__proto__", "toString"],
    ["torch", "constructor"],
    ["torch", "__proto__"],
    ["constructor", "prototype"],
    ["collections", "hasOwnProperty"],
    ["toString", "call"],
    ["torch._utils", "valueOf"],
  ] as const
).map(([module, name]) => refuseGlobal("js-inherited", `${module} ${name}`, [module, name]))

/** Every case of this file. */
export const PICKLE_GLOBAL_NAMES: readonly HostileCase[] = [...DOTTED, ...MUTATED, ...INHERITED]
