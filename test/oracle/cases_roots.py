"""Cases: where in a checkpoint the state dict lies, and what is not guessed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from case import Case
from save import save_legacy, save_zip
from values import counting, filled


def net(seed: int, *names: str) -> dict[str, torch.Tensor]:
    return {
        name: counting("F32", 2, index + 1) + 100 * seed for index, name in enumerate(names or ("fc.weight", "fc.bias"))
    }


def optimizer() -> dict[str, Any]:
    """The state of Adam: tensors below integer keys, and settings."""
    return {
        "state": {
            index: {
                "step": torch.tensor(3.0),
                "exp_avg": counting("F32", 2) + index,
                "exp_avg_sq": counting("F32", 2) * index,
            }
            for index in range(11)
        },
        "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False, "params": list(range(11))}],
    }


def linear() -> dict[str, torch.Tensor]:
    module = torch.nn.Linear(2, 1)
    module.weight.data, module.bias.data = counting("F32", 1, 2), counting("F32", 1)
    return module.state_dict()


#: Name -> what it shows, the value, the path to its root.
FOUND: dict[str, tuple[str, Any, tuple[Any, ...]]] = {
    "plain": ("A plain state dict.", net(1), ()),
    "ordered": ("An OrderedDict.", OrderedDict(net(1)), ()),
    "state-dict": (
        "A state_dict beside numbers and text.",
        {"state_dict": net(1), "epoch": 5, "arch": "resnet18"},
        ("state_dict",),
    ),
    "state-dict-and-optimizer": (
        "A state_dict beside the optimizer's tensors.",
        {"epoch": 5, "optimizer": optimizer(), "state_dict": net(1), "best_acc1": 71.5},
        ("state_dict",),
    ),
    "lightning": (
        "A checkpoint as PyTorch Lightning writes it.",
        {
            "epoch": 1,
            "global_step": 10,
            "pytorch-lightning_version": "2.1.0",
            "state_dict": OrderedDict(net(1, "model.conv.weight", "model.conv.bias")),
            "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 2}}}},
            "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "best_model_path": "best.ckpt"}},
            "optimizer_states": [optimizer()],
            "lr_schedulers": [],
            "hyper_parameters": {"lr": 0.1},
        },
        ("state_dict",),
    ),
    "model-state-dict": (
        "The names of the PyTorch tutorials.",
        {"epoch": 1, "model_state_dict": net(1), "optimizer_state_dict": optimizer(), "loss": 0.5},
        ("model_state_dict",),
    ),
    "model": ("model beside optimizer.", {"model": net(1), "optimizer": optimizer(), "iter_num": 9}, ("model",)),
    "module": ("module beside other tensors.", {"module": net(1), "ds_config": {"lr": torch.tensor(0.1)}}, ("module",)),
    "net": (
        "net beside acc, and another child with tensors.",
        {"net": net(1), "acc": 91.2, "scheduler": {"last": torch.zeros(1)}},
        ("net",),
    ),
    "params-ema": (
        "params_ema is taken before params, as super-resolution tools do.",
        {"params": net(1), "params_ema": net(2)},
        ("params_ema",),
    ),
    "generator": (
        "A generator beside its discriminator's state.",
        {"generator": net(1), "mpd": net(2), "msd": net(3)},
        ("generator",),
    ),
    "weights": ("weights is known, history is not.", {"history": net(1), "weights": net(2)}, ("weights",)),
    "ema": ("ema is the last of the known names.", {"ema": net(1), "extra": net(2)}, ("ema",)),
    "state-dict-first": ("state_dict is taken before model.", {"model": net(1), "state_dict": net(2)}, ("state_dict",)),
    "known-name-without-tensors": (
        "A known name without tensors does not count.",
        {"state_dict": {"epoch": 1}, "model": net(1), "teacher": net(2)},
        ("model",),
    ),
    "known-name-inside": (
        "The rule is applied again inside a known name.",
        {"model": {"state_dict": net(1), "teacher": net(2)}, "optimizer": optimizer()},
        ("model", "state_dict"),
    ),
    "known-name-whole": (
        "Inside model the rule finds no root, so all of model is taken.",
        {"model": {"encoder": net(1), "decoder": net(2)}, "optimizer": optimizer()},
        ("model",),
    ),
    "only-child": (
        "The only child with tensors, three levels down.",
        {"a": {"b": {"c": net(1)}, "n": 1}, "x": "y"},
        ("a", "b", "c"),
    ),
    "only-child-of-list": ("A state dict inside a list.", [1, "two", net(1)], (2,)),
    "only-child-of-tuple": ("A pair of state dict and step.", (net(1), 400), (0,)),
    "only-child-then-known": (
        "An only child that holds a known name and an unknown one.",
        {"checkpoint": {"state_dict": net(1), "aux": net(2)}},
        ("checkpoint", "state_dict"),
    ),
    "only-child-integer-key": ("An only child under an integer key.", {0: net(1), 1: "text"}, (0,)),
    "nested-in-root": (
        "A mapping that holds a tensor is the root: what lies deeper gets dotted names, plain values stay behind.",
        {
            "weight": filled("F32", 2),
            "block": {"conv": {"bias": filled("F32", 3)}},
            "list": [filled("U8", 1), 5],
            "epoch": 2,
        },
        (),
    ),
    "nanogpt": (
        "A best loss as a tensor lies loose beside the model and its optimizer.",
        {"model": net(1), "optimizer": optimizer(), "iter_num": 10, "best_val_loss": torch.tensor(2.25), "config": {}},
        ("model",),
    ),
    "imagenet": (
        "The example of PyTorch: a best accuracy on its own, as a tensor.",
        {"epoch": 1, "arch": "resnet18", "state_dict": net(1), "best_acc1": torch.tensor(7.5), "optimizer": optimizer()},
        ("state_dict",),
    ),
    "loose-beside-known": ("Nothing but a loose tensor.", {"best": torch.tensor(1.0), "net": net(1)}, ("net",)),
    "loose-generator-state": (
        "States of random generators and a loss's class weights.",
        {
            "model": net(1),
            "torch_rng_state": torch.arange(5056).to(torch.uint8),
            "cuda_rng_state": [torch.arange(16).to(torch.uint8)],
            "class_weights": torch.tensor([0.25, 0.75]),
        },
        ("model",),
    ),
    "loose-beside-unknown": (
        "A state dict under a name of its own, known by its names with dots.",
        {"my_net": net(1), "val_loss": torch.tensor(0.5)},
        ("my_net",),
    ),
    "optimizer-beside-unknown": (
        "An optimizer rivals no model, whatever the keys are.",
        {"my_net": net(1), "adam": optimizer(), "sgd": optimizer()},
        ("my_net",),
    ),
    "model-and-optimizer-tuple": ("A model and its optimizer.", (net(1), optimizer()), (0,)),
    "optimizers-and-model-list": ("Two optimizers and a model.", [[optimizer(), optimizer()], net(1), 3], (1,)),
    "module-in-ordered-dict": (
        "A module's own state dict beside a loose tensor: torch marks it with its versions.",
        {"temperature": filled("F32", 2), "head": linear()},
        ("head",),
    ),
    "nested-with-known-name": (
        "Modules within modules, as haiku and flax nest them, with one called model.",
        {"w": filled("F32", 2), "model": {"w": filled("F32", 3), "b": filled("F32", 1)}, "head": {"w": filled("F32", 2)}},
        (),
    ),
    "nested-flat-names": (
        "Tensors that are called as state dicts are.",
        {"model": filled("F32", 2), "weights": filled("F32", 3), "params": filled("F32", 1), "state_dict": torch.ones(2)},
        (),
    ),
    "averaged-beside": (
        "The averaged weights beside the model are not taken.",
        {"model": net(1), "model_ema": net(2), "epoch": 3},
        ("model",),
    ),
    "teacher-and-student": (
        "Self-distillation: of two with the same names the teacher is the average.",
        {"student": net(1), "teacher": net(2), "epoch": 3},
        ("teacher",),
    ),
    "tuple-key": ("A tuple as the key of the only state dict.", {(1, "a"): net(1), "n": 1}, ((1, "a"),)),
    "list": (
        "A list of tensors, named by index: 10 sorts before 2.",
        [counting("F32", 2) + index for index in range(12)],
        (),
    ),
    "tuple": ("A tuple of tensors.", (filled("F32", 2), filled("I64", 3)), ()),
    "list-of-pairs": (
        "A list with a tensor and a list of tensors.",
        [filled("F32", 1), [filled("F32", 2), None, filled("F32", 3)]],
        (),
    ),
    "bare-tensor": ("A tensor saved alone.", filled("F32", 3, 2), ()),
    "bare-view": ("A transposed tensor saved alone.", filled("F32", 3, 2).t(), ()),
    "bare-parameter": ("A parameter saved alone.", torch.nn.Parameter(counting("F32", 3)), ()),
    "integer-keys": (
        "Integer keys, named by their decimal text.",
        {10: filled("F32", 2), 2: filled("F32", 3), -1: filled("F32", 4)},
        (),
    ),
    "wide-integer-keys": (
        "Integer keys beyond 2^53 and 2^64.",
        {2**53 + 1: filled("F32", 1), -(2**70): filled("F32", 2)},
        (),
    ),
    "mixed-keys": ("Text and integer keys in one mapping.", {"a": filled("F32", 2), 7: filled("F32", 3)}, ()),
    "data-parallel": (
        "The prefix of DataParallel is part of the name.",
        net(1, "module.conv.weight", "module.conv.bias"),
        (),
    ),
}


def cases() -> Iterator[Case]:
    for name, (source, value, path) in FOUND.items():
        yield Case(group="roots", name=name, source=source, content=save_zip(value), value=value, path=path)
    for name in ("state-dict-and-optimizer", "list", "bare-tensor", "only-child", "integer-keys"):
        source, value, path = FOUND[name]
        yield Case(
            group="roots",
            name=f"{name}-legacy",
            source=f"{source} In the legacy layout.",
            content=save_legacy(value),
            value=value,
            path=path,
        )
    yield from chosen()
    yield from refused()


def chosen() -> Iterator[Case]:
    """The caller says where the root is."""
    gan = {"net_g": net(1), "net_d": net(2), "steps": 3}
    training = {"state_dict": net(1), "optimizer": optimizer(), "epoch": 2}
    pairs: list[tuple[str, str, Any, Any]] = [
        ("explicit", "A root given by the caller, where no rule would find it.", gan, ["net_d"]),
        ("explicit-over-rule", "A root given by the caller goes before the rule.", training, ["optimizer"]),
        ("explicit-deep", "A root three keys down, one of them an integer.", training, ["optimizer", "state", 3]),
        ("explicit-list-index", "A root inside a list.", {"all": [net(1), net(2)]}, ["all", 1]),
        ("explicit-tuple", "A root under a tuple.", {(10, 20): net(1), (10, 0.5): net(2)}, [(10, 0.5)]),
        ("explicit-none", "A root under None.", {None: net(1), "a": net(2)}, [None]),
        ("explicit-tensor", "A root that is a tensor.", training, ["state_dict", "fc.weight"]),
        (
            "explicit-dotted-key",
            "A key that contains dots is one step of the path.",
            {"a.b": net(1), "a": {"b": net(2)}},
            ["a.b"],
        ),
    ]
    for name, source, value, path in pairs:
        yield Case(
            group="roots",
            name=name,
            source=source,
            content=save_zip(value),
            value=value,
            path=tuple(path),
            options={"root": [str(key) for key in path]},
        )
    everything = {
        "all-gan": ("Both nets, with dotted names.", gan),
        "all-training": ("A whole training checkpoint: the optimizer's integer keys become parts of names.", training),
        "all-lightning": ("A whole Lightning checkpoint.", FOUND["lightning"][1]),
        "all-plain": ("All of a plain state dict is the state dict.", net(1)),
        "all-bare": ("All of a bare tensor.", filled("F32", 2)),
    }
    for name, (source, value) in everything.items():
        yield Case(
            group="roots", name=name, source=source, content=save_zip(value), value=value, options={"root": "all"}
        )


def refused() -> Iterator[Case]:
    nothing = "no-tensors"
    unclear = "root-ambiguous"
    values: list[tuple[str, str, Any, str, tuple[str, ...]]] = [
        (
            "gan",
            "Two nets and no known name: which one is meant is not guessed.",
            {"net_g": net(1), "net_d": net(2)},
            unclear,
            ("net_g", "net_d"),
        ),
        ("list-of-two", "Two state dicts in a list.", [net(1), net(2)], unclear, ()),
        (
            "nested-gan",
            "Two nets below an only child with an unknown name.",
            {"run": {"actor": net(1), "critic": net(2)}},
            unclear,
            ("actor", "critic"),
        ),
        ("empty-dict", "An empty mapping.", {}, nothing, ()),
        ("empty-list", "An empty list.", [], nothing, ()),
        (
            "plain-values",
            "Numbers and text only.",
            {"epoch": 3, "name": "run", "lr": 0.1, "tags": ["a", None]},
            nothing,
            (),
        ),
        ("none", "None, saved alone.", None, nothing, ()),
        ("number", "A number, saved alone.", 42, nothing, ()),
        (
            "empty-state-dict",
            "A state_dict of a model without parameters.",
            {"state_dict": {}, "epoch": 1},
            nothing,
            (),
        ),
        ("storages-only", "A storage is not a tensor.", {"storage": torch.zeros(2).untyped_storage()}, nothing, ()),
    ]
    for name, source, value, error, mentions in values:
        yield Case(group="roots", name=name, source=source, content=save_zip(value), error=error, mentions=mentions)
    seeds = {"cpu": torch.arange(5056).to(torch.uint8), "cuda": torch.arange(16).to(torch.uint8)}
    for name, source, value in (
        ("optimizer-alone", "An optimizer's state as a file of its own.", optimizer()),
        ("optimizer-wrapped", "An optimizer and counters, no model.", {"optimizer": optimizer(), "epoch": 3}),
        ("optimizer-list", "A list of optimizers.", [optimizer(), optimizer()]),
        ("optimizer-and-best", "An optimizer and a best score.", {"adam": optimizer(), "best": torch.tensor(1.0)}),
        ("random-states", "States of random generators alone.", seeds),
    ):
        yield Case(group="roots", name=name, source=source, content=save_zip(value), error="no-model")
        yield Case(
            group="roots",
            name=f"{name}-all",
            source=f"{source} Everything is asked for.",
            content=save_zip(value),
            value=value,
            options={"root": "all"},
        )
    yield Case(
        group="roots",
        name="all-empty",
        source="All of an empty mapping.",
        content=save_zip({"state_dict": {}}),
        options={"root": "all"},
        error=nothing,
    )
