"""Holds accepted mutants against the real torch and safetensors.

    npm run soak -- --mutants 200000 --torch 20      keeps one accepted mutant in 20 and calls this

The folder holds, for each mutant, the file that was converted (`.pt`), what came out (`.safetensors`) and what is known
of it (`.json`). What comes out must be, byte for byte, what safetensors writes of what torch.load(weights_only=True)
gives; for headers, the reference must accept and refuse the same files.

torch refuses some files that are read here on purpose. They are counted by cause, and each cause is in CAUSES: an
exact pattern of torch's message, and a condition that the file itself must meet.
Anything else is a failure.
"""

from __future__ import annotations

import json
import pickletools
import re
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "oracle"))

import expected  # noqa: E402
import torch  # noqa: E402
from expected import as_written, named_tensors  # noqa: E402
from safetensors import SafetensorError, deserialize  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

warnings.filterwarnings("ignore")


def identity(tensor: torch.Tensor) -> tuple[Any, ...]:
    """As expected.identity, but a storage that is a view of another counts as that one: here it does as well."""
    where = tensor.data_ptr()
    return (where, tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.is_conj(), tensor.is_neg())


expected.identity = identity


class Mutant:
    """The file, as the conditions below look at it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_zip = path.read_bytes()[:2] == b"PK"

    def pickles(self) -> list[bytes]:
        if self.is_zip:
            return [self.record("data.pkl") or b""]
        # Five pickles, one after the other.
        content, streams, start = self.path.read_bytes(), [], 0
        for _ in range(5):
            *_, (_, _, stop) = pickletools.genops(content[start:])
            streams.append(content[start : start + stop + 1])
            start += stop + 1
        return streams

    def opcodes(self) -> set[str]:
        return {opcode.name for stream in self.pickles() for opcode, _, _ in pickletools.genops(stream)}

    def record(self, name: str) -> bytes | None:
        """A record of the archive; None where there is none, and in the legacy layout."""
        if not self.is_zip:
            return None
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                if info.filename.split("/", 1)[-1] != name:
                    continue
                with archive.open(info) as member:
                    # Archives without checksums are read here, and so is what is not written.
                    member._expected_crc = None
                    return member.read()
        return None

    def has_global(self, module: str, name: str) -> bool:
        strings: list[str] = []
        for stream in self.pickles():
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name == "GLOBAL" and argument == f"{module} {name}":
                    return True
                if isinstance(argument, str):
                    strings.append(argument)
        return "STACK_GLOBAL" in self.opcodes() and module in strings and name in strings


def is_number(record: bytes | None) -> bool:
    return record is not None and re.fullmatch(rb"[0-9]+\n?", record) is not None


def is_utf8(record: bytes | None) -> bool:
    try:
        return record is None or record.decode() is not None
    except UnicodeDecodeError:
        return False


def always(_: Mutant, __: re.Match[str]) -> bool:
    return True


# The opcodes that weights_only has no name for, and this library has. Both sides: torch names it, the file has it.
OPCODES_READ_HERE = {
    "BINSTRING": "text of Python 2",
    "SHORT_BINSTRING": "text of Python 2",
    "BINBYTES": "protocol 3 to 5",
    "SHORT_BINBYTES": "protocol 3 to 5",
    "FRAME": "protocol 3 to 5",
    "SHORT_BINUNICODE": "protocol 3 to 5",
    "BINUNICODE8": "protocol 3 to 5",
    "BINBYTES8": "protocol 3 to 5",
    "BYTEARRAY8": "protocol 3 to 5",
    "EMPTY_SET": "protocol 3 to 5",
    "ADDITEMS": "protocol 3 to 5",
    "FROZENSET": "protocol 3 to 5",
    "MEMOIZE": "protocol 3 to 5",
    "STACK_GLOBAL": "protocol 3 to 5",
    "LONG4": "integers of more than 255 bytes",
}


def has_opcode(mutant: Mutant, found: re.Match[str]) -> bool:
    name = pickletools.code2op[chr(int(found[1]))].name
    return name in OPCODES_READ_HERE and name in mutant.opcodes()


# Globals for plain data that weights_only refuses, and this library reads.
GLOBALS_READ_HERE = {
    ("builtins", "bytes"),
    ("builtins", "frozenset"),
    ("collections", "defaultdict"),
    ("__builtin__", "bytes"),
    ("__builtin__", "frozenset"),
    # The factories of a defaultdict, which are only named.
    *((module, name) for module in ("builtins", "__builtin__")
      for name in ("bool", "dict", "float", "int", "list", "str", "tuple")),
}


def has_named_global(mutant: Mutant, found: re.Match[str]) -> bool:
    # torch leaves out the module of builtins, and takes Python 2's name of it for the same.
    module, _, name = found[1].rpartition(".")
    modules = [module] if module else ["builtins", "__builtin__"]
    return any((each, name) in GLOBALS_READ_HERE and mutant.has_global(each, name) for each in modules)


# What torch says, what the file must be like for that, and why it is read here all the same.
Condition = Callable[[Mutant, re.Match[str]], bool]
CAUSES: list[tuple[str, Condition, str]] = [
    (r"Unsupported operand (\d+)", has_opcode, "an opcode that weights_only does not read"),
    (r"Unsupported global: GLOBAL (\S+) was not", has_named_global, "a global for plain data"),
    (
        r"type object 'torch.storage.UntypedStorage' has no attribute 'dtype'",
        lambda mutant, _: not mutant.is_zip and mutant.has_global("torch.storage", "UntypedStorage"),
        "a dtype without a storage class in the legacy layout: torch writes it and cannot read it",
    ),
    (
        r'Expected hasRecord\("version"\) to be true',
        lambda mutant, _: mutant.record("version") is None,
        "no record of the version, which is not needed here",
    ),
    (
        r"Couldn't parse the version|IndexError: stoull|file with version|version.* is (too|not)|UnicodeDecodeError",
        lambda mutant, _: mutant.record("version") is not None and not is_number(mutant.record("version")),
        "the record of the version is no number; it is not looked at here",
    ),
    (
        r"(Attempted to read a PyTorch file with version|.*version that is)",
        lambda mutant, _: is_number(mutant.record("version")) and (mutant.record("version") or b"").strip() != b"3",
        "the record of the version is another number; it is not looked at here",
    ),
    (
        r"invalid literal for int\(\) with base 10",
        lambda mutant, _: not is_number(mutant.record(".storage_alignment")),
        "the record .storage_alignment is no number; it is not looked at here",
    ),
    (
        r"UnicodeDecodeError",
        lambda mutant, _: not is_utf8(mutant.record(".data/serialization_id")),
        "the record serialization_id is no text; it is not looked at here",
    ),
    (
        r"not enough values to unpack \(expected 5, got 4\)",
        lambda mutant, _: not mutant.is_zip,
        "a persistent id of five fields in the legacy layout, where torch writes a sixth, None",
    ),
    (
        r"TypeError: attribute name must be string|Boolean value of Tensor with more than one value is ambiguous",
        lambda mutant, _: mutant.has_global("torch._utils", "_rebuild_parameter_with_state")
        or mutant.has_global("torch._tensor", "_rebuild_from_type_v2"),
        "the attributes of a tensor are dropped here, whatever they are",
    ),
    (
        r"_rebuild_meta_tensor_no_storage\(\) missing \d+ required positional arguments",
        lambda mutant, _: mutant.has_global("torch._utils", "_rebuild_meta_tensor_no_storage"),
        "what a tensor has for hooks is not looked at here",
    ),
    (r"requires_grad must be a bool|argument 'requires_grad' must be bool|only Tensors of floating point and complex dtype can require gradients", always,
     "whether a tensor wants gradients is not looked at here"),
    (
        r"Expected one of cpu, cuda, .* device type at start of device string",
        lambda mutant, _: mutant.has_global("torch", "device"),
        "a torch.device among the values is text here, whatever it says",
    ),
    (r"TypeError: unhashable type: '(list|dict|collections.OrderedDict|set|Tensor)'", always,
     "a container as a key of a dict, where no tensor is named by it"),
]


def cause_of(message: str, mutant: Mutant) -> str | None:
    for pattern, fits, cause in CAUSES:
        found = re.search(pattern, message, re.DOTALL)
        if found and fits(mutant, found):
            return cause
    return None


BOILERPLATE = re.compile(r"Weights only load failed.*?(WeightsUnpickler error:|Unsupported)", re.DOTALL)


def at_root(value: Any, root: list[str]) -> Any:
    for step in root:
        if isinstance(value, Mapping):
            (key,) = [key for key in value if str(key) == step and isinstance(key, (str, int))]
        else:
            key = int(step)
        value = value[key]
    return value


def raw(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes of a contiguous tensor as they lie in memory."""
    return tensor.reshape(-1).view(torch.uint8)


def as_bytes(tensor: torch.Tensor) -> torch.Tensor:
    return raw(as_written(tensor))


def only_signs_of_nothing(ours: torch.Tensor, theirs: torch.Tensor, lazy: bool) -> bool:
    """Whether complex numbers with a neg or conj bit differ in nothing but the signs of zeros and NaNs.

    torch negates complex numbers with arithmetic whose zeros and NaNs depend on the processor (see test/oracle).
    """
    if ours.dtype != torch.complex64 or not lazy:
        return False
    mine, other = raw(ours).view(torch.int32), as_bytes(theirs).view(torch.int32)
    magnitude = mine & 0x7FFFFFFF
    nothing = (magnitude == 0) | (magnitude > 0x7F800000)
    same = (mine == other) | (nothing & (magnitude == (other & 0x7FFFFFFF)))
    return bool(same.all())


def known_difference(value: Any, written: Path, mutant: Mutant) -> str | None:
    """The one known reason for every tensor that differs; None when there is a tensor for which there is none."""
    ours = load_file(written)
    swaps = mutant.record("byteorder") == b"big" and mutant.has_global("torch._utils", "_rebuild_tensor_v3")
    causes = set()
    for name, tensor in named_tensors(value).items():
        # Names that stand for another were compared under that one.
        if name not in ours or torch.equal(raw(ours[name]), as_bytes(tensor)):
            continue
        part = tensor.element_size() // (2 if tensor.is_complex() else 1)
        if swaps and torch.equal(raw(ours[name]), as_bytes(tensor).reshape(-1, part).flip(1).reshape(-1)):
            causes.add("a big-endian tensor over an untyped storage, whose bytes torch does not swap")
        elif only_signs_of_nothing(ours[name], tensor, tensor.is_neg() or tensor.is_conj()):
            causes.add("the sign of a zero or NaN in a complex tensor with a neg or conj bit")
        elif tensor.dtype == torch.bool and torch.equal(raw(ours[name]) != 0, as_bytes(tensor) != 0):
            causes.add("bool bytes other than 0 and 1: torch makes them 1 when it copies, here they stay")
        else:
            return None
    return causes.pop() if len(causes) == 1 else None


def compare_checkpoint(stem: Path, about: dict[str, Any]) -> tuple[str, str]:
    mutant, written = Mutant(stem.with_suffix(".pt")), stem.with_suffix(".safetensors")
    try:
        value = torch.load(mutant.path, map_location="cpu", weights_only=True)
    except Exception as error:
        message = BOILERPLATE.sub(r"\1", f"{type(error).__name__}: {error}")
        cause = cause_of(message, mutant)
        return ("refused by torch", cause) if cause else ("FAILED", f"torch refuses: {message[:400]}")
    try:
        value = at_root(value, about["root"])
        right = expected.expected_bytes(value, (), {})
    except Exception as error:
        return "FAILED", f"{type(error).__name__}: {str(error)[:300]}"
    if right == written.read_bytes():
        return "same", "as the unmutated file" if about["identical"] else "another than the unmutated file"
    cause = known_difference(value, written, mutant)
    return ("other bytes", cause) if cause else ("FAILED", "other bytes")


def compare_header(stem: Path, about: dict[str, Any]) -> tuple[str, str]:
    content = stem.with_suffix(".safetensors").read_bytes()
    try:
        entries = deserialize(content)
    except SafetensorError as error:
        if about["verdict"] == "valid":
            return "FAILED", f"the reference refuses: {error}"
        return "same", f"header {about['verdict']}, refused by the reference"
    if about["verdict"] == "invalid":
        return "FAILED", "the reference accepts a header that is called invalid"
    if about["verdict"] == "strict":
        return "stricter", "header refused here and accepted by the reference"
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    header.pop("__metadata__", None)
    said = {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()}
    read = {name: (entry["dtype"], list(entry["shape"])) for name, entry in entries}
    return ("same", "header accepted") if said == read else ("FAILED", f"{said} and {read}")


def main() -> int:
    counts: Counter[tuple[str, str]] = Counter()
    failures: Counter[str] = Counter()
    for known in sorted(Path(sys.argv[1]).glob("*.json")):
        about = json.loads(known.read_text())
        stem = known.with_suffix("")
        compare = compare_header if about["kind"] == "safetensors" else compare_checkpoint
        how, why = compare(stem, about)
        if how == "FAILED":
            failures[why] += 1
            if failures[why] <= 3:
                print("FAILED", known.stem, about["file"], about["chain"], why)
            why = ""
        counts[how, why] += 1
    for (how, why), times in sorted(counts.items()):
        print(f"{times:8}  {how}: {why}")
    print(f"torch: {sum(counts.values())} mutants, {sum(failures.values())} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
