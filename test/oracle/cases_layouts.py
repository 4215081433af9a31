"""Cases: files of torch that are neither of the two common layouts, refused by name."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import warnings
from collections.abc import Iterator

import torch
from case import Case
from handmade import SYS_INFO
from values import counting
from zip_archive import Record, torch_archive


def cases() -> Iterator[Case]:
    yield Case(
        group="layouts",
        name="torchscript",
        source="A TorchScript module, saved by torch.jit.save.",
        content=torchscript(),
        error="unsupported-layout",
        mentions=("TorchScript",),
    )
    yield Case(
        group="layouts",
        name="tar",
        source="A tar file with sys_info, pickle, tensors and storages, as torch 0.1 wrote it.",
        content=tar(),
        error="unsupported-layout",
    )
    weights = counting("F32", 2)
    records = [
        Record("archive_format", b"pt2"),
        Record("archive_version", b"0"),
        Record("byteorder", b"little"),
        Record("data/weights/weight_0", bytes(weights.view(torch.uint8).tolist())),
        Record("models/model.json", b"{}"),
        Record(".data/version", b"6\n"),
    ]
    yield Case(
        group="layouts",
        name="exported-program",
        source="The outline of a .pt2 file of torch.export.",
        content=torch_archive(records, prefix="model"),
        error="unsupported-layout",
        extension=".pt2",
    )


def torchscript() -> bytes:
    warnings.simplefilter("ignore")

    class Shift(torch.jit.ScriptModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(counting("F32", 2, 3))

    module = Shift()
    module.define("def forward(self, x):\n    return x + self.weight\n")  # as text: no source path in the file
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()


def tar() -> bytes:
    weights = counting("F32", 2, 3)
    raw = bytes(weights.view(torch.uint8).flatten().tolist())

    def pickled(*values: object) -> bytes:
        return b"".join(pickle.dumps(value, protocol=2) for value in values)

    members = {
        "sys_info": pickled(SYS_INFO),
        "storages": pickled(1, ("1", "cpu", torch.FloatStorage)) + struct.pack("<q", 6) + raw + pickled([]),
        "tensors": pickled(1, ("2", "1", torch.FloatTensor)) + struct.pack("<i4x5q", 2, 2, 3, 3, 1, 0),
        "pickle": pickled({"weight": 2}),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
