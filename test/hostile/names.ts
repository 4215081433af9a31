/** Names that safetensors or its readers cannot hold, and paths that do not make one name each. */

import type { ErrorCode } from "../../src/index.ts"
import { hex, type Part, repeat } from "../pickle/assemble.ts"
import type { HostileCase } from "./case.ts"
import {
  call,
  dict,
  global,
  int,
  ints,
  ORDERED_DICT,
  refusePickle,
  stateDict,
  storage,
  tensor,
  text,
  tuple,
} from "./checkpoint-parts.ts"
import type { SectionId } from "./sections.ts"

/** A checkpoint with one tensor, whose key is refused. */
const named = (
  section: SectionId,
  what: string,
  code: ErrorCode,
  key: Part,
  ...names: readonly string[]
): HostileCase =>
  refusePickle(
    section,
    what,
    code,
    stateDict([[text("good")], tensor()], [[key], tensor({ size: ints(2) })]),
    {
      expect: { names },
    },
  )

const RESERVED: readonly HostileCase[] = [
  named("reserved-name", "at the top", "name-reserved", text("__metadata__"), "__metadata__"),
  refusePickle(
    "reserved-name",
    "as the only tensor",
    "name-reserved",
    stateDict([[text("__metadata__")], tensor()]),
    {
      expect: { names: ["__metadata__"] },
    },
  ),
  refusePickle(
    "reserved-name",
    "under a root that is looked into",
    "name-reserved",
    stateDict([[text("state_dict")], dict([[text("__metadata__")], tensor()])]),
    { expect: { names: ["__metadata__"] } },
  ),
  refusePickle("reserved-name", "by a rename", "name-reserved", stateDict([[text("weight")], tensor()]), {
    expect: { names: ["__metadata__"] },
    options: { rename: () => "__metadata__" },
  }),
  refusePickle(
    "reserved-name",
    "as another name of a tensor",
    "name-reserved",
    stateDict([[text("__metadata__")], [...tensor(), ["BINPUT", 0]]], [[text("weight")], [["BINGET", 0]]]),
    { expect: { names: ["__metadata__"] } },
  ),
]

const HIGH = "ed a0 80"
const LOW = "ed b0 80"
const SURROGATES: readonly HostileCase[] = (
  [
    ["a high one alone", HIGH, "\ud800"],
    ["a low one alone", LOW, "\udc00"],
    ["a high one within a name", `61 ${HIGH} 62`, "a\ud800b"],
    ["a low one before a high one", `${LOW} ${HIGH}`, "\udc00\ud800"],
    ["two high ones", `${HIGH} ${HIGH}`, "\ud800\ud800"],
    ["a low one behind a whole character", `f0 9f 98 80 ${LOW}`, "😀\udc00"],
  ] as const
).map(([what, bytes, name]) => named("surrogate", what, "name-encoding", text(hex(bytes)), name))

const NULS: readonly HostileCase[] = (
  [
    ["at the end", "weight\0"],
    ["at the start", "\0weight"],
    ["within", "w\0a"],
    ["alone", "\0"],
  ] as const
).map(([what, name]) => named("nul", what, "name-encoding", text(name), name))

type Tree = readonly (readonly [key: Part, value: "tensor" | Tree])[]

/** Each tensor has a shape of its own, so that none is an alias of another. */
export function treeOf(tree: Tree): readonly Part[] {
  let size = 0
  const build = (level: Tree): readonly Part[] =>
    dict(
      ...level.map(([key, value]): readonly [readonly Part[], readonly Part[]] => {
        size += 1
        return [[key], value === "tensor" ? tensor({ size: ints(size % 5) }) : build(value)]
      }),
    )
  return [["PROTO", 2], ...build(tree), "STOP"]
}

const collision = (what: string, name: string, tree: Tree): HostileCase =>
  refusePickle("collision", what, "name-duplicate", treeOf(tree), { expect: { names: [name] } })

const COLLISIONS: readonly HostileCase[] = [
  collision("a dot in a key, and a level", "a.b", [
    [text("a.b"), "tensor"],
    [text("a"), [[text("b"), "tensor"]]],
  ]),
  collision("a dot at two places", "a.b.c", [
    [text("x"), "tensor"],
    [text("a"), [[text("b.c"), "tensor"]]],
    [text("a.b"), [[text("c"), "tensor"]]],
  ]),
  collision("0 and '0'", "0", [
    [int(0), "tensor"],
    [text("0"), "tensor"],
  ]),
  collision("-1 and '-1'", "-1", [
    [int(-1), "tensor"],
    [text("-1"), "tensor"],
  ]),
  collision("2^60 and its text", "1152921504606846976", [
    [int(2n ** 60n), "tensor"],
    [text("1152921504606846976"), "tensor"],
  ]),
  collision("an empty key, and a dot first", ".a", [
    [text(".a"), "tensor"],
    [text(""), [[text("a"), "tensor"]]],
  ]),
  refusePickle(
    "collision",
    "a place in a list, and a key that looks like it",
    "name-duplicate",
    stateDict(
      [[text("blocks.0")], tensor()],
      [[text("blocks")], ["EMPTY_LIST", ...tensor({ size: ints(2) }), "APPEND"]],
    ),
    { expect: { names: ["blocks.0"] } },
  ),
  refusePickle(
    "collision",
    "the same tensor under both, as if it were no matter",
    "name-duplicate",
    stateDict(
      [[text("a.b")], [...tensor(), ["BINPUT", 0]]],
      [[text("a")], dict([[text("b")], [["BINGET", 0]]])],
    ),
    { expect: { names: ["a.b"] } },
  ),
  refusePickle(
    "collision",
    "two names that a rename makes one",
    "name-duplicate",
    stateDict([[text("a")], tensor()], [[text("b")], tensor({ size: ints(2) })]),
    { expect: { names: ["same"] }, options: { rename: () => "same" } },
  ),
]

const twins = (what: string, name: string, ...keys: readonly (readonly Part[])[]): HostileCase =>
  refusePickle(
    "collision",
    what,
    "name-duplicate",
    stateDict(...keys.map((key): readonly [readonly Part[], readonly Part[]] => [key, tensor()])),
    { expect: { names: [name] } },
  )

/** Keys that are no text are spelled as Python does. */
const SPELLED_ALIKE: readonly HostileCase[] = [
  twins("None and 'None'", "None", ["NONE"], [text("None")]),
  twins("True and 'True'", "True", ["NEWTRUE"], [text("True")]),
  twins("1.5 and '1.5'", "1.5", [["BINFLOAT", 1.5]], [text("1.5")]),
  twins("two NaNs, which are two keys", "nan", [["BINFLOAT", Number.NaN]], [["BINFLOAT", Number.NaN]]),
  twins("a tuple and its text", "(1, 2)", tuple([int(1)], [int(2)]), [text("(1, 2)")]),
  twins("an empty tuple and its text", "()", ["EMPTY_TUPLE"], [text("()")]),
]

const keyed = (what: string, key: readonly Part[]): HostileCase =>
  refusePickle(
    "key-type",
    what,
    "name-type",
    stateDict([[text("good")], tensor()], [key, tensor({ size: ints(2) })]),
  )

/** Python has no hash of what changes, nor of a tuple with it. */
const unhashable = (what: string, key: readonly Part[]): HostileCase =>
  refusePickle(
    "key-type",
    `${what}, which Python cannot hash`,
    "pickle-type",
    stateDict([[text("good")], tensor()], [key, ["NONE"]]),
  )

/** As `unhashable`, where something else than a dict is made with it. */
const unhashableValue = (what: string, value: readonly Part[]): HostileCase =>
  refusePickle("key-type", `${what}, which Python cannot hash`, "pickle-type", [
    ...[["PROTO", 4] as const, "EMPTY_DICT" as const, "MARK" as const, text("good"), ...tensor()],
    ...[text("other"), ...value, "SETITEMS" as const, "STOP" as const],
  ])

const PAIRED: readonly Part[] = ["EMPTY_LIST", "EMPTY_LIST", "NONE", "TUPLE2", "APPEND"]

const KEYS: readonly HostileCase[] = [
  keyed("bytes", call(global("_codecs", "encode"), [text("w")], [text("latin1")])),
  keyed("a dtype", [global("torch", "float32")]),
  keyed("a class", [global("torch", "Tensor")]),
  keyed("a tensor", tensor()),
  keyed("a storage", storage()),
  unhashable("a list", ["EMPTY_LIST"]),
  unhashable("a dict", ["EMPTY_DICT"]),
  unhashable("an OrderedDict", call(global("collections", "OrderedDict"))),
  unhashable("a set", call(global("builtins", "set"), ["EMPTY_LIST"])),
  unhashable("a tuple with a list in a tuple", tuple(tuple(["EMPTY_LIST"]))),
  unhashableValue("a list as the key of a pair", call(global("collections", "OrderedDict"), PAIRED)),
  unhashableValue("a list in a set", ["EMPTY_SET", "MARK", "EMPTY_LIST", "ADDITEMS"]),
  unhashableValue("a dict in a frozenset", ["MARK", "EMPTY_DICT", "FROZENSET"]),
  keyed("a frozenset of one", call(global("builtins", "frozenset"), ["EMPTY_LIST", int(1), "APPEND"])),
  keyed("a device", call(global("torch", "device"), [text("cpu")])),
  keyed("a complex number", call(global("__builtin__", "complex"), [["BINFLOAT", 1]], [["BINFLOAT", 1]])),
  keyed("a tuple of dtypes", tuple([global("torch", "float32")])),
  keyed("a tuple whose text would be long", tuple([text("x".repeat(200))])),
  keyed("tuples within tuples", tuple(tuple(tuple(tuple(tuple([int(1)])))))),
  keyed("a tuple of 40 levels of itself twice, which Python takes for ever to hash", [
    ...["EMPTY_TUPLE", ["BINPUT", 0] as const],
    ...["MARK", repeat(40, ["BINGET", 0], ["BINGET", 0], "TUPLE2", ["BINPUT", 0]), "TUPLE"],
    ...["TUPLE2"],
  ]),
  refusePickle(
    "key-type",
    "a dtype on the way to a tensor",
    "name-type",
    stateDict(
      [[text("good")], tensor()],
      [[global("torch", "float32")], dict([[text("deep")], tensor({ size: ints(2) })])],
    ),
  ),
  refusePickle(
    "key-type",
    "a tensor in a set",
    "name-type",
    stateDict(
      [[text("good")], tensor()],
      [[text("set")], call(global("__builtin__", "set"), ["EMPTY_LIST", ...tensor(), "APPEND"])],
    ),
  ),
  refusePickle("key-type", "an OrderedDict of pairs with a tensor for a key", "name-type", [
    ...[["PROTO", 2] as const, global("collections", "OrderedDict"), "EMPTY_LIST"],
    ...["MARK", ...tensor(), ...tensor(), "TUPLE", "APPEND", "TUPLE1", "REDUCE", "STOP"],
  ]),
]

/** Every case of this file. */
export const NAMES: readonly HostileCase[] = [
  ...RESERVED,
  ...SURROGATES,
  ...NULS,
  ...COLLISIONS,
  ...SPELLED_ALIKE,
  ...KEYS,
  refusePickle(
    "key-type",
    "an OrderedDict within an OrderedDict as a key",
    "pickle-type",
    stateDict([[text("good")], tensor()], [ORDERED_DICT, dict([[text("x")], tensor({ size: ints(2) })])]),
  ),
]
