"""Checkpoints put together by hand, for what today's torch no longer writes.

A value to pickle may hold ``Call`` (a global called with arguments) and ``StorageId`` (a persistent id) anywhere.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
SYS_INFO = {
    "protocol_version": LEGACY_PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


class Call:
    """Pickles as a call of ``function`` on ``arguments``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.function, self.arguments


class StorageId:
    """Pickles as the persistent id ``('storage', storage_type, key, location, element_count, *rest)``."""

    def __init__(self, storage_type: type, key: str, element_count: int, *rest: Any, location: str = "cpu") -> None:
        self.pid = ("storage", storage_type, key, location, element_count, *rest)


class Pickler(pickle._Pickler):
    def persistent_id(self, value: Any) -> Any:
        return value.pid if isinstance(value, StorageId) else None


class Python2Pickler(Pickler):
    """Writes text as Python 2 wrote its byte strings: SHORT_BINSTRING, or BINSTRING from 256 bytes on."""

    def save_str(self, text: str) -> None:
        raw = text.encode("ascii")
        if len(raw) < 256:
            self.write(pickle.SHORT_BINSTRING + struct.pack("<B", len(raw)) + raw)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(text)

    dispatch = {**pickle._Pickler.dispatch, str: save_str}


def pickled(value: Any, *, protocol: int = 2, pickler: type[pickle._Pickler] = Pickler) -> bytes:
    buffer = io.BytesIO()
    pickler(buffer, protocol).dump(value)
    return buffer.getvalue()


def legacy_file(
    value: Any,
    storages: dict[str, tuple[int, bytes]],
    *,
    sys_info: dict[str, Any] = SYS_INFO,
    protocol: int = 2,
    pickler: type[pickle._Pickler] = Pickler,
) -> bytes:
    """The five pickles of the legacy layout, then for each key its element count and its bytes."""
    keys = sorted(storages)
    parts = [LEGACY_MAGIC, LEGACY_PROTOCOL, sys_info, value, keys]
    file = b"".join(pickled(part, protocol=protocol, pickler=pickler) for part in parts)
    for key in keys:
        element_count, raw = storages[key]
        file += struct.pack("<q", element_count) + raw
    return file


def tensor_call(storage: StorageId, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Call:
    """The call that rebuilds a tensor, as every torch since 0.4 writes it."""
    return Call(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, Call(OrderedDict))


def raw_bytes(tensor: torch.Tensor) -> bytes:
    """The elements of a contiguous tensor as they lie in memory."""
    return bytes(tensor.contiguous().clone().reshape(-1).view(torch.uint8).tolist())


def foreign_class(dotted_name: str, *bases: type) -> type:
    """A class that pickles under a name of a module which is not installed here, such as a user's own."""
    *packages, class_name = dotted_name.split(".")
    for end in range(1, len(packages) + 1):
        name = ".".join(packages[:end])
        module = sys.modules.setdefault(name, types.ModuleType(name))
    made = type(class_name, bases, {"__module__": module.__name__, "__qualname__": class_name})
    setattr(module, class_name, made)
    return made
