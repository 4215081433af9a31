"""What a user of Python does: torch.load (mmap where the layout allows it, weights_only) and save_file."""

from __future__ import annotations

import sys
import zipfile

import torch
from safetensors.torch import save_file


def can_be_mapped(source: str) -> bool:
    if not zipfile.is_zipfile(source):
        return False
    with zipfile.ZipFile(source) as archive:
        return all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def main(source: str, target: str) -> None:
    tensors = torch.load(source, map_location="cpu", weights_only=True, mmap=can_be_mapped(source))
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, target, metadata={"format": "pt"})


if __name__ == "__main__":
    main(*sys.argv[1:])
