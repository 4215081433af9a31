"""Zip archives, written as torch writes them and as other tools do."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

#: A date for the tools that insist on one.
DATE = (2020, 2, 2, 2, 2, 2)


@dataclass(frozen=True)
class Record:
    """A file in the archive; the name goes without the folder that all of them lie in."""

    name: str
    data: bytes


def read_records(archive: bytes) -> list[Record]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return [Record(info.filename.partition("/")[2], opened.read(info)) for info in opened.infolist()]


def torch_archive(
    records: list[Record], *, prefix: str = "archive", alignment: int = 64, comment: bytes = b""
) -> bytes:
    """The archive that torch's own writer makes: nothing in local headers, descriptors, padding, ZIP64 end records."""
    archive, directory = b"", b""
    for record in records:
        name = f"{prefix}/{record.name}".encode()
        offset, length, crc = len(archive), len(record.data), zlib.crc32(record.data)
        flags = 0x0808 if length else 0x0800  # UTF-8 names; a data descriptor follows, unless there is no data
        start = offset + 30 + len(name) + 4
        padding = struct.pack("<2sH", b"FB", -start % alignment) + b"Z" * (-start % alignment)
        archive += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 0, flags, 0, 0, 0, 0, 0, 0, len(name), len(padding))
        archive += name + padding + record.data
        if length:
            archive += struct.pack("<4sIII", b"PK\7\10", crc, length, length)
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\1\2", 0, 0, flags, 0, 0, 0, crc, length, length, len(name), 0, 0, 0, 0, 0, offset,
        ) + name  # fmt: skip
    count, start = len(records), len(archive)
    zip64_end = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 0x031E, 45, 0, 0, count, count, len(directory), start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, start + len(directory), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), start, len(comment))
    return archive + directory + zip64_end + locator + end + comment


def python_archive(records: list[Record], method: int, *, prefix: str = "archive") -> bytes:
    """The archive that Python's zipfile makes: sizes in local headers, no padding, no ZIP64 records."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for record in records:
            info = zipfile.ZipInfo(f"{prefix}/{record.name}", DATE)
            info.compress_type = method
            archive.writestr(info, record.data)
    return buffer.getvalue()


def info_zip_archive(records: list[Record], level: int, *, directories: bool = False) -> bytes:
    """The archive that the program zip makes of the unpacked files."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for record in records:
            file = Path(folder, "archive", record.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(record.data)
            names.append(f"archive/{record.name}")
        if directories:
            names = ["archive/", "archive/data/", *names]
        for path in Path(folder).rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.utime(path, (1_580_608_922, 1_580_608_922))
        subprocess.run(
            ["zip", "-q", "-X", f"-{level}", "out.zip", "-@"],
            cwd=folder, input="\n".join(names).encode(), env={**os.environ, "TZ": "UTC"}, check=True,
        )  # fmt: skip
        return Path(folder, "out.zip").read_bytes()
