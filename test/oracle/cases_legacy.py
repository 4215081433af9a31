"""Cases: the layout before torch 1.6, with what only old writers put into it."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from cases_zip import swapped
from handmade import (
    SYS_INFO,
    Call,
    Python2Pickler,
    StorageId,
    legacy_file,
    raw_bytes,
    tensor_call,
)
from save import save_legacy
from values import counting, filled

WEIGHT, BIAS = filled("F32", 3, 4), filled("I64", 3)
STATE = {"weight": WEIGHT, "bias": BIAS}
STORAGES = {"94100": (12, raw_bytes(WEIGHT)), "93900": (3, raw_bytes(BIAS))}


def by_hand(
    location: str = "cpu", floats: type = torch.FloatStorage, integers: type = torch.LongStorage
) -> dict[str, Any]:
    return {
        "weight": tensor_call(StorageId(floats, "94100", 12, None, location=location), 0, (3, 4), (4, 1)),
        "bias": tensor_call(StorageId(integers, "93900", 3, None, location=location), 0, (3,), (1,)),
    }


def case(name: str, source: str, content: bytes, value: Any = STATE, **more: Any) -> Case:
    return Case(group="legacy", name=name, source=source, content=content, value=value, **more)


def cases() -> Iterator[Case]:
    yield case(
        "by-torch", "As torch 2.13 writes it, with an extension of its own.", save_legacy(STATE), extension=".pth"
    )
    yield case("by-hand", "The same made by hand.", legacy_file(by_hand(), STORAGES))
    tiny = {f"layers.{index}.weight": counting("F32", 2) + index for index in range(300)}
    yield case(
        "three-hundred", "300 storages: the memo outgrows one byte, and keys sort as text.", save_legacy(tiny), tiny
    )
    yield case(
        "one-empty",
        "A single empty tensor: a storage without bytes.",
        save_legacy({"a": filled("F32", 0)}),
        {"a": filled("F32", 0)},
    )
    yield case(
        "devices",
        "Storages that lay on a GPU: the location says so, the bytes are the same.",
        legacy_file(by_hand("cuda:0"), STORAGES),
        torch_reads=False,
    )
    yield case(
        "device-classes",
        "Storages of the classes torch.cuda.FloatStorage and LongStorage.",
        legacy_file(by_hand("cuda:1", torch.cuda.FloatStorage, torch.cuda.LongStorage), STORAGES),
        torch_reads=False,
    )
    yield from storage_views()
    yield from first_rebuild_function()
    yield from python_2()
    yield from byte_orders()
    yield from key_names()


def storage_views() -> Iterator[Case]:
    """Before torch 0.4 a storage could be a part of another: (key of the part, offset, length) in elements."""
    flat = filled("F32", 20)
    first, second = (
        StorageId(torch.FloatStorage, "5000", 20, ("6000", 4, 6)),
        StorageId(torch.FloatStorage, "5000", 20, ("6001", 10, 8)),
    )
    value = {
        "part": tensor_call(first, 0, (2, 3), (3, 1)),
        "part_end": tensor_call(first, 3, (3,), (1,)),
        "other": tensor_call(second, 2, (3, 2), (1, 3)),
        "whole": tensor_call(StorageId(torch.FloatStorage, "5000", 20, None), 0, (20,), (1,)),
    }
    expected = {
        "part": flat[4:10].view(2, 3),
        "part_end": flat[7:10],
        "other": flat.as_strided((3, 2), (1, 3), 12),
        "whole": flat,
    }
    storages = {"5000": (20, raw_bytes(flat))}
    yield case(
        "storage-views",
        "Storages that are parts of another, as before torch 0.4.",
        legacy_file(value, storages),
        expected,
    )
    twins = {
        "a": tensor_call(StorageId(torch.FloatStorage, "5000", 20, ("6000", 4, 6)), 1, (4,), (1,)),
        "b": tensor_call(StorageId(torch.FloatStorage, "5000", 20, None), 5, (4,), (1,)),
    }
    yield case(
        "storage-view-alias",
        "One range reached through a part and through the whole storage: an exact alias.",
        legacy_file(twins, storages),
        {"a": flat[5:9], "b": flat[5:9]},
        torch_reads=False,
    )


def first_rebuild_function() -> Iterator[Case]:
    rebuild = torch._utils._rebuild_tensor
    value = {
        "weight": Call(rebuild, StorageId(torch.FloatStorage, "94100", 12, None), 0, (4, 3), (1, 4)),
        "bias": Call(rebuild, StorageId(torch.LongStorage, "93900", 3, None), 1, (2,), (1,)),
    }
    expected = {"weight": WEIGHT.t(), "bias": BIAS[1:]}
    yield case(
        "rebuild-v1",
        "_rebuild_tensor with four arguments, as before torch 0.4.",
        legacy_file(value, STORAGES),
        expected,
    )
    parameter = {"weight": Call(torch._utils._rebuild_parameter, value["weight"], True, Call(OrderedDict))}
    yield case(
        "rebuild-v1-parameter",
        "A parameter around _rebuild_tensor.",
        legacy_file(parameter, {"94100": STORAGES["94100"]}),
        {"weight": WEIGHT.t()},
        torch_reads=False,
    )


def python_2() -> Iterator[Case]:
    value = {"state_dict": by_hand(), "arch": "resnet", "notes": "n" * 300, "epoch": 2}
    yield case(
        "python-2",
        "Saved by Python 2: names, keys and locations are byte strings.",
        legacy_file(value, STORAGES, pickler=Python2Pickler),
        {"state_dict": STATE},
        path=("state_dict",),
    )
    long_name = {"w" * 300: by_hand()["weight"]}
    yield case(
        "python-2-long-name",
        "A name of 300 bytes by BINSTRING.",
        legacy_file(long_name, {"94100": STORAGES["94100"]}, pickler=Python2Pickler),
        {"w" * 300: WEIGHT},
    )


def byte_orders() -> Iterator[Case]:
    big = {**SYS_INFO, "little_endian": False}
    turned = {"94100": (12, swapped(raw_bytes(WEIGHT), 4)), "93900": (3, swapped(raw_bytes(BIAS), 8))}
    source = "The system information says big endian"
    little_file, big_file = (legacy_file(by_hand(), storages, sys_info=big) for storages in (STORAGES, turned))
    yield Case(
        group="legacy",
        name="big-endian",
        source=f"{source}, which torch ignores: refused, since the byte order of the storages is unknown.",
        content=little_file,
        error="byte-order",
    )
    yield case(
        "big-endian-read-little", f"{source}, the caller says little.", little_file, options={"byteOrder": "little"}
    )
    yield case(
        "big-endian-read-big",
        f"{source} and so does the caller: elements are turned, their counts are little endian all the same.",
        big_file,
        options={"byteOrder": "big"},
        torch_reads=False,
    )


def key_names() -> Iterator[Case]:
    names = {
        "__proto__": counting("F32", 2),
        "constructor": counting("F32", 3),
        "10": counting("F32", 4),
        "2": counting("F32", 5),
    }
    value = {
        f"t{index}": tensor_call(StorageId(torch.FloatStorage, key, tensor.numel(), None), 0, tuple(tensor.shape), (1,))
        for index, (key, tensor) in enumerate(names.items())
    }
    storages = {key: (tensor.numel(), raw_bytes(tensor)) for key, tensor in names.items()}
    expected = {f"t{index}": tensor for index, tensor in enumerate(names.values())}
    yield case(
        "key-names", "Storage keys are any text here, such as __proto__.", legacy_file(value, storages), expected
    )
    for protocol in range(3, pickle.HIGHEST_PROTOCOL + 1):
        yield case(
            f"by-hand-{protocol}",
            f"Made by hand with protocol {protocol} in all five pickles.",
            legacy_file(by_hand(), STORAGES, protocol=protocol),
        )
