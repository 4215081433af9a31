/** Odd names that safetensors can hold: all of them convert. */

import { hex, type Part } from "../pickle/assemble.ts"
import type { LegalCase } from "./case.ts"
import {
  acceptPickle,
  acceptValue,
  dict,
  int,
  ints,
  stateDict,
  tensor,
  text,
  tuple,
  weight,
} from "./checkpoint-parts.ts"
import { halves } from "./odd-legal-values.ts"
import type { SectionId } from "./sections.ts"

const SELF: readonly Part[] = [["BINGET", 0]]

/** A checkpoint with these keys; the first has one element, the second two, and so on, up to four. */
const keyed = (
  section: SectionId,
  what: string,
  ...keys: readonly (readonly [key: Part, name: string])[]
): LegalCase =>
  acceptPickle(
    section,
    what,
    stateDict(...keys.map(([key], i) => [[key], tensor({ size: ints((i % 4) + 1) })] as const)),
    { tensors: keys.map(([, name], i) => halves(name, (i % 4) + 1)), options: { shared: "copy" } },
  )
/** A key that is no text, on the way to a tensor and as the last. */
const spelled = (what: string, key: readonly Part[], name: string): LegalCase =>
  acceptPickle(
    "key-type",
    what,
    stateDict([key, tensor()], [[text("on the way")], dict([key, tensor({ size: ints(2) })])]),
    { tensors: [weight(name), halves(`on the way.${name}`, 2)], options: { shared: "copy" } },
  )
const names = (section: SectionId, what: string, ...all: readonly string[]): LegalCase =>
  keyed(section, what, ...all.map((name) => [text(name), name] as const))

const NAMES: readonly LegalCase[] = [
  names("js-keys", "__proto__", "__proto__"),
  names("js-keys", "__proto__ among others", "a", "__proto__", "z"),
  names("js-keys", "what objects inherit", "constructor", "toString", "hasOwnProperty", "valueOf"),
  names(
    "js-keys",
    "what makes a promise or JSON of an object",
    "then",
    "toJSON",
    "length",
    "__defineGetter__",
  ),
  acceptPickle(
    "js-keys",
    "__proto__ as a level",
    stateDict([[text("a")], tensor()], [[text("__proto__")], dict([[text("b")], tensor({ size: ints(2) })])]),
    {
      tensors: [weight("a"), halves("__proto__.b", 2)],
    },
  ),
  acceptPickle(
    "js-keys",
    "__proto__ as the root",
    stateDict([[text("__proto__")], dict([[text("polluted")], tensor()])]),
    {
      tensors: [weight("polluted")],
    },
  ),
  acceptPickle(
    "js-keys",
    "__proto__ as another name of a tensor",
    stateDict([[text("ZZ")], [...tensor(), ["BINPUT", 0]]], [[text("__proto__")], SELF]),
    {
      tensors: [weight("ZZ")],
      metadata: JSON.parse('{"__proto__":"ZZ"}'),
    },
  ),
  names("integer-keys", "texts that look like integers, backwards", "10", "2", "01", "-0"),
  keyed("integer-keys", "integers, backwards", [int(10), "10"], [int(2), "2"], [int(-1), "-1"]),
  keyed(
    "integer-keys",
    "integers beyond 2^53",
    [int(2n ** 53n + 1n), "9007199254740993"],
    [int(-(2n ** 64n)), "-18446744073709551616"],
  ),
  names("unicode-twins", "composed and decomposed", "\u00e9", "e\u0301"),
  names("unicode-twins", "with and without a byte order mark", "weight", "\ufeffweight"),
  names("unicode-twins", "look-alikes and another case", "a", "\u0430", "A", "\uff41"),
  names(
    "unicode-twins",
    "beyond the first plane, before and after it",
    "\uffff",
    "\u{10000}",
    "\ud7ff",
    "😀",
  ),
  names(
    "error-text",
    "control characters, quotes and backslashes",
    '"',
    "\\",
    "\u0001\n\t\u007f",
    "\u001b[2J",
  ),
  names("error-text", "text turned around", "\u202egnp.exe", "\u2066a\u2069"),
  names("reserved-name", "names that are nearly reserved", "__metadata", "__METADATA__", "__metadata__ "),
  acceptPickle(
    "reserved-name",
    "as a level",
    stateDict(
      [[text("a")], tensor()],
      [[text("__metadata__")], dict([[text("b")], tensor({ size: ints(2) })])],
    ),
    {
      tensors: [weight("a"), halves("__metadata__.b", 2)],
    },
  ),
  names("collision", "a name of nothing", ""),
  names("collision", "names of dots", ".", "..", "a..b", "a."),
  names("collision", "names that are paths", "../../etc/passwd", "/etc/passwd", "C:\\x", "a/b"),
  acceptPickle(
    "collision",
    "1 and True in one dict are one key: the first key, the last value",
    stateDict([[int(1)], tensor()], [["NEWTRUE"], tensor({ size: ints(2) })]),
    {
      tensors: [halves("1", 2)],
    },
  ),
  acceptPickle(
    "collision",
    "one key twice in one dict: the last value",
    stateDict([[text("a")], tensor()], [[text("a")], tensor({ size: ints(3) })]),
    {
      tensors: [halves("a", 3)],
    },
  ),
  spelled("a tuple of texts", tuple([text("a")], [text("it's")]), `('a', "it's")`),
  spelled("a tuple of sizes", tuple([int(10)], [int(-20)], [int(0)]), "(10, -20, 0)"),
  spelled("a tuple of one", tuple([int(1)]), "(1,)"),
  spelled("an empty tuple", ["EMPTY_TUPLE"], "()"),
  spelled("a tuple in a tuple", tuple(tuple([["BINFLOAT", 0.5]]), ["NONE"]), "((0.5,), None)"),
  spelled("None", ["NONE"], "None"),
  spelled("True", ["NEWTRUE"], "True"),
  spelled("a float", [["BINFLOAT", 1.5]], "1.5"),
  spelled("a whole float", [["BINFLOAT", 7]], "7.0"),
  spelled("a float that Python writes with an exponent", [["BINFLOAT", 1e-5]], "1e-05"),
  spelled("a float that JavaScript alone writes in full", [["BINFLOAT", 1e16]], "1e+16"),
  spelled("NaN", [["BINFLOAT", Number.NaN]], "nan"),
  names("long-names", "70,000 characters", "n".repeat(70_000)),
  names("long-names", "1 MiB", "n".repeat(1_048_576)),
  acceptValue("surrogate", "half a character that names no tensor", [text(hex("ed a0 80"))]),
  acceptValue("nul", "NUL where it names no tensor", dict([[text("\0")], [int(1)]])),
]

/** Every case of this file. */
export const ODD_LEGAL_NAMES: readonly LegalCase[] = [...NAMES]
