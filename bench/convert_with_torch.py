"""What a user of Python does: torch.load (mmap where the layout allows it, weights_only) and save_file."""

from __future__ import annotations

import sys
import zipfile

import torch
from safetensors.torch import save_file


def main(source: str, target: str) -> None:
    tensors = torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, target, metadata={"format": "pt"})


if __name__ == "__main__":
    main(*sys.argv[1:])
