import { describe, expect, it } from "vitest"
import { atOnce } from "../../src/bytes/turns.ts"
import { DEFAULT_LIMITS } from "../../src/limits/limits.ts"
import { runPickleSteps } from "../../src/pickle/machine.ts"
import { isUnsupportedTensor } from "../../src/tensors/tensor.ts"
import { ALLOWED_GLOBALS } from "../../src/torch/allowed-globals.ts"
import { TorchPolicy } from "../../src/torch/torch-policy.ts"
import { hex, type Part, pickle2, pickle5, repeat } from "../pickle/assemble.ts"
import { plain, refusal } from "../pickle/run.ts"
import { storage, text, vector } from "./legacy-file.ts"
import { asTensor, callSite, known, loadObject, tuple } from "./support.ts"

const ORDERED: Part = ["GLOBAL", "collections", "OrderedDict"]
const call = (module: string, name: string, ...args: readonly Part[]): readonly Part[] => [
  ["GLOBAL", module, name],
  "MARK",
  ...args,
  "TUPLE",
  "REDUCE",
]
const codeOf = (...parts: readonly Part[]): string =>
  refusal(() => loadObject(pickle5(...parts), {}, true)).code

describe("calls", () => {
  it("rebuild a tensor", () => {
    // 80 02 PROTO 2, 63 GLOBAL 'torch._utils _rebuild_tensor_v2', 28 MARK, the persistent id:
    // 28 MARK, 55 'storage', 63 'torch HalfStorage', 55 '0', 55 'cpu', 4b 6, 74 TUPLE, 51 BINPERSID
    // 4b 1 offset, 4b 2 85 sizes, 4b 3 85 strides, 89 False, 7d {}, 74 TUPLE, 52 REDUCE, 2e STOP
    const bytes = hex(`80 02
      63 74 6f 72 63 68 2e 5f 75 74 69 6c 73 0a 5f 72 65 62 75 69 6c 64 5f 74 65 6e 73 6f 72 5f 76 32 0a 28
      28 55 07 73 74 6f 72 61 67 65 63 74 6f 72 63 68 0a 48 61 6c 66 53 74 6f 72 61 67 65 0a
      55 01 30 55 03 63 70 75 4b 06 74 51
      4b 01 4b 02 85 4b 03 85 89 7d 74 52 2e`)
    expect(asTensor(loadObject(bytes))).toMatchObject({
      dtype: { name: "float16" },
      shape: [2],
      strides: [3],
      elementOffset: 1,
      storage: { key: "0", byteLength: 12, location: "cpu" },
    })
  })

  it("make an unsupported tensor of whatever arguments", () => {
    const value = loadObject(pickle2(...call("torch._utils", "_rebuild_sparse_tensor", "NONE")))
    expect(isUnsupportedTensor(value) && value.reason).toBe("a sparse tensor")
  })

  it.each<[what: string, ...parts: Part[]]>([
    ["bytearray(2**40)", ...call("builtins", "bytearray", ["LONG1", 2 ** 40])],
    ["bytearray(2**40) of Python 2", ...call("__builtin__", "bytearray", ["LONG1", 2 ** 40])],
    ["bytes(2**40)", ...call("builtins", "bytes", ["LONG1", 2 ** 40])],
    ["FloatStorage(2**40)", ...call("torch", "FloatStorage", ["LONG1", 2 ** 40])],
    ["UntypedStorage(2**40)", ...call("torch.storage", "UntypedStorage", ["LONG1", 2 ** 40])],
    ["list()", ...call("builtins", "list")],
    ["int('1')", ...call("builtins", "int", text("1"))],
    ["torch.float32()", ...call("torch", "float32")],
    ["torch.Tensor()", ...call("torch", "Tensor")],
    ["Parameter()", ...call("torch.nn.parameter", "Parameter")],
    ["encode in rot13", ...call("_codecs", "encode", text("a"), text("rot13"))],
    ["None()", "NONE", "EMPTY_TUPLE", "REDUCE"],
    ["a dict as a function", "EMPTY_DICT", "EMPTY_TUPLE", "REDUCE"],
    ["text as a function", text("eval"), "EMPTY_TUPLE", "REDUCE"],
    ["a result as a function", ...call("collections", "OrderedDict"), "EMPTY_TUPLE", "REDUCE"],
    ["a storage as a function", storage("0", 1), "EMPTY_TUPLE", "REDUCE"],
    ["a tensor as a function", vector(storage("0", 1), 1), "EMPTY_TUPLE", "REDUCE"],
  ])("%s is refused", (_, ...parts) => {
    expect(codeOf(...parts)).toBe("pickle-type")
  })

  it("of classes with NEWOBJ are for an empty OrderedDict", () => {
    expect(plain(loadObject(pickle2(ORDERED, "EMPTY_TUPLE", "NEWOBJ")))).toEqual(new Map())
    expect(codeOf(ORDERED, "EMPTY_LIST", "TUPLE1", "NEWOBJ")).toBe("pickle-type")
    for (const { module, name, meaning } of ALLOWED_GLOBALS) {
      // What a distributed tensor is saved with is made so, and stays inert.
      if (name === "OrderedDict" || meaning.is === "distributed-part") continue
      expect(codeOf(["GLOBAL", module, name], "EMPTY_TUPLE", "NEWOBJ")).toBe("pickle-type")
    }
  })

  it("of NEWOBJ_EX are refused", () => {
    expect(codeOf(ORDERED, "EMPTY_TUPLE", "EMPTY_DICT", "NEWOBJ_EX")).toBe("pickle-opcode")
  })

  it("of a class that is not on the list name it, also as a tensor's class", () => {
    const parts: readonly Part[] = [
      ["GLOBAL", "torch._tensor", "_rebuild_from_type_v2"],
      ...[
        "MARK",
        ["GLOBAL", "torch._utils", "_rebuild_tensor_v2"] as const,
        ["GLOBAL", "evil", "Tensor"] as const,
      ],
      ...["EMPTY_TUPLE", "EMPTY_DICT", "TUPLE", "REDUCE"],
    ]
    const error = refusal(() => loadObject(pickle2(...parts)))
    expect(error.detail).toMatchObject({ globals: [{ global: "evil.Tensor" }] })
  })
})

describe("BUILD", () => {
  it("gives an OrderedDict state that is dropped", () => {
    const built = pickle2(
      ORDERED,
      "EMPTY_TUPLE",
      "REDUCE",
      "EMPTY_DICT",
      text("_metadata"),
      "NONE",
      "SETITEM",
      "BUILD",
    )
    expect(plain(loadObject(built))).toEqual(new Map())
  })

  it.each<[what: string, ...parts: Part[]]>([
    ["a dict", "EMPTY_DICT", "EMPTY_DICT"],
    ["a list", "EMPTY_LIST", "EMPTY_DICT"],
    ["a tuple", "EMPTY_TUPLE", "EMPTY_DICT"],
    ["a Counter", ...call("collections", "Counter"), "EMPTY_DICT"],
    ["a defaultdict", ...call("collections", "defaultdict"), "EMPTY_DICT"],
    ["a tensor", vector(storage("0", 1), 1), "EMPTY_DICT"],
    ["a storage", storage("0", 1), "EMPTY_DICT"],
    ["a global", ORDERED, "EMPTY_DICT"],
    ["an OrderedDict a list", ...call("collections", "OrderedDict"), "EMPTY_LIST"],
    ["an OrderedDict None", ...call("collections", "OrderedDict"), "NONE"],
    ["an OrderedDict a tuple", ...call("collections", "OrderedDict"), "NONE", "EMPTY_DICT", "TUPLE2"],
  ])("gives %s none", (_, ...parts) => {
    expect(codeOf(...parts, "BUILD")).toBe("pickle-type")
  })
})

describe("items", () => {
  it.each<[what: string, ...parts: Part[]]>([
    ["SETITEM on a tensor", vector(storage("0", 1), 1), "NONE", "NONE", "SETITEM"],
    ["SETITEM on a storage", storage("0", 1), "NONE", "NONE", "SETITEM"],
    ["SETITEM on a torch.Size", ...call("torch", "Size", "EMPTY_LIST"), "NONE", "NONE", "SETITEM"],
    ["APPEND to a tensor", vector(storage("0", 1), 1), "NONE", "APPEND"],
    ["APPEND to a torch.Size", ...call("torch", "Size", "EMPTY_LIST"), "NONE", "APPEND"],
    ["APPEND to an OrderedDict", ...call("collections", "OrderedDict"), "NONE", "APPEND"],
  ])("%s is refused", (_, ...parts) => {
    expect(codeOf(...parts)).toBe("pickle-type")
  })

  it("may follow the call of a mapping or a set", () => {
    const filled = (name: string) =>
      loadObject(pickle2(...call("collections", name), "MARK", text("a"), ["BININT1", 1], "SETITEMS"))
    for (const name of ["OrderedDict", "Counter", "defaultdict"]) {
      expect(plain(filled(name))).toEqual(new Map([["a", 1]]))
    }
    expect(
      plain(loadObject(pickle5(...call("builtins", "set"), "MARK", ["BININT1", 1], "ADDITEMS"))),
    ).toEqual({
      set: [1],
    })
  })
})

describe("the policy itself", () => {
  const policyOf = () =>
    new TorchPolicy({
      within: "p",
      limits: DEFAULT_LIMITS,
      storages: undefined,
    })

  it("notes each known global once, in order, and no other", () => {
    const policy = policyOf()
    policy.resolveGlobal("torch", "float32")
    policy.resolveGlobal("os", "system")
    policy.resolveGlobal("collections", "OrderedDict")
    policy.resolveGlobal("torch", "float32")
    expect([...policy.globals]).toEqual([known("torch", "float32"), known("collections", "OrderedDict")])
  })

  it("refers to no storage where there can be none", () => {
    const bytes = pickle2(storage("0", 1, []))
    const options = { within: "p", limits: DEFAULT_LIMITS, budget: { opcodes: 0 } }
    expect(refusal(() => atOnce(runPickleSteps(bytes, { ...options, policy: policyOf() }))).code).toBe(
      "storage-reference",
    )
  })

  it("takes views of storages only where it is told to", () => {
    const bytes = pickle2(storage("0", 4))
    expect(refusal(() => loadObject(bytes)).code).toBe("storage-reference")
    expect(loadObject(bytes, {}, true)).toMatchObject({ kind: "object:storage", elementCount: 4 })
  })

  it("says where in which pickle", () => {
    const error = refusal(() => policyOf().call(known("torch", "float32"), tuple(), 42, false))
    expect(error.detail).toMatchObject({ within: "p", at: 42 })
    expect(callSite().at).toBe(7)
  })

  it("bounds what all calls of a pickle copy together", () => {
    // set(members) a thousand times over, the members being shared: seven bytes a copy.
    const members: readonly Part[] = ["EMPTY_LIST", "MARK", repeat(1000, "NONE"), "APPENDS"]
    const again = repeat(1000, ["BINGET", 0], ["BINGET", 1], "REDUCE")
    const bytes = pickle2(
      ...["MARK", ["GLOBAL", "builtins", "set"] as const, ["BINPUT", 0] as const],
      ...[...members, "TUPLE1", ["BINPUT", 1] as const, again, "TUPLE"],
    )
    expect(refusal(() => loadObject(bytes, { maxNodes: 999_999 })).detail).toMatchObject({
      limit: "maxNodes",
    })
    expect(() => loadObject(bytes, { maxNodes: 1_000_000 })).not.toThrow()
  })
})
