"""Writes those of the benchmark's checkpoints that are named to the folder given. Seeded."""

from __future__ import annotations

import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

Tensors = dict[str, torch.Tensor]


def transformer(layers: int, width: int, hidden: int, tokens: int) -> Tensors:
    """A bf16 decoder: the shapes of a small Llama."""
    generator = torch.Generator().manual_seed(7)

    def weight(*shape: int) -> torch.Tensor:
        bits = torch.randint(-(2**15), 2**15, shape, generator=generator, dtype=torch.int16)
        return bits.view(torch.bfloat16)

    tensors = {"embed_tokens.weight": weight(tokens, width), "lm_head.weight": weight(tokens, width)}
    for layer in range(layers):
        prefix = f"layers.{layer}."
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            tensors[f"{prefix}self_attn.{name}.weight"] = weight(width, width)
        for name, shape in (("gate_proj", (hidden, width)), ("up_proj", (hidden, width)), ("down_proj", (width, hidden))):
            tensors[f"{prefix}mlp.{name}.weight"] = weight(*shape)
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{prefix}{name}.weight"] = weight(width)
    return tensors


def encoder(blocks: int, width: int) -> Tensors:
    """Narrow blocks and many of them, with biases: what diffusion models and encoders look like."""
    generator = torch.Generator().manual_seed(11)

    def weight(*shape: int) -> torch.Tensor:
        bits = torch.randint(-(2**15), 2**15, shape, generator=generator, dtype=torch.int16)
        return bits.view(torch.bfloat16)

    tensors = {}
    for block in range(blocks):
        for name in ("query", "key", "value", "output"):
            tensors[f"blocks.{block}.attention.{name}.weight"] = weight(width, width)
            tensors[f"blocks.{block}.attention.{name}.bias"] = weight(width)
        for number in range(4):
            tensors[f"blocks.{block}.mixer.{number}.weight"] = weight(width, width)
            tensors[f"blocks.{block}.mixer.{number}.norm"] = weight(width // 2)
        tensors[f"blocks.{block}.mlp.up.weight"] = weight(2 * width, width)
        tensors[f"blocks.{block}.mlp.down.weight"] = weight(width, 2 * width)
    return tensors


def tiny_tensors(count: int) -> Tensors:
    return {f"blocks.{number // 10}.part{number % 10}.weight": torch.full((13,), float(number)) for number in range(count)}


def transposed(count: int, size: int) -> Tensors:
    generator = torch.Generator().manual_seed(8)
    return {f"layers.{number}.weight": torch.rand(size, size, generator=generator).t() for number in range(count)}


def strided() -> Tensors:
    """Storages of 1.07 GB, a fifth of which (the columns that are left out) no tensor uses."""
    generator = torch.Generator().manual_seed(9)
    tensors = transposed(count=5, size=4096)
    for number in range(5):
        weights = torch.rand(1024, 64, 16, 16, generator=generator)
        tensors[f"permuted.{number}.weight"] = weights.permute(0, 3, 1, 2)
    for number in range(3):
        tensors[f"columns.{number}.weight"] = torch.rand(4096, 8192, generator=generator)[:, 2048:6144]
    return tensors


def noise(count: int, size: int) -> Tensors:
    generator = torch.Generator().manual_seed(10)
    return {f"layers.{number}.weight": torch.randn(size, size, generator=generator) for number in range(count)}


def save(make: Callable[[], Tensors], **options: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(make(), path, **options)


def deflated(make: Callable[[], Tensors]) -> Callable[[Path], None]:
    """What becomes of a checkpoint that somebody unpacks and packs again with an everyday tool."""

    def write(path: Path) -> None:
        stored = path.with_suffix(".stored")
        torch.save(make(), stored)
        with zipfile.ZipFile(stored) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(name, source.read(name))
        stored.unlink()

    return write


class _Sparse:
    """Pickles as a float32 vector over a storage that stays on the disk."""

    def __init__(self, elements: int) -> None:
        self.elements = elements

    def __reduce__(self) -> tuple[Any, ...]:
        return (torch._utils._rebuild_tensor_v2, (_Storage(), 0, (self.elements,), (1,), False, OrderedDict()))


class _Storage:
    pass


class _LegacyPickler(pickle.Pickler):
    def __init__(self, file: BinaryIO, elements: int) -> None:
        super().__init__(file, protocol=2)
        self.elements = elements

    def persistent_id(self, value: object) -> object:
        return ("storage", torch.FloatStorage, "0", "cpu", self.elements, None) if isinstance(value, _Storage) else None


def sparse(gibibytes: int) -> Callable[[Path], None]:
    """The legacy layout, whose one storage is a hole but for a mark at the beginning of every GiB and at the end."""

    def write(path: Path) -> None:
        elements = gibibytes * 2**28
        info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        with path.open("wb") as file:
            for value in (0x1950A86A20F9469CFC6C, 1001, info):
                pickle.dump(value, file, protocol=2)
            _LegacyPickler(file, elements).dump({"weight": _Sparse(elements)})
            pickle.dump(["0"], file, protocol=2)
            file.write(elements.to_bytes(8, "little"))
            start = file.tell()
            for gibibyte in range(gibibytes):
                file.seek(start + gibibyte * 2**30)
                file.write(f"GiB {gibibyte:12}".encode())
            file.seek(start + gibibytes * 2**30 - 16)
            file.write(b"the last of it..")

    return write


INPUTS: dict[str, Callable[[Path], None]] = {
    "transformer-20MB.pt": save(lambda: transformer(layers=3, width=512, hidden=1408, tokens=2048)),
    "transformer-100MB.pt": save(lambda: transformer(layers=14, width=512, hidden=1408, tokens=8192)),
    "transformer-2.3GB.pt": save(lambda: transformer(layers=22, width=2048, hidden=5632, tokens=32000)),
    "medium-1GB.pt": save(lambda: encoder(blocks=160, width=512)),
    "tiny-20000.pt": save(lambda: tiny_tensors(20_000)),
    "tiny-200000.pt": save(lambda: tiny_tensors(200_000)),
    "transposed-200MB.pt": save(lambda: transposed(count=3, size=4096)),
    "strided-1GB.pt": save(strided),
    "legacy-200MB.pt": save(
        lambda: transformer(layers=2, width=2048, hidden=5632, tokens=2048), _use_new_zipfile_serialization=False
    ),
    "legacy-2GB.pt": save(
        lambda: transformer(layers=19, width=2048, hidden=5632, tokens=8192), _use_new_zipfile_serialization=False
    ),
    "deflated-200MB.pt": deflated(lambda: noise(count=12, size=2048)),
    "sparse-12GB.pt": sparse(gibibytes=12),
}


def main(folder: str, *names: str) -> None:
    for name in names:
        path = Path(folder) / name
        partial = path.with_suffix(".partial")
        INPUTS[name](partial)
        partial.rename(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
