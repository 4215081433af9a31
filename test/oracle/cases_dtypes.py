"""Cases: every dtype that safetensors names, with special values and with empty, scalar and hollow shapes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from case import Case
from save import save_legacy, save_zip
from values import DTYPES, UNTYPED, filled, special


def tensors_of(name: str) -> dict[str, torch.Tensor]:
    tensors = {
        "special": special(name),
        "matrix": filled(name, 3, 4),
        "scalar": filled(name, 1)[0].clone(),
        "empty": filled(name, 0),
        "hollow": filled(name, 2, 0, 3),
        "one": filled(name, 1, 1, 1),
    }
    if name == "F4":
        del tensors["scalar"]  # two numbers to a byte: see the unsupported cases
    return tensors


def cases() -> Iterator[Case]:
    for name in DTYPES:
        tensors = tensors_of(name)
        slug = name.lower().replace("_", "-")
        yield Case(
            group="dtypes",
            name=f"zip-{slug}",
            source=f"{name} with special values, a scalar and empty shapes, saved by torch.save.",
            content=save_zip(tensors),
            value=tensors,
        )
        yield Case(
            group="dtypes",
            name=f"legacy-{slug}",
            source=f"{name} in the layout before torch 1.6"
            + (" (torch writes it but cannot read it back)." if name in UNTYPED else "."),
            content=save_legacy(tensors),
            value=tensors,
            torch_reads=name not in UNTYPED,
        )

    mixed = {f"layers.{index}.{name}": filled(name, 2, 2) for index, name in enumerate(DTYPES)}
    mixed |= {f"layers.{index}.bias.{name}": filled(name, 3) for index, name in enumerate(reversed(DTYPES))}
    for layout, save in (("zip", save_zip), ("legacy", save_legacy)):
        yield Case(
            group="dtypes",
            name=f"{layout}-all",
            source="Every dtype in one file: the order of tensors is by dtype, then by name.",
            content=save(mixed),
            value=mixed,
            torch_reads=layout == "zip",
        )

    odd = {
        "a": filled("U8", 3),
        "b": filled("F32", 5),
        "c": filled("I16", 3),
        "d": filled("F64", 1),
        "e": filled("BOOL", 7),
    }
    yield Case(
        group="dtypes",
        name="odd-lengths",
        source="Odd byte lengths: nothing is padded between tensors, widest dtypes come first.",
        content=save_zip(odd),
        value=odd,
    )
    # What torch sees in bytes that are neither 0 nor 1; `safetensors.torch.save` alone would write them as they are.
    anything = torch.tensor([0, 1, 2, 3, 127, 128, 254, 255] * 5, dtype=torch.uint8)
    odd_bools = {
        "bool": anything.view(torch.bool),
        "part": anything.view(torch.bool)[3:17],
        "steps": anything.view(torch.bool)[1::3],
        "alone": anything[16:32].clone().view(torch.bool).reshape(4, 4).t(),
        "scalar": anything[2].clone().view(torch.bool),
    }
    seen = {name: tensor == True for name, tensor in odd_bools.items()}  # noqa: E712
    bytes_beside = {"bytes": anything.clone()}
    for layout, save in (("zip", save_zip), ("legacy", save_legacy)):
        yield Case(
            group="dtypes",
            name=f"{layout}-bool-bytes",
            source="Bool tensors whose bytes are not all 0 and 1: what torch takes for true is written as 1.",
            content=save(odd_bools | bytes_beside),
            value=seen | bytes_beside,
        )
    floats = {"b": filled("F16", 2), "a": filled("BF16", 2), "d": filled("I16", 2), "c": filled("U16", 2)}
    yield Case(
        group="dtypes",
        name="same-width",
        source="Four dtypes of one width: the order among them is the reference's own.",
        content=save_zip(floats),
        value=floats,
    )
