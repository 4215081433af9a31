"""What must come out: the bytes safetensors.torch.save_file writes for the tensors of a checkpoint.

The names, the treatment of shared tensors and the order of metadata are decided here, in the few lines that
the library has to agree with. All the rest (order, header, padding, values) is left to the reference.
"""

from __future__ import annotations

import fnmatch
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from safetensors.torch import save

Tensors = dict[str, torch.Tensor]


def expected_bytes(value: Any, path: tuple[Any, ...], options: dict[str, Any]) -> bytes:
    """The output for a saved ``value`` whose state dict lies at ``path``."""
    for key in path:
        value = value[key]
    tensors, dropped = drop_aliases(select(named_tensors(value), options), options)
    metadata = dict(options.get("metadata", {"format": "pt"}))
    metadata.update(dropped)
    plain = {name: as_written(tensor) for name, tensor in tensors.items()}
    return with_sorted_metadata(save(plain, metadata=metadata))


def as_written(tensor: torch.Tensor) -> torch.Tensor:
    """A fresh contiguous tensor: safetensors writes raw storage bytes, so views have to be resolved first."""
    return tensor.detach().resolve_conj().resolve_neg().contiguous().clone()


def named_tensors(value: Any) -> Tensors:
    """Every tensor below ``value`` by its dotted name. A tensor that stands alone is called ``tensor``."""
    if isinstance(value, torch.Tensor):
        return {"tensor": value}
    found: Tensors = {}
    for path, tensor in walk(value, ()):
        name = ".".join(path)
        if name in found:
            raise ValueError(f"two tensors are called {name!r}")
        found[name] = tensor
    return found


def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from walk(child, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from walk(child, (*path, str(index)))


def select(tensors: Tensors, options: dict[str, Any]) -> Tensors:
    include, exclude = options.get("include", ["*"]), options.get("exclude", [])

    def wanted(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, glob) for glob in include) and not any(
            fnmatch.fnmatchcase(name, glob) for glob in exclude
        )

    return {name: tensor for name, tensor in tensors.items() if wanted(name)}


def drop_aliases(tensors: Tensors, options: dict[str, Any]) -> tuple[Tensors, dict[str, str]]:
    """Of tensors that are one and the same, keep the first name that ``keep`` matches, or else the first of the file.

    A name that is a key of the metadata already cannot be recorded there, so its tensor is written.
    """
    if options.get("shared", "alias") == "copy":
        return tensors, {}
    taken = options.get("metadata", {"format": "pt"})
    kept_by_identity: dict[tuple[Any, ...], str] = {}
    dropped: dict[str, str] = {}
    keep = options.get("keep", [])
    wanted = [name for name in tensors if any(fnmatch.fnmatchcase(name, glob) for glob in keep)]
    for name in dict.fromkeys([*wanted, *tensors]):
        tensor = tensors[name]
        if tensor.numel() == 0:
            continue
        kept = kept_by_identity.setdefault(identity(tensor), name)
        if kept != name and name not in taken:
            dropped[name] = kept
    return {name: tensor for name, tensor in tensors.items() if name not in dropped}, dropped


def identity(tensor: torch.Tensor) -> tuple[Any, ...]:
    return (
        tensor.untyped_storage().data_ptr(),
        tensor.storage_offset(),
        tensor.dtype,
        tuple(tensor.shape),
        tensor.stride(),
        tensor.is_conj(),
        tensor.is_neg(),
    )


def with_sorted_metadata(file: bytes) -> bytes:
    """The same file with its metadata in code point order: the reference writes two keys or more in random order."""
    (length,) = struct.unpack_from("<Q", file)
    header = json.loads(file[8 : 8 + length])
    metadata = header.pop("__metadata__")
    if len(metadata) < 2:
        return file
    header = {"__metadata__": dict(sorted(metadata.items())), **header}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + file[8 + length :]
