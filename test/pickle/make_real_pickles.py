"""Makes real-pickles.json: pickles as torch 2.13 and CPython 3.11 write them, which the tests damage at random.

    python make_real_pickles.py > real-pickles.json && npx biome format --write real-pickles.json

Each row is what the pickle shows and its bytes as hex. Look at one with:

    python -c "import json, pickletools; pickletools.dis(bytes.fromhex(json.load(open('real-pickles.json'))[0]['hex']))"
"""

import collections
import io
import json
import pickle
import sys
import zipfile

import numpy
import torch


def saved(value, protocol=2):
    """The data.pkl of a checkpoint."""
    file = io.BytesIO()
    torch.save(value, file, pickle_protocol=protocol)
    with zipfile.ZipFile(file) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        return archive.read(name)


def main():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    state = layers.state_dict()
    optimizer = torch.optim.Adam(layers.parameters())
    layers(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    weight = torch.arange(12.0).reshape(3, 4)
    training = {"epoch": 3, "model": state, "optimizer": optimizer.state_dict(), "lr": 1e-3, "best": None}
    plain = {
        "bytes": b"\x00\xff", "empty": b"", "array": bytearray(b"ab"), "set": {1}, "frozen": frozenset({2}),
        "complex": 1 + 2j, "size": torch.Size([2, 3]), "device": torch.device("cuda", 1), "dtype": torch.float16,
        "counter": collections.Counter("aab"), "default": collections.defaultdict(list, {"a": [1]}),
        "long": 2**70, "negative": -1, "words": "ünï\U0001f600", "true": True, "tuple": (1, (2, 3, 4, 5)),
    }
    rows = [
        *((f"a state dict, protocol {protocol}", saved(state, protocol)) for protocol in (2, 3, 4, 5)),
        ("a training checkpoint with an optimizer", saved(training)),
        *((f"plain data, protocol {protocol}", saved(plain, protocol)) for protocol in (2, 3, 4, 5)),
        ("shared and strided tensors", saved({"a": weight, "b": weight.t(), "c": weight[1:, ::2], "d": weight})),
        ("parameters", saved({"p": torch.nn.Parameter(weight), "b": torch.nn.Buffer(weight)})),
        ("dtypes without a storage class", saved([torch.zeros(2, dtype=torch.float8_e5m2), torch.zeros(1, dtype=torch.uint16)])),
        ("a conjugate and a negative view", saved([torch.zeros(2, dtype=torch.complex64).conj(), torch.zeros(2, dtype=torch.complex64).conj().imag])),
        ("quantized and sparse tensors", saved([torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8), weight.to_sparse()])),
        ("a whole module, which is refused", saved(layers)),
        ("numpy, which is refused", saved({"w": weight, "n": numpy.float32(1)}, 4)),
        ("three hundred names, protocol 4", pickle.dumps({f"layer.{i}": i for i in range(300)}, 4)),
    ]
    json.dump([{"about": about, "hex": data.hex()} for about, data in rows], sys.stdout)


main()
