"""Writes the benchmark's checkpoints to the folder given, unless they are there already. Seeded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch


def transformer(layers: int, width: int, hidden: int, tokens: int) -> dict[str, torch.Tensor]:
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


def tiny_tensors(count: int) -> dict[str, torch.Tensor]:
    return {f"blocks.{number // 10}.part{number % 10}.weight": torch.full((13,), float(number)) for number in range(count)}


def transposed(count: int, size: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(8)
    return {f"layers.{number}.weight": torch.rand(size, size, generator=generator).t() for number in range(count)}


def write(path: Path, make: Any, **options: Any) -> None:
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    torch.save(make(), partial, **options)
    partial.rename(path)


def main(folder: str) -> None:
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "transformer-20MB.pt", lambda: transformer(layers=3, width=512, hidden=1408, tokens=2048))
    write(out / "transformer-2.3GB.pt", lambda: transformer(layers=22, width=2048, hidden=5632, tokens=32000))
    write(out / "tiny-20000.pt", lambda: tiny_tensors(20_000))
    write(out / "transposed-200MB.pt", lambda: transposed(count=3, size=4096))
    write(
        out / "legacy-200MB.pt",
        lambda: transformer(layers=2, width=2048, hidden=5632, tokens=2048),
        _use_new_zipfile_serialization=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
