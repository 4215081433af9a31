"""Checkpoints written by a real old torch: 1.13, as Debian 12 packages it. See README.md.

Run with /usr/bin/python3 after ``apt-get install python3-torch``; then ``generate.py --expect-for`` adds the outputs.
Legacy files carry storage addresses, so they differ from run to run: these files are made once and committed.
"""

import json
import sys
import warnings
from collections import OrderedDict
from pathlib import Path

import torch

CLASSIC = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.complex64,
]  # fmt: skip


def counting(dtype, *shape):
    count = 1
    for length in shape:
        count *= length
    numbers = torch.arange(count, dtype=torch.float64).reshape(shape)
    return torch.complex(numbers, numbers + 0.5).to(dtype) if dtype.is_complex else numbers.to(dtype)


def dtypes():
    return {str(dtype).replace("torch.", ""): counting(dtype, 2, 3) for dtype in CLASSIC}


def views():
    return {
        "transpose": counting(torch.float32, 3, 4).t(),
        "channels_last": counting(torch.float16, 2, 3, 2, 2).to(memory_format=torch.channels_last),
        "columns": counting(torch.float64, 4, 6)[:, 1:4],
        "tail": counting(torch.int16, 20)[13:],
        "expand": counting(torch.float32, 1, 3).expand(4, 3),
        "imag": counting(torch.complex64, 3).imag,
    }


def model():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 2))
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            parameter.copy_(counting(torch.float32, *parameter.shape) / 8 - index)
    return network


def training():
    network = model()
    optimizer = torch.optim.Adam(network.parameters())
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return {"epoch": 3, "state_dict": network.state_dict(), "optimizer": optimizer.state_dict(), "best": None}


def tied():
    table = counting(torch.float32, 4, 3)
    return OrderedDict([("head.weight", table), ("embed.weight", table), ("norm.weight", counting(torch.float32, 3))])


def scripted():
    class Shift(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(counting(torch.float32, 2, 3))

    module = Shift()
    module.define("def forward(self, x):\n    return x + self.weight\n")  # as text: no source path in the file
    return module


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    version = torch.__version__
    entries = []

    def add(name, source, value, root=(), error=None, mentions=(), save=torch.save, **how):
        entry = {"name": "torch-1.13-" + name, "group": "torch-1.13", "input": name + ".pt"}
        save(value, folder / entry["input"], **how)
        if error is None:
            entry.update(expected=name + ".safetensors", root=list(root))
        else:
            entry.update(error=error)
        if mentions:
            entry["errorMentions"] = list(mentions)
        entry["source"] = "{} Written by torch {}.".format(source, version)
        entries.append(entry)

    layers = {"layer{}".format(index): counting(torch.float32, 2) + index for index in range(12)}
    add("zip-dtypes", "Every dtype of its time.", dtypes())
    add("zip-views", "Views.", views())
    add("zip-training", "A training checkpoint with Adam.", training(), root=["state_dict"])
    add("zip-tied", "Tied embeddings in an OrderedDict.", tied())
    add("zip-twelve", "Twelve storages, in lexicographic order.", layers)
    add("zip-protocol-4", "Protocol 4.", {"model": dtypes(), "step": 1}, root=["model"], pickle_protocol=4)
    add("zip-parameters", "Parameters themselves.", list(model().parameters()))
    conjugate = {"conj": counting(torch.complex64, 3).conj(), "neg": counting(torch.complex64, 3).conj().imag}
    add("zip-lazy-bits", "Conjugate and negated views: before torch 2.0 their bits are not in the file.", conjugate)
    old = {"_use_new_zipfile_serialization": False}
    add("legacy-dtypes", "Every dtype of its time.", dtypes(), **old)
    add("legacy-views", "Views.", views(), **old)
    add("legacy-training", "A training checkpoint with Adam.", training(), root=["state_dict"], **old)
    add("legacy-tied", "Tied embeddings in an OrderedDict.", tied(), **old)
    quantized = {"odd": torch.quantize_per_tensor(counting(torch.float32, 3), 0.5, 3, torch.qint8)}
    add("zip-quantized", "A quantised tensor.", quantized, error="tensor-unsupported", mentions=["odd"])
    whole = ["torch.nn.modules.container.Sequential", "torch.nn.modules.conv.Conv2d"]
    add("zip-whole-module", "A whole module.", model(), error="global-not-allowed", mentions=whole)
    add(
        "torchscript",
        "A TorchScript module.",
        scripted(),
        error="unsupported-layout",
        mentions=["TorchScript"],
        save=save_script,
    )
    (folder / "manifest.json").write_text(json.dumps(entries, indent=2) + "\n")


def save_script(module, path):
    torch.jit.save(module, str(path))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
