"""Cases: plain values and parameters of every kind beside the tensors."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from save import save_legacy, save_zip
from values import counting, filled

#: Every kind of plain value that a checkpoint may carry.
PLAIN: dict[str, Any] = {
    "none": None,
    "booleans": [True, False],
    "integers": [
        0,
        -1,
        255,
        256,
        65535,
        65536,
        2**31 - 1,
        -(2**31),
        2**31,
        2**53 + 1,
        -(2**63),
        2**64,
        2**2100,
    ],
    "floats": [0.0, -0.0, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")],
    "complex": 1.5 - 2j,
    "text": ["", "x" * 300, "\u00e9\u4e2d\U0001f600", "a\0b"],
    "bytes": [b"", b"\x00\xff", bytes(range(256)) * 2],
    "bytearray": bytearray(b"\x01\x80"),
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "set": {1},
    "frozenset": frozenset({2}),
    "counter": Counter({3: 1, 5: 2}),
    "defaultdict": defaultdict(list, {"a": [1]}),
    "defaultdict-of-float": defaultdict(float, {1: 2.0}),
    "ordered": OrderedDict(b=1, a=2),
    "size": torch.Size([2, 3]),
    "device": torch.device("cuda", 1),
    "device-cpu": torch.device("cpu"),
    "dtype": [torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.complex128, torch.uint4],
    "layout": torch.strided,
    "storage": torch.arange(3.0).untyped_storage(),
    "typed-storage": torch.arange(4.0)._typed_storage(),
    "keys": {None: 1, (1, 2): 2, 1.5: 3, True: 4, b"raw": 5, frozenset({1}): 6},
}


def cases() -> Iterator[Case]:
    tensors = {"weight": filled("F32", 2, 2), "bias": filled("F32", 2)}
    for name, plain in PLAIN.items():
        value = {"state_dict": tensors, "extra": plain}
        yield Case(
            group="values",
            name=name,
            source=f"A value of another kind beside the state dict: {name}.",
            content=save_zip(value),
            value=value,
            path=("state_dict",),
        )
    value = {"state_dict": tensors, "extra": {name: plain for name, plain in PLAIN.items() if "storage" not in name}}
    for protocol in (2, 3, 4, 5):
        yield Case(
            group="values",
            name=f"every-kind-{protocol}",
            source=f"Every kind of plain value in one checkpoint, protocol {protocol}.",
            content=save_legacy(value, protocol=protocol) if protocol % 2 else save_zip(value, protocol=protocol),
            value=value,
            path=("state_dict",),
        )
    within = tensors | {
        "version": torch.tensor(2),
        "name": "net",
        "dims": (2, 2),
        "dtype": torch.float32,
        "extra": b"\x00\x01",
    }
    yield Case(
        group="values",
        name="within-the-root",
        source="Plain values among the tensors of the state dict itself, such as get_extra_state leaves.",
        content=save_zip(within),
        value=within,
    )
    mapping = defaultdict(dict, {"block": {"weight": filled("F32", 2)}, "bias": filled("F32", 3)})
    yield Case(
        group="values",
        name="root-is-defaultdict",
        source="A defaultdict that holds the tensors.",
        content=save_zip(mapping),
        value=mapping,
    )
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    value = {"state_dict": tensors, "deep": deep}
    yield Case(
        group="values",
        name="nested-lists",
        source="Forty lists inside one another.",
        content=save_zip(value),
        value=value,
        path=("state_dict",),
    )
    shared = {"lr": 0.1}
    value = {"state_dict": tensors, "first": shared, "second": shared, "third": [shared, shared]}
    yield Case(
        group="values",
        name="shared-containers",
        source="One dictionary referred to four times through the memo.",
        content=save_zip(value),
        value=value,
        path=("state_dict",),
    )
    twice = {"model": tensors, "best": tensors}
    yield Case(
        group="values",
        name="shared-state-dict",
        source="One state dict referred to by two names: the known one is the root.",
        content=save_zip(twice),
        value=twice,
        path=("model",),
    )
    yield Case(
        group="values",
        name="shared-state-dict-all",
        source="One state dict referred to by two names, both taken: every tensor is an alias.",
        content=save_zip(twice),
        value=twice,
        options={"root": "all"},
    )
    yield from parameters()


def parameters() -> Iterator[Case]:
    """What wraps a tensor: parameters, buffers, attributes, hooks."""
    plain = torch.nn.Parameter(counting("F32", 2, 3))
    frozen = torch.nn.Parameter(counting("F32", 2), requires_grad=False)
    integers = torch.nn.Parameter(counting("I64", 2), requires_grad=False)
    with_state = torch.nn.Parameter(counting("F32", 3))
    with_state.is_norm = True  # type: ignore[attr-defined]
    with_state.history = {"steps": [1, 2], "note": "kept"}  # type: ignore[attr-defined]
    with_slice = torch.nn.Parameter(counting("F32", 4, 4)[:, 1:3])
    attributes = counting("F32", 2)
    attributes.tag = "mine"  # type: ignore[attr-defined]
    untyped = filled("U16", 2, 3)
    untyped.tag = "mine"  # type: ignore[attr-defined]
    inner = counting("F32", 2)
    inner.extra = counting("F32", 5)  # type: ignore[attr-defined]
    kinds: dict[str, tuple[str, Any]] = {
        "parameter": ("nn.Parameter, by _rebuild_parameter.", plain),
        "parameter-frozen": ("A parameter that needs no gradient.", frozen),
        "parameter-integers": ("A parameter of I64.", integers),
        "parameter-with-state": ("A parameter with attributes, by _rebuild_parameter_with_state.", with_state),
        "parameter-of-view": ("A parameter over columns of a matrix.", with_slice),
        "requires-grad": ("A tensor that needs a gradient.", counting("F32", 2).requires_grad_()),
        "buffer": (
            "nn.Buffer: a tensor with attributes, by _rebuild_from_type_v2.",
            torch.nn.Buffer(counting("F32", 2)),
        ),
        "attributes": ("A tensor with an attribute.", attributes),
        "attributes-untyped": (
            "A tensor of U16 with an attribute: _rebuild_from_type_v2 over _rebuild_tensor_v3.",
            untyped,
        ),
        "attributes-conj": ("A conjugate view with an attribute.", _tagged(counting("C64", 2).conj())),
        "attribute-tensor": ("A tensor with a tensor as attribute: the attribute is not part of the state.", inner),
        "buffer-scalar": ("A scalar buffer such as num_batches_tracked.", torch.nn.Buffer(torch.tensor(7))),
    }
    for name, (source, tensor) in kinds.items():
        value = {"tensor": tensor, "other": filled("F32", 2)}
        yield Case(group="values", name=name, source=source, content=save_zip(value), value=value)
    every = {name: tensor for name, (_, tensor) in kinds.items()}
    for protocol in (2, 4):
        yield Case(
            group="values",
            name=f"every-wrapper-legacy-{protocol}",
            source=f"Parameters, buffers and attributes in the legacy layout, protocol {protocol}.",
            content=save_legacy(every, protocol=protocol),
            value=every,
            torch_reads=False,
        )


def _tagged(tensor: torch.Tensor) -> torch.Tensor:
    tensor.tag = "mine"  # type: ignore[attr-defined]
    return tensor
