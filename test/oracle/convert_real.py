"""What the reference makes of real checkpoints: ``convert_real.py SOURCE OUT`` writes one safetensors file for each.

Checkpoints that hold a state dict and nothing else; other files in the folder are left alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file


def main(source: str, out: str) -> None:
    Path(out).mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(source).glob("*.pth")):
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        plain = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
        save_file(plain, Path(out) / f"{path.stem}.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main(*sys.argv[1:])
