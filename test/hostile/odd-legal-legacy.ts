import { assemble, hex, type Part, pickle2 } from "../pickle/assemble.ts"
import {
  keyList,
  type LegacyParts,
  legacyFile,
  storage as legacyStorage,
  systemInfo,
  vector,
} from "../torch/legacy-file.ts"
import type { ExpectedTensor, LegalCase } from "./case.ts"
import {
  beside,
  checkpoint,
  dict,
  floats,
  global,
  int,
  ints,
  tensorV3,
  text as textPart,
  tuple,
  WEIGHT,
  weight,
} from "./checkpoint-parts.ts"
import { legal } from "./odd-legal-containers.ts"
import type { SectionId } from "./sections.ts"

const two = (name: string, bytes: Uint8Array): ExpectedTensor => ({
  name,
  dtype: "F32",
  shape: [bytes.length / 4],
  bytes,
})
const ONES = new Uint8Array(8).fill(1)
const TWOS = new Uint8Array(8).fill(2)
const USUAL = [two("a", ONES), two("b", TWOS)]

const legacy = (
  section: SectionId,
  name: string,
  parts: Partial<LegacyParts>,
  more: Partial<LegalCase> = {},
): LegalCase => legal(section, name, () => legacyFile(parts), { tensors: USUAL, ...more })

/** A file with one storage of four floats under `key`. */
const keyed = (
  section: SectionId,
  name: string,
  key: string,
  value: readonly Part[],
  tensors: readonly ExpectedTensor[],
): LegalCase =>
  legacy(
    section,
    name,
    { object: pickle2(...dict([[textPart("weight")], value])), keys: keyList(key), storages: [[4, WEIGHT]] },
    { tensors },
  )

const viewOf = (offset: number, count: number): readonly Part[] => [
  textPart("view"),
  int(offset),
  int(count),
  "TUPLE3",
]

const LEGACY: readonly LegalCase[] = [
  legacy("legacy-slots", "as torch writes it", {}),
  legacy("legacy-magic", "with a frame around the magic number", {
    magic: assemble(["PROTO", 4], ["FRAME", 13], ["LONG1", 0x1950a86a20f9469cfc6cn], "STOP"),
  }),
  legacy("legacy-magic", "of protocol 3", {
    magic: assemble(["PROTO", 3], ["LONG1", 0x1950a86a20f9469cfc6cn], "STOP"),
  }),
  legacy("legacy-magic", "with its version as a wide integer", { version: pickle2(["LONG1", 1001]) }),
  legacy("legacy-slots", "with more system info than torch writes", {
    info: pickle2(...dict([[textPart("little_endian")], ["NEWTRUE"]], [[textPart("host")], [int(1)]])),
  }),
  legacy("legacy-keys", "keys in another order than the object", {
    keys: keyList("8", "7"),
    storages: [
      [3, new Uint8Array(12).fill(2)],
      [2, ONES],
    ],
  }),
  legacy(
    "legacy-keys",
    "a tensor of nothing, and a storage of nothing",
    {
      object: pickle2(...dict([[textPart("weight")], [vector(legacyStorage("7", 0), 0)]])),
      keys: keyList("7"),
      storages: [[0, new Uint8Array(0)]],
    },
    { tensors: [two("weight", new Uint8Array(0))] },
  ),
  legacy(
    "byte-order",
    "big-endian, as the caller says",
    {
      info: systemInfo("NEWFALSE"),
      storages: [
        [2, hex("3f800000 c0000000")],
        [3, hex("00000000 40600000 40800000")],
      ],
    },
    {
      options: { byteOrder: "big" },
      tensors: [two("a", floats(1, -2)), two("b", floats(3.5, 4))],
    },
  ),
  legacy(
    "byte-order",
    "big-endian by mistake, as the caller says",
    { info: systemInfo("NEWFALSE") },
    { options: { byteOrder: "little" } },
  ),
  keyed(
    "legacy-keys",
    "a storage called __proto__",
    "__proto__",
    [vector(legacyStorage("__proto__", 4), 4)],
    [weight()],
  ),
  keyed(
    "legacy-keys",
    "a storage called ../data.pkl",
    "../data.pkl",
    [vector(legacyStorage("../data.pkl", 4), 4)],
    [weight()],
  ),
  keyed(
    "legacy-keys",
    "an address",
    "94086123456784",
    [vector(legacyStorage("94086123456784", 4), 4)],
    [weight()],
  ),
  keyed(
    "legacy-view",
    "of the middle",
    "7",
    [vector(legacyStorage("7", 4, viewOf(1, 2)), 2)],
    [two("weight", floats(-2, 3.5))],
  ),
  keyed("legacy-view", "of everything", "7", [vector(legacyStorage("7", 4, viewOf(0, 4)), 4)], [weight()]),
  keyed(
    "legacy-view",
    "of nothing, at the end",
    "7",
    [vector(legacyStorage("7", 4, viewOf(4, 0)), 0)],
    [two("weight", new Uint8Array(0))],
  ),
  keyed("legacy-view", "that is None", "7", [vector(legacyStorage("7", 4, ["NONE"]), 4)], [weight()]),
  legacy(
    "legacy-count",
    "in bytes, of an untyped storage",
    {
      object: pickle2(
        ...dict([
          [textPart("weight")],
          tensorV3([global("torch", "uint16")], {
            size: ints(8),
            storage: [
              ...tuple(
                [textPart("storage")],
                [global("torch", "UntypedStorage")],
                [textPart("7")],
                [textPart("cpu")],
                [int(16)],
                ["NONE"],
              ),
              "BINPERSID",
            ],
          }),
        ]),
      ),
      keys: keyList("7"),
      storages: [[16, WEIGHT]],
    },
    { tensors: [{ name: "weight", dtype: "U16", shape: [8], bytes: WEIGHT }] },
  ),
  legal("zip-prefix", "as torch writes it, aligned to 64 bytes", () => checkpoint(beside(["NONE"]))),
]

/** Every case of this file. */
export const ODD_LEGAL_LEGACY: readonly LegalCase[] = [...LEGACY]
