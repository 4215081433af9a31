/** State that is given to tensors: plain attributes, and what torch does more with than keep. */

import { dict, FALSE, int, list, NONE, type Parts, TRUE, tuple } from "./pickle-parts.ts"

const named = (key: string, value: Parts): Parts => dict([[["BINUNICODE", key]], value])

/** State that torch takes and that changes no tensor. */
export const PLAIN_STATES: readonly Parts[] = [
  NONE,
  dict(),
  named("tag", int(3)),
  named("is_shared_param", TRUE),
  tuple(named("tag", int(3)), NONE),
  tuple(NONE, NONE),
  tuple(named("weight_loader", list()), dict()),
]

/** State by name. `tensor` makes a tensor of this checkpoint. */
export const ODD_STATES = (tensor: () => Parts): readonly (readonly [string, Parts])[] => [
  ...["data", "real", "imag", "grad", "_grad", "T", "shape", "dtype", "_base", "_backward_hooks"].map(
    (key) => [key, named(key, tensor())] as const,
  ),
  ...[
    "names",
    "requires_grad",
    "is_leaf",
    "volatile",
    "name",
    "_version",
    "__class__",
    "__dict__",
    "__x__",
  ].map((key) => [key, named(key, NONE)] as const),
  ["requires_grad: True", named("requires_grad", TRUE)],
  ["a method", named("size", int(1))],
  ["a key that is an int", dict([int(1), int(2)])],
  ["slots", tuple(NONE, named("tag", int(1)))],
  ["slots: data", tuple(dict(), named("data", tensor()))],
  ["a tuple of three", tuple(NONE, NONE, NONE)],
  ["an empty tuple", tuple()],
  ["a list", list(int(1))],
  ["an empty list", list()],
  ["False", FALSE],
  ["an int", int(7)],
]
