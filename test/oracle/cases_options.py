"""Cases: what the caller asks for beside the root and the sharing policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from case import Case
from save import save_zip
from values import counting


def cases() -> Iterator[Case]:
    value = {f"{layer}.{kind}": counting("F32", 2) for layer in ("conv", "fc", "head") for kind in ("weight", "bias")}
    content = save_zip(value)
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "include": ("Weights only.", {"include": ["*.weight"]}),
        "include-two": ("Two patterns, and an exact name.", {"include": ["conv.*", "head.bias"]}),
        "exclude": ("Without the head.", {"exclude": ["head.*"]}),
        "include-exclude": ("Weights, but not the head's.", {"include": ["*.weight"], "exclude": ["head.*"]}),
        "metadata": ("Metadata of the caller's own, instead of format.", {"metadata": {"step": "1000"}}),
        "metadata-escaped": (
            "Metadata with quotes and control characters.",
            {"metadata": {'say "hi"': "a\nb\\c\u2028\U0001f600"}},
        ),
        "metadata-order": (
            "Several entries are sorted by code points.",
            {"metadata": {"\U0001f600": "4", "\ue000": "3", "b": "2", "10": "1", "9": "1", "__proto__": "0"}},
        ),
        "metadata-empty": ("No entries: the reference writes an empty object.", {"metadata": {}}),
    }
    for name, (source, options) in asked.items():
        yield Case(group="options", name=name, source=source, content=content, value=value, options=options)
    yield Case(
        group="options",
        name="nothing-included",
        source="No tensor matches the pattern.",
        content=content,
        options={"include": ["encoder.*"]},
        error="no-tensors",
    )
