"""Cases: one state dict through the pickle protocols 2 to 5, which encode text, bytes and globals differently."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import torch
from case import Case
from save import save_legacy, save_zip
from values import counting, filled


def cases() -> Iterator[Case]:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    for index, tensor in enumerate(model.state_dict().values()):
        tensor.copy_(counting("F32", *tensor.shape) + index)
    state = model.state_dict()
    beside = {
        "state_dict": {
            "weight": filled("F32", 3, 3).t(),
            "scale": filled("U16", 4),
            "bias": torch.nn.Parameter(counting("F32", 3)),
        },
        "epoch": 7,
        "loss": 0.25,
        "best": None,
        "done": False,
        "raw": b"\x00\xff" * 150,
        "buffer": bytearray(b"abc"),
        "steps": {3},
        "frozen": frozenset({4}),
        "large": -(2**80),
        "long": "x" * 300,
        "pair": (1, 2),
        "empty": (),
    }
    lengths = {"f" * length: counting("F32", 2) + length for length in (1, 255, 256, 257, 1000)}
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        for layout, save in (("zip", save_zip), ("legacy", save_legacy)):
            yield Case(
                group="protocols",
                name=f"{layout}-{protocol}-module",
                source=f"The state dict of a small model with BatchNorm, pickled with protocol {protocol}.",
                content=save(state, protocol=protocol),
                value=state,
            )
            yield Case(
                group="protocols",
                name=f"{layout}-{protocol}-beside",
                source=f"A training checkpoint with bytes, sets, None and wide integers, protocol {protocol}.",
                content=save(beside, protocol=protocol),
                value=beside,
                path=("state_dict",),
                torch_reads=layout == "zip",
            )
        yield Case(
            group="protocols",
            name=f"text-{protocol}",
            source=f"Names of 1 to 1,000 bytes, on both sides of the short forms of protocol {protocol}.",
            content=save_zip(lengths, protocol=protocol),
            value=lengths,
        )
