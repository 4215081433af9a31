"""Cases: the zip archive around a checkpoint, as torch of many versions and as other tools write it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import torch
from case import Case
from handmade import StorageId, pickled, raw_bytes, tensor_call
from save import save_zip
from values import UNTYPED, counting, filled
from zip_archive import Record, info_zip_archive, python_archive, read_records, torch_archive

WEIGHTS = {
    "conv.weight": filled("F32", 4, 3, 2),
    "conv.bias": filled("F16", 4),
    "empty": filled("F32", 0, 3),
    "steps": filled("I64", 1)[0].clone(),
    "columns": filled("BF16", 6, 6)[:, 1:4],
}


def cases() -> Iterator[Case]:
    yield from saved_by_torch()
    yield from other_prefixes()
    yield from older_torch()
    yield from other_tools()
    yield from big_endian()
    yield from many_tensors()


def case(name: str, source: str, content: bytes, value: Any = WEIGHTS, **more: Any) -> Case:
    return Case(group="zip", name=name, source=source, content=content, value=value, **more)


def saved_by_torch() -> Iterator[Case]:
    yield case("to-buffer", "Saved to a buffer: the folder in the archive is called archive.", save_zip(WEIGHTS))
    yield case(
        "to-path",
        "Saved to a path: the folder is called like the file.",
        save_zip(WEIGHTS, stem="model"),
        extension=".pth",
    )
    yield case(
        "to-path-with-dots",
        "The folder's name is the file's up to its last dot.",
        save_zip(WEIGHTS, stem="model.v1.2-final"),
        extension=".ckpt",
    )
    yield case(
        "to-path-with-spaces",
        "A folder with blanks in its name.",
        save_zip(WEIGHTS, stem="my best model (1)"),
        extension=".bin",
    )
    yield case(
        "to-unicode-path",
        "A path that is not ASCII: torch calls the folder archive.",
        save_zip(WEIGHTS, stem="mod\u00e8le"),
    )
    yield case("without-crc", "set_crc32_options(False): every CRC is 0.", save_zip(WEIGHTS, crc=False))
    yield case(
        "aligned-4096",
        "Records aligned to 4,096 bytes.",
        save_zip({"w": filled("F32", 5)}, alignment=4096),
        {"w": filled("F32", 5)},
    )
    yield case("aligned-1", "Records without alignment.", save_zip(WEIGHTS, alignment=1))


def other_prefixes() -> Iterator[Case]:
    records = read_records(save_zip(WEIGHTS))
    prefixes = {
        "unicode": "\u6a21\u578b \U0001f600",
        "data": "data",
        "like-a-record": "data.pkl",
        "like-a-number": "0",
        "inherited": "__proto__",
        "long": "p" * 300,
        "dot": "model.pt",
    }
    for name, prefix in prefixes.items():
        yield case(
            f"prefix-{name}",
            "The folder in the archive may have any name; it is found, not derived from the file's.",
            torch_archive(records, prefix=prefix),
        )


def older_torch() -> Iterator[Case]:
    records = read_records(save_zip(WEIGHTS))
    core = [record for record in records if not record.name.startswith(".")]
    plain = [record for record in core if record.name != "byteorder"]
    yield case(
        "torch-2.1", "Before 2.7 there were no records .format_version and .storage_alignment.", torch_archive(core)
    )
    yield case("torch-2.0", "Before 2.1 there was no record byteorder: little endian.", torch_archive(plain))
    without_version = [record for record in plain if record.name != "version"]
    yield case("without-version", "The record version is missing.", torch_archive(without_version), torch_reads=False)
    yield case(
        "serialization-id-first",
        "The records in reverse order: their order in the archive carries no meaning.",
        torch_archive(list(reversed(records))),
    )

    layers = {f"layer{index}": counting("F32", 3) + index for index in range(12)}
    kept = read_records(save_zip(layers))
    storages = sorted((record for record in kept if record.name.startswith("data/")), key=lambda record: record.name)
    others = [record for record in kept if not record.name.startswith("data/") and not record.name.startswith(".")]
    yield case(
        "lexicographic-storages",
        "Before 2.7 the storages lay in the order 0, 1, 10, 11, 2.",
        torch_archive(others[:1] + storages + others[1:]),
        layers,
    )
    yield case(
        "extra-records",
        "Records that torch ignores, beside those it reads.",
        torch_archive(
            [*records, Record("notes.txt", b"hello"), Record("data/extra/0", b"1234"), Record("data/99", bytes(16))]
        ),
    )
    yield addresses_as_keys()
    yield case("comment", "A comment at the end of the archive.", torch_archive(records, comment=b"made for a test"))
    yield case(
        "comment-longest",
        "The longest comment a zip archive can have, 65,535 bytes: torch itself seeks to before the file.",
        torch_archive(records, comment=b"c" * 65_535),
        torch_reads=False,
        fixture=False,
    )


def addresses_as_keys() -> Case:
    weight, bias = filled("F32", 3, 2), filled("F64", 3)
    value = {
        "weight": tensor_call(StorageId(torch.FloatStorage, "94193312312896", 6), 0, (3, 2), (2, 1)),
        "bias": tensor_call(StorageId(torch.DoubleStorage, "140210012", 3), 0, (3,), (1,)),
    }
    records = [
        Record("data.pkl", pickled(value)),
        Record("data/140210012", raw_bytes(bias)),
        Record("data/94193312312896", raw_bytes(weight)),
        Record("version", b"3\n"),
    ]
    return case(
        "address-keys",
        "The first releases with the zip layout named storages by their addresses.",
        torch_archive(records),
        {"weight": weight, "bias": bias},
    )


def other_tools() -> Iterator[Case]:
    records = read_records(save_zip(WEIGHTS))
    old = [record for record in records if not record.name.startswith(".")]
    yield case(
        "python-stored", "Packed again with Python's zipfile, stored.", python_archive(records, zipfile.ZIP_STORED)
    )
    yield case(
        "python-deflated",
        "Packed again with Python's zipfile, deflated.",
        python_archive(records, zipfile.ZIP_DEFLATED),
    )
    yield case("info-zip-stored", "Packed again with zip -0.", info_zip_archive(old, 0))
    yield case("info-zip-deflated", "Packed again with zip -9.", info_zip_archive(old, 9))
    yield case(
        "info-zip-directories",
        "Packed again with zip -r, which adds entries for the folders.",
        info_zip_archive(old, 6, directories=True),
    )
    compressible = {"zeros": torch.zeros(64, 64), "ramp": counting("I32", 32, 32)}
    yield case(
        "python-deflated-long",
        "Deflated storages many times smaller than what they hold.",
        python_archive(read_records(save_zip(compressible)), zipfile.ZIP_DEFLATED),
        compressible,
    )
    views = {
        "columns": counting("F32", 40, 40)[:, 3:9],
        "odd": filled("F64", 200)[7::13],
        "tail": filled("U8", 4096)[-5:],
    }
    yield case(
        "python-deflated-views",
        "Views into deflated storages.",
        python_archive(read_records(save_zip(views)), zipfile.ZIP_DEFLATED),
        views,
    )


def swapped(raw: bytes, width: int) -> bytes:
    return b"".join(raw[start : start + width][::-1] for start in range(0, len(raw), width))


def big_endian_archive(value: dict[str, torch.Tensor], archive: Callable[[list[Record]], bytes]) -> bytes:
    """What a big-endian machine would have saved: one storage for each tensor, in the order of the tensors."""
    widths = [tensor.element_size() // (2 if tensor.is_complex() else 1) for tensor in value.values()]
    records = []
    for record in read_records(save_zip(value)):
        data = record.data
        if record.name == "byteorder":
            data = b"big"
        elif record.name.startswith("data/"):
            data = swapped(data, widths[int(record.name.removeprefix("data/"))])
        records.append(Record(record.name, data))
    return archive(records)


def big_endian() -> Iterator[Case]:
    classic = {
        name: filled(name, 3, 2)
        for name in ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "C64")
    }
    untyped = {name: filled(name, 3, 2) for name in sorted(UNTYPED)}
    views = {
        "transpose": filled("F32", 3, 4).t(),
        "columns": filled("I16", 5, 6)[:, 1:3],
        "offset": filled("F64", 9)[4:],
        "conj": counting("C64", 4).conj(),
        "negative": torch._neg_view(counting("F32", 4)),
        "expand": filled("I64", 1, 2).expand(3, 2),
    }
    source = "Saved on a big-endian machine"
    yield case("big-endian", f"{source}.", big_endian_archive(classic, torch_archive), classic)
    yield case("big-endian-views", f"{source}, with views.", big_endian_archive(views, torch_archive), views)
    yield case(
        "big-endian-deflated",
        f"{source} and packed again, deflated.",
        big_endian_archive(views, lambda records: python_archive(records, zipfile.ZIP_DEFLATED)),
        views,
    )
    yield case(
        "big-endian-untyped",
        f"{source}, dtypes over untyped storages: torch itself forgets to swap these, the bytes say what they are.",
        big_endian_archive(untyped, torch_archive),
        untyped,
        torch_reads=False,
    )
    records = [record for record in read_records(save_zip(WEIGHTS)) if record.name != "byteorder"]
    yield Case(
        group="zip",
        name="byte-order-unknown",
        source="The record byteorder says something else than little or big.",
        content=torch_archive([*records, Record("byteorder", b"middle")]),
        error="byte-order",
    )


def many_tensors() -> Iterator[Case]:
    flat = filled("F32", 600)
    slices = {f"layers.{index}.weight": flat[index * 2 : index * 2 + 2] for index in range(300)}
    yield case(
        "three-hundred-slices", "300 slices of one storage: the memo outgrows one byte.", save_zip(slices), slices
    )
    tiny = {f"layers.{index}.weight": counting("F32", 2) + index for index in range(1000)}
    yield case(
        "thousand-tensors", "1,000 tiny tensors, each with its own storage.", save_zip(tiny), tiny, fixture=False
    )
    storages = {f"w{index}": counting("U8", 1) + index % 256 for index in range(120)}
    yield case("hundred-storages", "120 storages of one byte each.", save_zip(storages, alignment=1), storages)
