"""Writes tiny-transformer.pt, the checkpoint that the README converts: a training checkpoint as projects save it.

    python examples/make-example.py examples

Needs torch (test/oracle/requirements.txt pins it) and writes the same bytes every time.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path

import torch

WIDTH = 16
LAYERS = 2
TOKENS = 64


def state_dict(generator: torch.Generator) -> OrderedDict[str, torch.Tensor]:
    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.02

    embedding = random(TOKENS, WIDTH)
    tensors: OrderedDict[str, torch.Tensor] = OrderedDict()
    tensors["embed.weight"] = embedding
    for layer in range(LAYERS):
        prefix = f"layers.{layer}."
        tensors[prefix + "attention.qkv.weight"] = random(3 * WIDTH, WIDTH).to(torch.bfloat16)
        # Saved transposed, as checkpoints converted from other frameworks often are.
        tensors[prefix + "attention.out.weight"] = random(WIDTH, WIDTH).to(torch.bfloat16).t()
        tensors[prefix + "mlp.up.weight"] = random(4 * WIDTH, WIDTH).to(torch.bfloat16)
        tensors[prefix + "mlp.down.weight"] = random(WIDTH, 4 * WIDTH).to(torch.bfloat16)
        tensors[prefix + "norm.weight"] = torch.ones(WIDTH)
    tensors["norm.weight"] = torch.ones(WIDTH)
    tensors["position_ids"] = torch.arange(32)
    # Tied: the same tensor under a second name.
    tensors["lm_head.weight"] = embedding
    return tensors


def main(folder: str) -> None:
    generator = torch.Generator().manual_seed(2013)
    weights = state_dict(generator)
    moments = {index: {"exp_avg": torch.zeros(WIDTH), "step": torch.tensor(100.0)} for index in range(2)}
    checkpoint = {
        "epoch": 3,
        "state_dict": weights,
        "optimizer": {"state": moments, "param_groups": [{"lr": 3e-4, "params": [0, 1]}]},
        "hyper_parameters": {"width": WIDTH, "layers": LAYERS, "name": "tiny-transformer"},
    }
    torch.save(checkpoint, Path(folder) / "tiny-transformer.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
