"""What a conversion leaves behind, counted by torch: a mark for each byte that an element lies in."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import torch
from expected import walk
from save import load

#: What torch writes beside the pickle and the storages.
RECORDS = {"version", "byteorder", ".data/serialization_id", ".format_version", ".storage_alignment"}


def unreferenced_bytes(content: bytes, path: tuple[Any, ...]) -> dict[str, Any]:
    """For a checkpoint whose tensors at ``path`` are all written."""
    value = load(content)
    under_root = value
    for key in path:
        under_root = under_root[key]
    tensors = [tensor for _, tensor in walk(value, ())]
    written = {id(tensor) for _, tensor in walk(under_root, ())}
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    left_out = behind_views = 0
    for address, length in storages.items():
        marks = torch.zeros(length, dtype=torch.uint8)
        for tensor in tensors:
            if tensor.untyped_storage().data_ptr() == address:
                mark(marks, tensor, 2 if id(tensor) in written else 1)
        left_out += int((marks == 1).sum())
        behind_views += int((marks == 0).sum())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    extra = {name: size for name, size in sizes.items() if not is_expected(name.partition("/")[2], size)}
    stored = sum(size for name, size in sizes.items() if name.partition("/")[2].startswith("data/"))
    unused = stored - sum(storages.values())
    return {
        "byteLength": left_out + behind_views + unused + sum(extra.values()),
        "exact": True,
        "leftOut": left_out,
        "behindViews": behind_views,
        "unusedStorages": unused,
        "extraMembers": sum(extra.values()),
        "members": [
            {"name": name, "byteLength": size} for name, size in sorted(extra.items(), key=lambda each: -each[1])
        ],
    }


def mark(marks: torch.Tensor, tensor: torch.Tensor, with_what: int) -> None:
    """Sets the bytes of each element to ``with_what``, unless they have more."""
    item = tensor.element_size()
    numbers = torch.arange(len(marks) // item).as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
    rows = marks[: len(marks) // item * item].view(-1, item)
    chosen = numbers.unique()
    rows[chosen] = rows[chosen].clamp(min=with_what)


def is_expected(name: str, size: int) -> bool:
    """A record of torch is short; what is longer holds something else as well."""
    if name == "data.pkl" or name.startswith("data/"):
        return True
    return name in RECORDS and size <= 64
