"""Cases: tensors over one storage: exact aliases, disjoint and overlapping views, and the three policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from save import save_legacy, save_zip
from values import counting, filled


def shared_values() -> dict[str, tuple[str, dict[str, torch.Tensor], bool]]:
    """Name -> what it shows, the tensors, and whether two of them share bytes."""
    embedding, flat, big = filled("F32", 6, 4), filled("F32", 24), filled("F32", 8, 8)
    complex_values, scalar, empty = filled("C64", 3, 3), filled("F64", 1)[0], filled("F32", 0, 4)
    half, bytes_ = filled("F16", 4, 4), filled("U16", 8)
    return {
        "tied": (
            "Tied embeddings: one tensor under two names.",
            {"lm_head.weight": embedding, "embed.weight": embedding, "norm.weight": counting("F32", 4)},
            True,
        ),
        "tied-thrice": (
            "Three names for one tensor, and two for another.",
            {"c": half, "b": half, "a": half, "y": flat, "x": flat},
            True,
        ),
        "tied-parameters": (
            "Two nn.Parameters that are one object.",
            dict.fromkeys(("decoder", "encoder"), torch.nn.Parameter(counting("F32", 2, 2))),
            True,
        ),
        "tied-equal-view": (
            "Two tensor objects with the same range, shape and strides of one storage.",
            {"b": big[2:4], "a": big.view(8, 8)[2:4]},
            True,
        ),
        "tied-transposed-twice": (
            "Two names for the same transposed view.",
            {"b": big.t(), "a": big.t()},
            True,
        ),
        "tied-scalar": ("Two names for one scalar.", {"step_b": scalar, "step_a": scalar}, True),
        "tied-conj": (
            "Two conjugate views are one tensor, the plain one is another.",
            {"c": complex_values.conj(), "b": complex_values, "a": complex_values.conj()},
            True,
        ),
        "tied-unicode": (
            "The name that stays is the first of the file, whatever comes first in an order of text.",
            {"\U0001f600": flat, "\ue000": flat, "\uffff": flat},
            True,
        ),
        "disjoint": (
            "Two parameters in disjoint ranges of one flat storage.",
            {"weight": flat[:12].view(3, 4), "bias": flat[12:16], "rest": flat[20:]},
            False,
        ),
        "overlap": ("Two ranges that overlap by a few elements.", {"a": flat[:14], "b": flat[10:]}, True),
        "whole-and-slice": ("A tensor and a slice of it.", {"whole": big, "rows": big[2:5], "column": big[:, 1]}, True),
        "whole-and-middle": (
            "A long tensor, then two short ones inside it: both overlap the first.",
            {"a_long": flat, "b_short": flat[2:6], "c_short": flat[10:14]},
            True,
        ),
        "transposed": ("A matrix and its transpose.", {"a": big, "b": big.t()}, True),
        "reshaped": ("One storage in two shapes.", {"a": flat, "b": flat.view(4, 6)}, True),
        "stride-of-one": (
            "One element run whose strides differ only in a dimension of size one: not an exact alias.",
            {"a": flat[:6].view(6, 1), "b": flat[:6].as_strided((6, 1), (1, 7))},
            True,
        ),
        "expanded": (
            "A row and its expansion.",
            {"row": flat[:4].view(1, 4), "rows": flat[:4].view(1, 4).expand(3, 4)},
            True,
        ),
        "conj-and-plain": (
            "A complex tensor and its conjugate view.",
            {"a": complex_values, "b": complex_values.conj()},
            True,
        ),
        "empty": (
            "Two empty tensors over one storage hold nothing to share: both are written.",
            {"a": empty, "b": empty, "c": flat[:0]},
            False,
        ),
        "empty-inside": (
            "An empty slice of a storage that another tensor fills.",
            {"all": flat, "none": flat[4:4]},
            False,
        ),
        "untyped-dtypes": (
            "Two dtypes over one UntypedStorage: the one way torch saves a storage with two dtypes.",
            {"u16": bytes_, "u32": bytes_.view(torch.uint32), "f8": bytes_.view(torch.float8_e5m2)},
            True,
        ),
        "untyped-and-bytes": (
            "U16 over an UntypedStorage and U8 over a ByteStorage of the same key.",
            {"u16": bytes_, "u8": bytes_.view(torch.uint8)},
            True,
        ),
    }


def cases() -> Iterator[Case]:
    for name, (source, value, shares) in shared_values().items():
        content = save_zip(value)

        def case(suffix: str, what: str, **more: Any) -> Case:
            return Case(group="sharing", name=name + suffix, source=what, content=content, value=value, **more)

        yield case("", source)
        yield case("-copy", f"{source} Every name is written.", options={"shared": "copy"})
        refused: dict[str, Any] = {"error": "tensors-shared"} if shares else {}
        yield case("-error", f"{source} Sharing is an error.", options={"shared": "error"}, **refused)

    values = shared_values()
    for name in ("tied", "disjoint", "overlap", "transposed"):
        source, value, _ = values[name]
        yield Case(
            group="sharing",
            name=f"{name}-legacy",
            source=f"{source} In the legacy layout.",
            content=save_legacy(value),
            value=value,
        )
    yield from kept_cases()
    yield from metadata_cases()
    yield from module_cases()


def kept_cases() -> Iterator[Case]:
    """The caller says which name stays."""
    table, flat = filled("F32", 4, 2), filled("F32", 6)
    value = {"embed": table, "x": flat, "head": table, "y": flat, "decoder.head": table, "lone": filled("F32", 2)}
    for name, source, keep in (
        ("keep-name", "The name that is asked for stays, not the first.", ["head"]),
        ("keep-glob", "Of several names that match the first of the file stays.", ["*head"]),
        ("keep-several", "A name for each of two tensors.", ["decoder.*", "y"]),
        ("keep-nothing", "What matches no tied tensor changes nothing.", ["lone", "no such name"]),
        ("keep-first", "The first name stays in any case.", ["embed", "x"]),
    ):
        yield Case(
            group="sharing", name=name, source=source, content=save_zip(value), value=value, options={"keep": keep}
        )


def metadata_cases() -> Iterator[Case]:
    table = filled("F32", 4, 2)
    value = {"embed": table, "head": table}
    yield Case(
        group="sharing",
        name="metadata-given",
        source="The note about a dropped name stands among the caller's metadata.",
        content=save_zip(value),
        value=value,
        options={"metadata": {"zebra": "last", "format": "pt", "author": "somebody"}},
    )
    yield Case(
        group="sharing",
        name="kept-name-excluded",
        source="The name that would stay is left out, so the other one is written in full.",
        content=save_zip(value),
        value=value,
        options={"exclude": ["embed"]},
    )
    value = {"embed": table, "format": table}
    yield Case(
        group="sharing",
        name="metadata-taken",
        source="A tensor called format has no room in the metadata, so it is written: the reference would lose it.",
        content=save_zip(value),
        value=value,
    )


def module_cases() -> Iterator[Case]:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(5, 3)
            self.head = torch.nn.Linear(3, 5, bias=False)
            self.embed.weight.data = counting("F32", 5, 3)
            self.head.weight = self.embed.weight

    state = Tied().state_dict()
    yield Case(
        group="sharing",
        name="tied-module",
        source="The state dict of a language model whose head shares the embedding's weight.",
        content=save_zip(state),
        value=state,
    )
    lstm = torch.nn.LSTM(2, 3)
    flat = counting("F32", sum(weight.numel() for weight in lstm.parameters()))
    start, state = 0, {}
    for name, weight in lstm.named_parameters():
        state[name] = flat[start : start + weight.numel()].view_as(weight)
        start += weight.numel()
    yield Case(
        group="sharing",
        name="flattened-lstm",
        source="cuDNN flattens the weights of an LSTM into one storage.",
        content=save_zip(state),
        value=state,
    )
