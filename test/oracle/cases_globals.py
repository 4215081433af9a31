"""Cases: globals that are never called, and the error that names all of them."""

from __future__ import annotations

import argparse
import datetime
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from case import Case
from handmade import StorageId, foreign_class, legacy_file, tensor_call
from save import save_legacy, save_zip
from values import counting


def cases() -> Iterator[Case]:
    weights = {"weight": counting("F32", 2)}
    config, scheduler = foreign_class("my_project.config.Config"), foreign_class("my_project.optim.Scheduler")
    subclass = foreign_class("my_project.tensors.Tagged", torch.Tensor)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    for tensor in model.parameters():
        tensor.data.fill_(0.5)
    values: dict[str, tuple[str, Any, tuple[str, ...]]] = {
        "namespace": (
            "Command line arguments beside the weights.",
            {"model": weights, "args": argparse.Namespace(lr=0.1)},
            ("argparse.Namespace",),
        ),
        "numpy-scalar": (
            "A loss that NumPy computed.",
            {"model": weights, "loss": numpy.float64(0.5)},
            ("numpy._core.multiarray.scalar", "numpy.dtype"),
        ),
        "numpy-array": (
            "A NumPy array among the weights.",
            {"weight": numpy.arange(3.0)},
            ("numpy._core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype"),
        ),
        "user-class": (
            "An object of the user's own class.",
            {"model": weights, "config": config()},
            ("my_project.config.Config",),
        ),
        "tensor-subclass": (
            "A tensor of the user's own subclass.",
            {"weight": counting("F32", 2).as_subclass(subclass)},
            ("my_project.tensors.Tagged",),
        ),
        "path": (
            "A path object.",
            {"model": weights, "path": pathlib.PurePosixPath("runs/1")},
            ("pathlib.PurePosixPath",),
        ),
        "datetime": ("A date.", {"model": weights, "date": datetime.date(2020, 1, 2)}, ("datetime.date",)),
        "class-itself": (
            "A class that is named and never called.",
            {"model": weights, "class": config},
            ("my_project.config.Config",),
        ),
        "builtin": (
            "A builtin function that is named and never called.",
            {"model": weights, "key": len},
            ("__builtin__.len",),
        ),
        "whole-module": (
            "A whole nn.Module, not its state dict.",
            model,
            (
                "torch.nn.modules.container.Sequential",
                "torch.nn.modules.linear.Linear",
                "torch.nn.modules.activation.ReLU",
            ),
        ),
        "several": (
            "Several at once: the message names all of them.",
            {"model": weights, "a": config(), "b": scheduler(), "c": argparse.Namespace(), "d": numpy.float32(1)},
            (
                "my_project.config.Config",
                "my_project.optim.Scheduler",
                "argparse.Namespace",
                "numpy._core.multiarray.scalar",
            ),
        ),
    }
    for name, (source, value, mentions) in values.items():
        yield Case(
            group="globals",
            name=name,
            source=source,
            content=save_zip(value),
            error="global-not-allowed",
            mentions=mentions,
        )
    several = values["several"]
    for protocol in (2, 4):
        yield Case(
            group="globals",
            name=f"several-legacy-{protocol}",
            source=f"{several[0]} In the legacy layout, protocol {protocol}.",
            content=save_legacy(several[1], protocol=protocol),
            error="global-not-allowed",
            mentions=several[2],
        )
    yield Case(
        group="globals",
        name="builtin-4",
        source="Protocol 4 calls the module builtins.",
        content=save_zip(values["builtin"][1], protocol=4),
        error="global-not-allowed",
        mentions=("builtins.len",),
    )
    yield Case(
        group="globals",
        name="in-system-information",
        source="A global where the legacy layout has its system information.",
        content=legacy_file(weights_by_hand(), {"1": (2, bytes(8))}, sys_info={"little_endian": True, "x": config()}),
        error="global-not-allowed",
        mentions=("my_project.config.Config",),
    )


def weights_by_hand() -> dict[str, Any]:
    return {"weight": tensor_call(StorageId(torch.FloatStorage, "1", 2, None), 0, (2,), (1,))}
