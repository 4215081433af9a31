"""Cases: bytes of a checkpoint that no written tensor holds. The manifest says how many torch and zipfile count."""

from __future__ import annotations

import io
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from save import save_zip
from values import counting, filled
from zip_archive import DATE, Record, read_records, torch_archive


def case(name: str, source: str, content: bytes, value: Any, **more: Any) -> Case:
    return Case(group="hidden", name=name, source=source, content=content, value=value, unreferenced=True, **more)


def cases() -> Iterator[Case]:
    rows = torch.arange(1_000_000, dtype=torch.float32).reshape(1000, 1000)[:2]
    yield case("slice", "Two rows of a matrix carry all of it.", save_zip({"w": rows}), {"w": rows}, fixture=False)

    embedding = filled("F32", 40, 12)
    row = {"row": embedding[7], "last": filled("F16", 3)}
    yield case("embedding-row", "One row of an embedding carries all of it.", save_zip(row), row)

    columns = {"q": embedding[:, 0:4], "k": embedding[:, 4:8], "w": filled("BF16", 9, 9)[::2, 1:4]}
    yield case("columns", "Columns of a matrix, of which a third is missing, and a grid.", save_zip(columns), columns)

    parts = {"q": embedding[:, 0:4], "k": embedding[:, 4:8], "v": embedding[:, 8:]}
    yield case("parts", "Parts that make up a whole matrix: nothing is hidden.", save_zip(parts), parts)

    tied = {"head": embedding, "embed": embedding, "transposed": embedding.t()}
    yield case("tied", "Tied weights: nothing is hidden.", save_zip(tied), tied)

    bias = filled("F32", 6)
    training = {
        "state_dict": OrderedDict(w=embedding[:20], b=bias),
        "optimizer": {"state": {0: {"exp_avg": filled("F32", 40, 12), "view": embedding[10:30], "same": bias}}},
    }
    yield case(
        "training",
        "An optimizer outside the root, one of whose tensors lies in a storage of the model.",
        save_zip(training),
        training,
        path=("state_dict",),
    )

    nothing = {"none": embedding[:0], "some": filled("U8", 5)}
    yield case("behind-nothing", "A tensor without elements carries a whole matrix.", save_zip(nothing), nothing)

    weights = {"w": counting("F32", 4)}
    plain = save_zip(weights)
    yield case("nothing", "A checkpoint with nothing to hide.", plain, weights)
    yield case("extra-member", "A member added by Python's zipfile.", with_member(plain, "notes.bin", 700), weights)
    yield case(
        "extra-members",
        "A deflated member and a storage that the pickle does not name, added by Python's zipfile.",
        with_member(with_member(plain, "data/7", 90), "very/deep.txt", 5000, zipfile.ZIP_DEFLATED),
        weights,
    )
    records = [
        Record(record.name, record.data + bytes(100) if record.name == "version" else record.data)
        for record in read_records(plain)
    ]
    yield case("long-record", "A version record with a hundred bytes more.", torch_archive(records), weights)


def with_member(archive: bytes, name: str, length: int, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO(archive)
    with zipfile.ZipFile(buffer, "a") as opened:
        info = zipfile.ZipInfo(f"archive/{name}", DATE)
        opened.writestr(info, bytes(number % 251 for number in range(length)), method)
    return buffer.getvalue()
