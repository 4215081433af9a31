/** What torch makes other tensors of, or none, is not converted; what only looks odd is. */

import { describe, expect, it } from "vitest"
import { openCheckpoint, toSafetensorsBytes } from "../../src/index.ts"
import { buildZip } from "../archive/zip-builder.ts"
import {
  call,
  checkpoint,
  checkpointMembers,
  dict,
  global,
  int,
  ints,
  ORDERED_DICT,
  stateDict,
  storage,
  tensor,
  tensorArguments,
  text,
  tuple,
} from "../hostile/checkpoint-parts.ts"
import { assemble, hex, latin1, type Part } from "../pickle/assemble.ts"
import { refusedAsync } from "./support.ts"

type Value = readonly Part[]

const weightOf = (value: Value): Uint8Array => checkpoint(stateDict([[text("w")], value]))

async function outcome(file: Uint8Array): Promise<string> {
  const names = async () => {
    await using opened = await openCheckpoint(file)
    opened.plan()
    return [...opened.tensors.keys()].join()
  }
  return names().catch((error: { code: string }) => error.code)
}

describe("state of a tensor", () => {
  const parameter = (state: Value): Value =>
    call(global("torch._utils", "_rebuild_parameter_with_state"), tensor(), ["NEWTRUE"], ORDERED_DICT, state)
  const fromType = (state: Value): Value =>
    call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      [global("torch._utils", "_rebuild_tensor_v2")],
      [global("torch", "Tensor")],
      tensorArguments(),
      state,
    )
  const named = (key: string | Part, value: Value = tensor()): Value =>
    dict([[typeof key === "string" ? text(key) : key], value])

  it.each<[string, Value]>([
    ...["data", "real", "imag", "grad", "_grad", "names", "T", "shape", "_base", "_backward_hooks"].map(
      (key): [string, Value] => [key, named(key)],
    ),
    ["requires_grad", named("requires_grad", ["NEWTRUE"])],
    ["data by a str of Python 2", named(["SHORT_BINSTRING", "data"])],
    ["data in an OrderedDict", [...ORDERED_DICT, text("data"), ...tensor(), "SETITEM"]],
    ["data behind plain attributes", dict([[text("tag")], ["NONE"]], [[text("data")], tensor()])],
    ...["__class__", "__dict__", "__setstate__"].map((key): [string, Value] => [key, named(key, ["NONE"])]),
    ["an int for a name", named(int(1))],
    ["bytes for a name", named(["SHORT_BINSTRING", latin1("\xe9")])],
    ["slots", tuple(["NONE"], named("tag"))],
    ["slots with data", tuple(["EMPTY_DICT"], named("data"))],
    ["data in the dict before slots", tuple(named("data"), ["NONE"])],
    ["a tuple of three", tuple(["NONE"], ["NONE"], ["NONE"])],
    ["a list", ["EMPTY_LIST"]],
    ["text", [text("data")]],
  ])("is refused: %s", async (_, state) => {
    expect(await outcome(weightOf(parameter(state)))).toBe("tensor-metadata")
    expect(await outcome(weightOf(fromType(state)))).toBe("tensor-metadata")
  })

  it.each<[string, Value]>([
    ["None", ["NONE"]],
    ["an empty dict", ["EMPTY_DICT"]],
    ["an attribute", named("tag", [int(3)])],
    ["an attribute that is a tensor", named("original")],
    ["an attribute of one underscore", named("_fsdp", ["NONE"])],
    ["an attribute beside no slots", tuple(named("tag"), ["NONE"])],
    [
      "attributes whose names begin like others",
      dict([[text("data2")], ["NONE"]], [[text("Data")], ["NONE"]]),
    ],
  ])("is dropped: %s", async (_, state) => {
    expect(await outcome(weightOf(parameter(state)))).toBe("w")
    expect(await outcome(weightOf(fromType(state)))).toBe("w")
  })
})

describe("requires_grad", () => {
  it.each<[string, Value]>([
    ["0", [int(0)]],
    ["1", [int(1)]],
    ["None", ["NONE"]],
    ["1.0", [["BINFLOAT", 1]]],
    ["text", [text("True")]],
    ["a tuple", ["EMPTY_TUPLE"]],
  ])("that is %s is refused", async (_, flag) => {
    const parameter = call(global("torch._utils", "_rebuild_parameter"), tensor(), flag, ORDERED_DICT)
    expect(await outcome(weightOf(tensor({ requiresGrad: flag })))).toBe("tensor-argument")
    expect(await outcome(weightOf(parameter))).toBe("tensor-argument")
  })
})

describe("a tensor on meta", () => {
  const meta = tensor({ storage: storage({ location: [text("meta")] }) })

  it("has no values, and is named", async () => {
    const error = await refusedAsync(toSafetensorsBytes(weightOf(meta)))
    expect(error.code).toBe("tensor-unsupported")
    expect(error.message).toContain('"w": it is a meta tensor, which has no values')
  })

  it("can be left out", async () => {
    const other = tensor({ storage: storage({ key: [text("1")] }) })
    const pickle = stateDict([[text("gone")], meta], [[text("w")], other])
    const storages = { 0: new Uint8Array(16), 1: new Uint8Array(16) }
    const { report } = await toSafetensorsBytes(checkpoint(pickle, { storages }), { exclude: "gone" })
    expect(report.tensorCount).toBe(1)
  })

  it.each(["META", "meta:0", "cuda:0", ""])("is not one on %j", async (location) => {
    expect(await outcome(weightOf(tensor({ storage: storage({ location: [text(location)] }) })))).toBe("w")
  })
})

describe("records in another case", () => {
  const pickle = assemble(...stateDict([[text("w")], tensor()]))
  const renamed = (from: string, to: string): Uint8Array => {
    const members = checkpointMembers(pickle, { more: { "archive/.format_version": latin1("1") } })
    const named = members.map((member) => (member.name === from ? { ...member, name: to } : member))
    return buildZip({ members: named, zip64: {} })
  }

  it.each([
    ["archive/byteorder", "archive/BYTEORDER", "zip-name"],
    ["archive/byteorder", "archive/byteOrder", "zip-name"],
    ["archive/version", "archive/Version", "zip-name"],
    ["archive/.format_version", "archive/.FORMAT_version", "zip-name"],
    ["archive/byteorder", "archive/CONSTANTS.pkl", "zip-name"],
    ["archive/byteorder", "archive/Data/7", "zip-name"],
    ["archive/data.pkl", "archive/data.PKL", "zip-layout"],
    ["archive/data/0", "archive/DATA/0", "storage-key"],
    ["archive/version", "Archive/version", "zip-layout"],
    // The sign for kelvin is a k in small letters, but not to miniz.
    ["archive/byteorder", "archive/notes", "w"],
    ["archive/byteorder", "archive/BYTEORDE\u0158", "w"],
    ["archive/byteorder", "archive/ByteOrder.txt", "w"],
    ["archive/byteorder", "archive/DATA/x", "w"],
  ])("%s as %s: %s", async (from, to, expected) => {
    expect(await outcome(renamed(from, to))).toBe(expected)
  })
})

describe("the version", () => {
  const file = (more: Readonly<Record<string, Uint8Array>>): Uint8Array => {
    const members = checkpointMembers(assemble(...stateDict([[text("w")], tensor()])), { more })
    // Without the one that is always there.
    const usual = members.findIndex(({ name }) => name === "archive/version")
    return buildZip({ members: members.toSpliced(usual, 1), zip64: {} })
  }

  // As torch 2.13 takes or refuses them.
  it.each(["1", "3\n", "10", " 3", "+3", "3abc", "3.5", "003", "3\0"])("%j is read", async (version) => {
    for (const name of ["version", ".data/version"]) {
      expect(await outcome(file({ [`archive/${name}`]: latin1(version) }))).toBe("w")
    }
  })

  it.each(["", "0", "11", "999", "-1", "abc", "0x3", "\x003", "99999999999999999999999"])(
    "%j is refused",
    async (version) => {
      for (const name of ["version", ".data/version"]) {
        expect(await outcome(file({ [`archive/${name}`]: latin1(version) }))).toBe("unsupported-layout")
      }
      const both = { "archive/version": latin1("3\n"), "archive/.data/version": latin1(version) }
      expect(await outcome(file(both))).toBe("unsupported-layout")
    },
  )

  it("may be missing", async () => {
    expect(await outcome(file({}))).toBe("w")
  })
})

describe("a str of Python 2 that is not UTF-8", () => {
  const word = latin1("caf\xe9")

  it.each(["SHORT_BINSTRING", "BINSTRING"])("is bytes among the values (%s)", async (opcode) => {
    const pickle = stateDict([[text("w")], tensor()], [[text("author")], [[opcode, word]]])
    await using opened = await openCheckpoint(checkpoint(pickle))
    expect([...opened.tensors.keys()]).toEqual(["w"])
    expect((opened.values as ReadonlyMap<string, unknown>).get("author")).toEqual(word)
  })

  it.each<[string, Value]>([
    ["cut", [["SHORT_BINSTRING", hex("e2 82")]]],
    ["a surrogate, which Python 3 alone takes", [["SHORT_BINSTRING", hex("ed a0 80")]]],
  ])("is bytes as well: %s", async (_, value) => {
    await using opened = await openCheckpoint(
      checkpoint(stateDict([[text("w")], tensor()], [[text("x")], value])),
    )
    expect((opened.values as ReadonlyMap<string, unknown>).get("x")).toBeInstanceOf(Uint8Array)
  })

  it("is no name, and nobody is accused", async () => {
    const file = checkpoint(stateDict([[["SHORT_BINSTRING", word]], tensor()]))
    const error = await refusedAsync(toSafetensorsBytes(file))
    expect([error.code, error.nextStep.includes("hostile")]).toEqual(["name-type", false])
    expect(error.message).toContain("bytes")
  })

  it("is a name where it is UTF-8, and a key that leads to one", async () => {
    const inner = dict([[["SHORT_BINSTRING", "w\u00e9"]], tensor()])
    expect(await outcome(checkpoint(stateDict([[["BINSTRING", "state_dict"]], inner])))).toBe(
      "state_dict.w\u00e9",
    )
  })
})

describe("what C++ and .NET write", () => {
  const PICKLE = "torch.jit._pickle"
  const OrderedDict = global("collections", "OrderedDict")
  const tagged = (value: Value, type: string): Value =>
    call(global(PICKLE, "restore_type_tag"), value, [text(type)])

  it.each<[string, Value, string]>([
    ["a dict", tagged(dict([[text("w")], tensor()]), "Dict[str, Tensor]"), "w"],
    ["a list", dict([[text("l")], tagged(["EMPTY_LIST", ...tensor(), "APPEND"], "List[Tensor]")]), "l.0"],
    [
      "a list of tensors, as before",
      dict([[text("l")], call(global(PICKLE, "build_tensorlist"), ["EMPTY_LIST", ...tensor(), "APPEND"])]),
      "l.0",
    ],
    [
      "an OrderedDict of no pairs",
      [...call(OrderedDict, ["EMPTY_TUPLE"]), text("w"), ...tensor(), "SETITEM"],
      "w",
    ],
    ["an OrderedDict of a tuple of pairs", call(OrderedDict, tuple(tuple([text("w")], tensor()))), "w"],
    [
      "hooks that are OrderedDict(())",
      dict([[text("w")], tensor({ hooks: call(OrderedDict, ["EMPTY_TUPLE"]) })]),
      "w",
    ],
  ])("%s", async (_, value, names) => {
    expect(await outcome(checkpoint([["PROTO", 2], ...value, "STOP"]))).toBe(names)
  })

  it.each<[string, Value]>([
    ["restore_type_tag of one", call(global(PICKLE, "restore_type_tag"), ["EMPTY_DICT"])],
    [
      "restore_type_tag with a type that is no text",
      call(global(PICKLE, "restore_type_tag"), ["EMPTY_DICT"], [int(1)]),
    ],
    ["build_intlist of two", call(global(PICKLE, "build_intlist"), ["EMPTY_LIST"], ["EMPTY_LIST"])],
    ["an OrderedDict of triples", call(OrderedDict, tuple(ints(1, 2, 3)))],
  ])("not %s", async (_, value) => {
    expect(await outcome(checkpoint(stateDict([[text("w")], tensor()], [[text("x")], value])))).toBe(
      "pickle-type",
    )
  })
})

it("the keys 1, True, 1.0 and 1+0j are one, with the last value", async () => {
  const complex = call(global("__builtin__", "complex"), [["BINFLOAT", 1]], [["BINFLOAT", 0]])
  const keys: readonly Value[] = [[int(1)], ["NEWTRUE"], [["BINFLOAT", 1]], complex]
  const one = stateDict(...keys.map((key) => [key, tensor()] as const))
  expect(await outcome(checkpoint(one))).toBe("1")
  const gone = stateDict([[text("w")], tensor()], [[int(1)], tensor({ size: ints(2) })], [complex, ["NONE"]])
  expect(await outcome(checkpoint(gone))).toBe("w")
})

it("pickle protocol 0 or 1 is named, and nobody is accused", async () => {
  const file = checkpoint([...dict([[text("w")], tensor()]), "STOP"])
  const error = await refusedAsync(toSafetensorsBytes(file))
  expect(error.code).toBe("pickle-protocol")
  expect(error.message).toContain("protocol 0 or 1")
  expect(error.nextStep).not.toContain("hostile")
})
