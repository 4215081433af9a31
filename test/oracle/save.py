"""Checkpoints written by torch.save itself, made reproducible."""

from __future__ import annotations

import io
import pickle
import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils.serialization import config

#: torch names the storages of the legacy layout by their addresses. These stand in for them: the third one is a digit
#: longer, so that the order of storages in the file (by text) differs from the order in the pickle.
FIRST_ADDRESS, ADDRESS_STEP = 9_999_840, 80


def save_zip(value: Any, *, protocol: int = 2, stem: str | None = None, crc: bool = True, alignment: int = 64) -> bytes:
    """The zip layout: saved to a buffer, or to a file called ``stem``.pt, which names the folder in the archive."""
    config.save.storage_alignment = alignment
    torch.serialization.set_crc32_options(crc)
    try:
        if stem is None:
            buffer = io.BytesIO()
            torch.save(value, buffer, pickle_protocol=protocol)
            return buffer.getvalue()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{stem}.pt"
            torch.save(value, path, pickle_protocol=protocol)
            return path.read_bytes()
    finally:
        config.save.storage_alignment = 64
        torch.serialization.set_crc32_options(True)


def save_legacy(value: Any, *, protocol: int = 2) -> bytes:
    """The layout that was the default before torch 1.6."""
    buffer = io.BytesIO()
    torch.save(
        value,
        buffer,
        pickle_module=_pickle_with_stable_addresses(),
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=False,
    )
    return buffer.getvalue()


def _pickle_with_stable_addresses() -> Any:
    """The pickle module, except that storage keys are numbered in the order of their first use."""
    numbers: dict[str, int] = {}

    class Pickler(pickle._Pickler):
        def save_pers(self, pid: tuple[Any, ...]) -> None:
            kind, storage_type, address, *rest = pid
            number = numbers.setdefault(address, FIRST_ADDRESS + ADDRESS_STEP * len(numbers))
            super().save_pers((kind, storage_type, str(number), *rest))

    def dump(value: Any, file: Any, protocol: int) -> None:
        if isinstance(value, list):  # the storage keys: torch writes the storages in the order of this very list
            value.sort(key=lambda address: str(numbers[address]))
            value = [str(numbers[address]) for address in value]
        pickle.dump(value, file, protocol)

    return SimpleNamespace(__name__="pickle", Pickler=Pickler, dump=dump)


def load(content: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(io.BytesIO(content), weights_only=False)
