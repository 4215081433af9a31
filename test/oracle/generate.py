"""Writes the corpus: checkpoints, what the reference makes of them, and a manifest. See README.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases_dtypes
import cases_globals
import cases_hidden
import cases_layouts
import cases_legacy
import cases_names
import cases_options
import cases_protocols
import cases_random
import cases_roots
import cases_sharing
import cases_unsupported
import cases_values
import cases_views
import cases_zip
from case import Case
from expected import expected_bytes
from save import load
from unreferenced import unreferenced_bytes

MODULES = [
    cases_dtypes,
    cases_views,
    cases_protocols,
    cases_sharing,
    cases_roots,
    cases_values,
    cases_names,
    cases_zip,
    cases_hidden,
    cases_legacy,
    cases_options,
    cases_unsupported,
    cases_globals,
    cases_layouts,
    cases_random,
]

#: No committed file may be larger.
MAX_FIXTURE_BYTES = 64 * 1024


class CorpusWriter:
    """Brings a folder up to date. Equal contents are written once, and shared by reference."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names_by_hash: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.names_by_hash:
            self.names_by_hash[digest] = name
            file = self.folder / name
            if not file.exists() or file.read_bytes() != content:
                file.write_bytes(content)
        return self.names_by_hash[digest]

    def remove_others(self) -> None:
        kept = set(self.names_by_hash.values())
        for file in self.folder.iterdir():
            if file.name not in kept:
                file.unlink()


def all_cases() -> Iterator[Case]:
    for module in MODULES:
        yield from module.cases()


def expected_output(case: Case) -> bytes:
    """The output for the tensors in memory, which must equal the output for what torch reads from the file."""
    output = expected_bytes(case.value, case.path, case.options)
    if case.torch_reads and expected_bytes(load(case.content), case.path, case.options) != output:
        raise AssertionError(f"{case.full_name}: torch.load returns other tensors than were saved")
    return output


def manifest_entry(case: Case, writer: CorpusWriter) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": case.full_name,
        "group": case.group,
        "input": writer.write(case.full_name + case.extension, case.content),
    }
    if case.error is None:
        entry["expected"] = writer.write(case.full_name + ".safetensors", expected_output(case))
        entry["root"] = [str(key) for key in case.path]
    else:
        entry["error"] = case.error
    if case.unreferenced:
        entry["unreferenced"] = unreferenced_bytes(case.content, case.path)
    if case.mentions:
        entry["errorMentions"] = list(case.mentions)
    if case.options:
        entry["options"] = case.options
    entry["source"] = case.source
    return entry


def add_expected_outputs(folder: Path) -> None:
    """Completes a folder of checkpoints that another torch wrote, with a manifest that says where their roots are."""
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in entries:
        if "error" not in entry:
            value = load((folder / entry["input"]).read_bytes())
            output = expected_bytes(value, tuple(entry["root"]), entry.get("options", {}))
            (folder / entry["expected"]).write_bytes(output)
    check_folder(folder, fixtures=True)


def check_folder(folder: Path, fixtures: bool) -> None:
    """No file may carry a path of the machine it was made on; a fixture has to be small."""
    local = [str(path).encode() for path in (Path.cwd(), Path(__file__).parent, sys.prefix)]
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        if any(path in content for path in local):
            raise AssertionError(f"{file.name} contains a path of this machine")
        if fixtures and file.name != "manifest.json" and len(content) > MAX_FIXTURE_BYTES:
            raise AssertionError(f"{file.name} is too large for a fixture: {len(content)} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; other files in it are removed")
    parser.add_argument("--fixtures", action="store_true", help="only the small set that is committed")
    parser.add_argument(
        "--expect-for", action="store_true", help="only add the outputs for checkpoints that lie in --out"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.expect_for:
        add_expected_outputs(arguments.out)
        return

    writer = CorpusWriter(arguments.out)
    entries: dict[str, dict[str, Any]] = {}
    for case in all_cases():
        if case.full_name in entries:
            raise AssertionError(f"two cases are called {case.full_name}")
        if case.fixture or not arguments.fixtures:
            entries[case.full_name] = manifest_entry(case, writer)
    text = json.dumps(list(entries.values()), indent=2, ensure_ascii=True)
    writer.write("manifest.json", f"{text}\n".encode())
    writer.remove_others()
    check_folder(arguments.out, arguments.fixtures)

    for group, count in Counter(entry["group"] for entry in entries.values()).items():
        print(f"{group:12} {count:4}")
    size = sum(file.stat().st_size for file in arguments.out.iterdir())
    print(f"{len(entries)} cases, {len(writer.names_by_hash)} files, {size:,} bytes")


if __name__ == "__main__":
    main()
