"""Cases: names that break readers which key objects by them, sort them as UTF-16 or print them carelessly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from save import save_legacy, save_zip
from values import counting


def named(*names: Any) -> dict[Any, torch.Tensor]:
    """Tensors of one dtype, so that the order of the file is the order of names alone."""
    return {name: counting("F32", 2) + 10 * index for index, name in enumerate(names)}


ACCEPTED: dict[str, tuple[str, dict[Any, Any]]] = {
    "inherited": (
        "Names that every JavaScript object inherits.",
        named("__proto__", "constructor", "toString", "hasOwnProperty", "then", "valueOf", "__defineGetter__"),
    ),
    "proto-alone": ("__proto__ as the only name.", named("__proto__")),
    "proto-nested": (
        "Mappings called __proto__ and constructor.",
        {"a": counting("F32", 1), "__proto__": {"constructor": counting("F32", 2)}},
    ),
    "like-integers": (
        "Names like integers: text order, not number order.",
        named("10", "2", "01", "1", "-1", "0", "1e3", "4294967295"),
    ),
    "empty": ("The empty name.", named("", "a")),
    "empty-nested": (
        "Empty keys inside one another, named by dots alone.",
        {"w": counting("F32", 1), "": {"": counting("F32", 2)}},
    ),
    "dots": ("Names that begin and end with dots.", named(".", "..", "a.", ".a", "a..b")),
    "paths": ("Names that look like paths.", named("../../etc/passwd", "/abs", "C:\\x", "a/b", "data/0", "%2e%2e")),
    "emoji": (
        "Emoji, with a joiner and a flag.",
        named("\U0001f600", "\U0001f468\u200d\U0001f469", "\U0001f1e9\U0001f1f0", "\u2764\ufe0f"),
    ),
    "above-surrogates": (
        "UTF-8 sorts U+E000 and U+FFFF before an emoji; UTF-16 sorts them after it.",
        named("\U0001f600", "\ue000", "\uffff", "\ud7ff", "z", "\U0010ffff"),
    ),
    "byte-order-mark": (
        "A leading U+FEFF is part of a name, and makes another name of it.",
        named("\ufeffweight", "weight", "\ufeff"),
    ),
    "quotes": (
        "Quotes, backslashes and slashes: escaped in JSON, or not.",
        named('say "hi"', "back\\slash", "sl/ash", "'", "</script>", "`${1}`"),
    ),
    "control": ("Every control character but NUL.", named(*(f"c{chr(code)}" for code in range(1, 32)))),
    "delete-and-separators": (
        "U+007F, C1 controls and line separators stand unescaped.",
        named(
            "\x7f", "\x80", "\x9f", "\u2028", "\u2029", "\xa0", "\xad", "\u200b", "\u202e", "\ufffd", "\ufffe", "\ufdd0"
        ),
    ),
    "normal-forms": (
        "Composed and decomposed forms stay two names.",
        named("caf\u00e9", "cafe\u0301", "\u212b", "\u00c5", "A\u030a"),
    ),
    "case": ("Case makes names different.", named("Weight", "weight", "WEIGHT", "\u0130", "i\u0307")),
    "spaces": ("Blanks at both ends.", named(" ", " a", "a ", "\t", "\n", "a\r\nb")),
    "globs": ("Names with the characters of patterns.", named("*", "a*", "[ab]", "?", "{a,b}", "!a")),
    "metadata-like": ("Names close to the reserved one.", named("__metadata__2", "metadata", "__metadata", "format")),
    "scripts": (
        "Letters of many scripts.",
        named("\u0431", "\u05d0", "\u0627", "\u4e2d\u6587", "\u0e01", "\U00020000", "\U0001d400"),
    ),
    "literals": ("Words that are values elsewhere.", named("null", "true", "NaN", "undefined", "None", "-0")),
    "spelled-keys": (
        "Keys that are no text are named as Python's str names them.",
        named(None, True, 1.5, -0.0, 1e-5, 1e16, 123456789.125, (1, 2), (1,), (), ("a", "it's"), ((0.5, None), False)),
    ),
    "spelled-on-the-way": (
        "Mappings under keys that are no text.",
        {"a": counting("F32", 1), (0, 1): {"w": counting("F32", 2)}, None: [counting("F32", 3)]},
    ),
    "long": ("A name of 4,000 bytes.", named("layer." * 650 + "weight" + "x" * 94, "b")),
}


def cases() -> Iterator[Case]:
    for name, (source, value) in ACCEPTED.items():
        yield Case(group="names", name=name, source=source, content=save_zip(value), value=value)
    for name, protocol in (("inherited", 4), ("byte-order-mark", 5), ("emoji", 3)):
        source, value = ACCEPTED[name]
        yield Case(
            group="names",
            name=f"{name}-legacy",
            source=f"{source} In the legacy layout, protocol {protocol}.",
            content=save_legacy(value, protocol=protocol),
            value=value,
        )
    huge = named("n" * 70_000, "b")
    yield Case(
        group="names", name="huge", source="A name of 70,000 bytes.", content=save_zip(huge), value=huge, fixture=False
    )
    yield from refused()


def refused() -> Iterator[Case]:
    one, two = counting("F32", 2), counting("F32", 3)
    values: list[tuple[str, str, Any, str, tuple[str, ...]]] = [
        (
            "reserved",
            "safetensors would write a file that it cannot read.",
            {"__metadata__": one, "a": two},
            "name-reserved",
            ("__metadata__",),
        ),
        ("nul", "NUL in a name ends it early for readers in C.", {"w\0a": one, "w\0b": two}, "name-encoding", ()),
        (
            "nul-in-mapping",
            "NUL in the key of a mapping on the way to a tensor.",
            {"a": one, "m\0": {"w": two}},
            "name-encoding",
            (),
        ),
        ("lone-surrogate", "A lone surrogate has no UTF-8 form.", {"w\ud800": one, "b": two}, "name-encoding", ()),
        ("lone-low-surrogate", "A lone low surrogate, at the start of a name.", {"\udc00w": one}, "name-encoding", ()),
        (
            "collision-dots",
            "A key with a dot meets a nested key.",
            {"a.b": one, "a": {"b": two}},
            "name-duplicate",
            ("a.b",),
        ),
        ("collision-integer", "0 and '0' are two keys and one name.", {0: one, "0": two}, "name-duplicate", ("0",)),
        ("collision-list", "A list's index meets a key.", {"l": [one], "l.0": two}, "name-duplicate", ("l.0",)),
        (
            "collision-deep",
            "Two ways to split a.b.c.",
            {"w": one, "a": {"b.c": one}, "a.b": {"c": two}},
            "name-duplicate",
            ("a.b.c",),
        ),
        ("key-bytes", "A tensor under bytes.", {b"w": one, "a": two}, "name-type", ()),
    ]
    for name, source, value, error, mentions in values:
        yield Case(group="names", name=name, source=source, content=save_zip(value), error=error, mentions=mentions)
