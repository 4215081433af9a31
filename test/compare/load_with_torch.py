"""What torch makes of checkpoints, a batch at a time.

    python load_with_torch.py checkpoints answers

Reads a run of files, each with its length (four bytes, little-endian) before it. Writes one line of JSON for each: the
error, or every tensor by its dotted name, with its dtype, its shape and its bytes in hexadecimal, conj and neg bits
resolved. torch.load(weights_only=True) answers; where that knows an opcode or a global not at all that this library
reads, CPython's two unpicklers do, with nothing on their list but what torch and this library have. Both must agree.
"""

import io
import json
import pickle
import re
import resource
import sys
import types
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Mapping

import torch
import torch._weights_only_unpickler as weights_only

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

READ_HERE = re.compile(r"Unsupported operand \d+|Unsupported global: GLOBAL (bytes|frozenset|collections.defaultdict)")
ALLOWED = {
    **weights_only._get_allowed_globals(),
    "builtins.bytes": bytes,
    "builtins.frozenset": frozenset,
    "collections.defaultdict": defaultdict,
}
ON_CPU = {"cuda:0": "cpu"}


def restricted(base):
    class Unpickler(base):
        def find_class(self, module, name):
            # fix_imports, which CPython's own find_class does.
            if module == "__builtin__":
                module = "builtins"
            known = ALLOWED.get(f"{module}.{name}")
            if known is None:
                raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
            return known

    module = types.ModuleType("restricted")
    module.Unpickler = Unpickler
    module.load = lambda file, **options: Unpickler(file, **options).load()
    return module


CPYTHON = [restricted(pickle.Unpickler), restricted(pickle._Unpickler)]


def walk(value, path, odd, found):
    if isinstance(value, torch.Tensor):
        # Python makes text of any key; only text, numbers, None and short tuples of them are names.
        if odd:
            found["odd"] = True
            return
        found["repeated"] |= path in found["tensors"]
        found["tensors"][path] = describe(value)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            is_name = isinstance(key, str) or (has_spelling(key, 0) and len(str(key)) <= 128)
            walk(child, f"{path}.{key}" if path else str(key), odd or not is_name, found)
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            walk(child, f"{path}.{index}" if path else str(index), odd, found)


def has_spelling(key, depth):
    if isinstance(key, tuple):
        return depth < 4 and all(has_spelling(part, depth + 1) for part in key)
    return key is None or isinstance(key, (str, int, float))


def describe(tensor):
    dtype, shape = str(tensor.dtype).removeprefix("torch."), list(tensor.shape)
    bits = ("n" if tensor.is_neg() else "") + ("c" if tensor.is_conj() else "")
    if tensor.is_meta:
        return [dtype, shape, "meta", bits]
    resolved = tensor.detach().resolve_conj().resolve_neg()
    # Strides of dimensions of one element may be anything, which views as bytes do not take.
    plain = torch.empty(resolved.numel(), dtype=resolved.dtype).copy_(resolved.reshape(-1))
    return [dtype, shape, plain.view(torch.uint8).numpy().tobytes().hex(), bits]


def load(data, **options):
    try:
        value = torch.load(io.BytesIO(data), map_location=ON_CPU, **options)
        found = {"tensors": {}, "odd": False, "repeated": False}
        walk(value, "", False, found)
        return found
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def answer(data):
    first = load(data, weights_only=True)
    if "error" not in first or not READ_HERE.search(first["error"]):
        return first
    answers = [load(data, weights_only=False, pickle_module=module) for module in CPYTHON]
    refused = [each for each in answers if "error" in each]
    return {**(refused or answers)[0], "by": "CPython"}


def main():
    # A checkpoint may ask for more than it has.
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    with open(sys.argv[1], "rb") as source, open(sys.argv[2], "w") as target:
        while length := source.read(4):
            data = source.read(int.from_bytes(length, "little"))
            found = answer(data)
            if "error" in found:
                found["error"] = found["error"][-600:] if "Unsupported" in found["error"] else found["error"][:600]
            target.write(json.dumps(found) + "\n")


main()
