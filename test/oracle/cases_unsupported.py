"""Cases: tensors that have no safetensors form: refused by name, if they would be part of the output."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from handmade import Call, StorageId, pickled
from save import save_legacy, save_zip
from values import counting, filled
from zip_archive import Record, torch_archive


def cases() -> Iterator[Case]:
    yield from unsupported()
    yield from outside_the_root()


def unsupported() -> Iterator[Case]:
    warnings.simplefilter("ignore")
    numbers = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    raw = filled("U8", 4)
    tensors: dict[str, tuple[str, torch.Tensor]] = {
        "complex32": ("Half precision complex numbers.", counting("F32", 4).view(torch.uint8).view(torch.complex32)),
        "complex128": ("Double precision complex numbers.", torch.complex(counting("F64", 2), counting("F64", 2))),
        "complex128-conj": ("A conjugate view of them.", torch.complex(counting("F64", 2), counting("F64", 2)).conj()),
        "bits8": ("An opaque dtype.", raw.view(torch.bits8)),
        "bits16": ("An opaque dtype of two bytes.", raw.view(torch.bits16)),
        "bits4x2": ("An opaque dtype of half a byte.", raw.view(torch.bits4x2)),
        "quantized": ("Quantised per tensor.", torch.quantize_per_tensor(numbers, 0.5, 3, torch.qint8)),
        "quantized-u8": ("Quantised per tensor, unsigned.", torch.quantize_per_tensor(numbers, 0.5, 3, torch.quint8)),
        "quantized-i32": ("Quantised per tensor to 32 bits.", torch.quantize_per_tensor(numbers, 0.5, 3, torch.qint32)),
        "quantized-channels": (
            "Quantised per channel: its scales are tensors of their own, which must not come out instead.",
            torch.quantize_per_channel(numbers, torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8),
        ),
        "sparse-coo": ("Sparse, by coordinates.", numbers.to_sparse()),
        "sparse-csr": ("Sparse, by compressed rows.", numbers.to_sparse_csr()),
        "sparse-csc": ("Sparse, by compressed columns.", numbers.to_sparse_csc()),
        "sparse-bsr": ("Sparse, by compressed blocks.", numbers.to_sparse_bsr((1, 1))),
        "nested": ("A nested tensor.", torch.nested.nested_tensor([counting("F32", 2), counting("F32", 3)])),
        "meta": ("A tensor without data.", torch.zeros(2, 3, device="meta")),
        "float4-scalar": (
            "A scalar of two 4-bit floats: no last dimension to double, the reference fails too.",
            filled("F4", 1)[0].clone(),
        ),
    }
    for name, (source, tensor) in tensors.items():
        value = {"fine": counting("F32", 2), "block": {"odd.weight": tensor}}
        yield Case(
            group="unsupported",
            name=name,
            source=source,
            content=save_zip(value),
            error="tensor-unsupported",
            mentions=("block.odd.weight",),
        )
    for name in ("complex128", "complex32", "quantized", "sparse-coo", "meta"):
        source, tensor = tensors[name]
        yield Case(
            group="unsupported",
            name=f"{name}-legacy",
            source=f"{source} In the legacy layout.",
            content=save_legacy({"fine": counting("F32", 2), "odd": tensor}),
            error="tensor-unsupported",
            mentions=("odd",),
        )
    parameter = torch.nn.Parameter(tensors["complex128"][1])
    yield Case(
        group="unsupported",
        name="parameter",
        source="A parameter of complex numbers in double precision.",
        content=save_zip({"odd": parameter}),
        error="tensor-unsupported",
        mentions=("odd",),
    )
    for dtype in (torch.uint4, torch.int3, torch.uint7):
        rebuilt = Call(
            torch._utils._rebuild_tensor_v3,
            StorageId(torch.UntypedStorage, "0", 4), 0, (4,), (1,), False, Call(OrderedDict), dtype,
        )  # fmt: skip
        name = str(dtype).removeprefix("torch.")
        yield Case(
            group="unsupported",
            name=name,
            source=f"A tensor of {name}, made by hand: torch 2.13 refuses to save one.",
            content=torch_archive(
                [
                    Record("data.pkl", pickled({"odd": rebuilt})),
                    Record("data/0", b"\1\2\3\4"),
                    Record("version", b"3\n"),
                ]
            ),
            error="tensor-unsupported",
            mentions=("odd",),
        )


def outside_the_root() -> Iterator[Case]:
    complex_values = torch.complex(counting("F64", 2), counting("F64", 2))
    value: dict[str, Any] = {
        "state_dict": {"w": counting("F32", 2)},
        "optimizer": {"state": complex_values, "sparse": torch.eye(2).to_sparse()},
    }
    yield Case(
        group="unsupported",
        name="outside-the-root",
        source="Tensors without a safetensors form, but none of them below the root.",
        content=save_zip(value),
        value=value,
        path=("state_dict",),
    )
    value = {"w": counting("F32", 2), "freqs_cis": complex_values}
    yield Case(
        group="unsupported",
        name="excluded",
        source="The tensor without a safetensors form is left out by the caller, as one does with freqs_cis.",
        content=save_zip(value),
        value=value,
        options={"exclude": ["freqs_cis"]},
    )
    yield Case(
        group="unsupported",
        name="all-takes-it-in",
        source="All of a checkpoint takes in an optimizer's complex tensor.",
        content=save_zip({"state_dict": {"w": counting("F32", 2)}, "optimizer": {"state": complex_values}}),
        options={"root": "all"},
        error="tensor-unsupported",
        mentions=("optimizer.state",),
    )
