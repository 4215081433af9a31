"""Cases: tensors that are not a plain run of their storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from case import Case
from save import save_legacy, save_zip
from values import counting, filled

View = Callable[[str], torch.Tensor]

#: Element widths 1, 2, 4 and 8, and pairs of numbers.
WIDTHS = ["U8", "BF16", "F32", "F64", "C64"]


def channels_last(name: str) -> torch.Tensor:
    base = filled(name, 2, 4, 5, 3)  # stored as N, H, W, C
    return base.permute(0, 3, 1, 2)


VIEWS: dict[str, tuple[str, View]] = {
    "transpose": ("A transposed matrix.", lambda name: filled(name, 5, 7).t()),
    "permute": ("Dimensions in another order.", lambda name: filled(name, 2, 3, 4).permute(2, 0, 1)),
    "channels-last": ("A convolution weight in channels_last memory format.", channels_last),
    "column": ("One column of a matrix: a stride of a whole row.", lambda name: filled(name, 6, 5)[:, 2]),
    "columns": ("A block of columns: rows with gaps between.", lambda name: filled(name, 6, 9)[:, 2:7]),
    "step": ("Every third element.", lambda name: filled(name, 20)[1::3]),
    "step-both": ("Every second row and every third column.", lambda name: filled(name, 6, 10)[::2, 1::3]),
    "offset": (
        "The second half of a storage: contiguous, but not from its start.",
        lambda name: filled(name, 8, 3)[4:],
    ),
    "narrow": ("A narrowed middle dimension.", lambda name: filled(name, 3, 6, 4).narrow(1, 2, 3)),
    "expand": ("A row expanded to four rows with stride 0.", lambda name: filled(name, 1, 5).expand(4, 5)),
    "expand-scalar": (
        "A scalar expanded to a matrix: every stride is 0.",
        lambda name: filled(name, 1)[0].expand(3, 4),
    ),
    "diagonal": ("The diagonal of a matrix.", lambda name: filled(name, 5, 6).diagonal()),
    "overlap": ("Windows that overlap, by as_strided.", lambda name: filled(name, 12).as_strided((4, 3), (2, 1), 1)),
    "unfold": ("Sliding windows, by unfold.", lambda name: filled(name, 11).unfold(0, 4, 2)),
    "unsqueezed": ("Dimensions of size one with odd strides.", lambda name: filled(name, 4, 6)[:, 1:2].unsqueeze(0)),
    "high-rank": ("Twelve dimensions, reversed.", lambda name: filled(name, *[2, 1] * 6).permute(*reversed(range(12)))),
    "flip": ("A flipped tensor: torch has no negative strides and copies.", lambda name: filled(name, 9).flip(0)),
    "large-storage": (
        "A small slice that keeps its whole storage in the file.",
        lambda name: filled(name, 512)[300:307],
    ),
    "empty-slice": ("No elements, but an offset and a storage.", lambda name: filled(name, 6, 4)[6:, :2]),
}


def cases() -> Iterator[Case]:
    for view_name, (source, view) in VIEWS.items():
        tensors = {name: view(name) for name in WIDTHS}
        for name in WIDTHS:
            value = {"weight": tensors[name]}
            yield Case(
                group="views",
                name=f"{view_name}-{name.lower()}",
                source=f"{source} {name}.",
                content=save_zip(value),
                value=value,
            )
        yield Case(
            group="views",
            name=f"{view_name}-legacy",
            source=f"{source} Five dtypes in the legacy layout.",
            content=save_legacy(tensors),
            value=tensors,
        )
    yield from lazy_bits()
    yield from untyped_views()
    yield from parts_of_complex()


def lazy_bits() -> Iterator[Case]:
    """Views that torch conjugates or negates only when it reads them: a bit in the file says so."""
    complex_values = counting("C64", 3, 4)
    complex_values[0, 1] = complex(float("nan"), float("inf"))
    complex_values[1, 2] = complex(-0.0, 0.0)
    values = {
        "conj": ("A conjugate view.", complex_values.conj()),
        "conj-transpose": ("A conjugate transpose.", complex_values.mH),
        "conj-step": ("A conjugate view with steps.", complex_values[::2, 1::2].conj()),
        "conj-scalar": ("A conjugated scalar.", complex_values[2, 3].conj()),
        "conj-expand": ("A conjugate view expanded with stride 0.", complex_values[:1].conj().expand(3, 4)),
        "conj-twice": ("A conjugate of a conjugate: no bit is left.", complex_values.conj().conj()),
        "neg-imag": ("The imaginary part of a conjugate view is a negated view.", complex_values.conj().imag),
        # No zeros and NaNs here: the sign torch gives them when it negates complex numbers depends on the processor.
        "neg-and-conj": ("A view that is negated and conjugated.", torch._neg_view(counting("C64", 3, 4) + 1).conj()),
        "neg-f64": ("A negated view of F64.", torch._neg_view(counting("F64", 2, 3))),
        "neg-f32": ("A negated view of F32, transposed.", torch._neg_view(counting("F32", 2, 3)).t()),
        "neg-f16": ("A negated view of F16.", torch._neg_view(counting("F16", 5))),
        "neg-bf16": ("A negated view of BF16.", torch._neg_view(counting("BF16", 5))),
        "neg-i64": ("A negated view of I64.", torch._neg_view(counting("I64", 5))),
        "neg-i32": (
            "A negated view of I32.",
            torch._neg_view(torch.tensor([0, 1, -1, -(2**31), 2**31 - 1], dtype=torch.int32)),
        ),
        "neg-i16": ("A negated view of I16.", torch._neg_view(counting("I16", 5))),
        "neg-i8": (
            "A negated view of I8: -128 stays.",
            torch._neg_view(torch.tensor([0, 1, -128, 127], dtype=torch.int8)),
        ),
        "neg-u8": ("A negated view of U8 wraps around.", torch._neg_view(counting("U8", 5))),
        "neg-empty": ("A negated view of nothing.", torch._neg_view(counting("F32", 0))),
    }
    for name, (source, tensor) in values.items():
        value = {"plain": counting("F32", 2), "view": tensor}
        yield Case(group="views", name=name, source=source, content=save_zip(value), value=value)
    for name in ("conj-transpose", "neg-imag", "neg-and-conj"):
        source, tensor = values[name]
        value = {"view": tensor}
        yield Case(
            group="views",
            name=f"{name}-legacy",
            source=f"{source} In the legacy layout.",
            content=save_legacy(value),
            value=value,
        )


def untyped_views() -> Iterator[Case]:
    """Views of the dtypes that torch saves over an UntypedStorage, whose element count is in bytes."""
    value = {
        f"{name}.{view}": VIEWS[view][1](name)
        for name in ("U16", "U32", "U64", "F8_E4M3", "F8_E8M0", "F4")
        for view in ("transpose", "columns", "offset", "expand", "step-both")
    }
    for layout, save in (("zip", save_zip), ("legacy", save_legacy)):
        yield Case(
            group="views",
            name=f"untyped-{layout}",
            source="Views over untyped storages: offsets count elements, the storage's length counts bytes.",
            content=save(value),
            value=value,
            torch_reads=layout == "zip",
        )
    bits = {"flags": filled("BOOL", 6, 7)[1::2, ::3], "half": filled("F16", 4, 4).t(), "short": filled("I16", 9)[::4]}
    yield Case(
        group="views", name="other-widths", source="Views of BOOL, F16 and I16.", content=save_zip(bits), value=bits
    )


def parts_of_complex() -> Iterator[Case]:
    """The real and imaginary parts of a complex tensor are F32 views with stride 2 over the same storage."""
    for name, part in (("real", lambda tensor: tensor.real), ("imag", lambda tensor: tensor.imag)):
        value = {"part": part(filled("C64", 3, 4))}
        yield Case(
            group="views",
            name=f"complex-{name}",
            source=f"The {name} part of a complex tensor: every second float of the storage.",
            content=save_zip(value),
            value=value,
        )
