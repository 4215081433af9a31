"""Cases: seeded random state dicts. They are made anew each time and not committed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from save import save_legacy, save_zip
from values import DTYPES, UNTYPED, filled

COUNT = 300


def cases() -> Iterator[Case]:
    for seed in range(COUNT):
        generator = random.Random(seed)
        legacy = generator.random() < 0.3
        names = sorted(set(DTYPES) - UNTYPED) if legacy else sorted(DTYPES)
        value = random_tree(generator, names)
        protocol = generator.choice([2, 2, 2, 3, 4, 5])
        save = save_legacy if legacy else save_zip
        yield Case(
            group="random",
            name=f"{seed:03}",
            source="Random views of random storages, some of them shared.",
            content=save(value, protocol=protocol),
            value=value,
            options=generator.choice([{}, {}, {"shared": "copy"}]),
            fixture=False,
        )


def random_tree(generator: random.Random, names: list[str]) -> dict[str, Any]:
    """A state dict with a tensor at its top, so that it is the root, and perhaps more below."""
    tensors: list[torch.Tensor] = []
    for number in range(generator.randint(1, 6)):
        storage = filled(generator.choice(names), generator.randint(0, 60), seed=str(generator.random()))
        for _ in range(generator.randint(1, 3)):
            tensors.append(random_view(generator, storage))
    if generator.random() < 0.5:
        tensors.append(generator.choice(tensors))
    tree: dict[str, Any] = {"first": tensors[0]}
    nested: dict[str, Any] = {}
    for number, tensor in enumerate(tensors[1:]):
        (nested if generator.random() < 0.3 else tree)[f"{generator.choice('abcxyz')}{number}"] = tensor
    if nested:
        tree["nested"] = nested
    return tree


def random_view(generator: random.Random, storage: torch.Tensor) -> torch.Tensor:
    """Any shape, strides and offset that stay within the storage."""
    count = storage.numel()
    rank = generator.randint(0, 4)
    shape = [generator.choice([0, 1, 2, 3, 4]) for _ in range(rank)]
    strides = [generator.choice([0, 1, 1, 2, 3, 5]) for _ in range(rank)]
    reach = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if 0 not in shape else -1
    if reach >= count or (rank == 0 and storage.dtype == torch.float4_e2m1fn_x2):  # has no form without dimensions
        return storage
    offset = generator.randint(0, count - 1 - reach) if count > reach + 1 else 0
    view = storage.as_strided(shape, strides, offset)
    if storage.dtype.is_complex and generator.random() < 0.4:
        view = view.conj()
    elif storage.dtype in {torch.float32, torch.float64, torch.bfloat16} and generator.random() < 0.2:
        view = torch._neg_view(view)
    return view
