"""Models of transformers whose tensors are tied: their state dicts, converted, must load in every class.

    python load_tied.py ../../dist/cli.js

Each model is made small and at random, saved with torch.save, converted by the command line, and loaded with
``from_pretrained`` by the class that it was made with and by the base class that has no head. transformers gives a
tensor that it does not find random values, so embeddings are compared with the ones that were saved.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

SMALL = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}

MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SMALL, intermediate_size=32, tie_word_embeddings=True)),
    "gpt2": (GPT2LMHeadModel, GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=2, n_positions=32)),
    "bert": (BertForMaskedLM, BertConfig(**SMALL, intermediate_size=32)),
    "opt": (OPTForCausalLM, OPTConfig(**SMALL, ffn_dim=32, word_embed_proj_dim=16, max_position_embeddings=32)),
    "bart": (
        BartForConditionalGeneration,
        BartConfig(
            vocab_size=64,
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            max_position_embeddings=32,
        ),
    ),
    "t5": (
        T5ForConditionalGeneration,
        T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, tie_word_embeddings=True),
    ),
}


def embeddings(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights of embeddings, by last name and size: classes with a head have more names before it."""
    found: dict[str, torch.Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Embedding):
            found[name.rsplit(".", 2)[-1] + str(tuple(module.weight.shape))] = module.weight.detach()
    return found


def check(name: str, cli: str) -> int:
    model_class, config = MODELS[name]
    torch.manual_seed(0)
    model = model_class(config)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, converted = Path(folder, "pytorch_model.bin"), Path(folder, "model.safetensors")
        torch.save(model.state_dict(), checkpoint)
        subprocess.run(["node", cli, str(checkpoint), "-o", str(converted), "--quiet"], check=True)
        checkpoint.unlink()
        config.save_pretrained(folder)
        compared = 0
        for loader in (transformers.AutoModel, model_class):
            loaded = loader.from_pretrained(folder)
            expected = embeddings(model)
            for key, weight in embeddings(loaded).items():
                if not torch.equal(weight, expected[key]):
                    raise AssertionError(f"{name}: {type(loaded).__name__} has another {key}")
                compared += 1
            head, wanted = loaded.get_output_embeddings(), model.get_output_embeddings()
            if loader is model_class and not torch.equal(head.weight, wanted.weight):
                raise AssertionError(f"{name}: {type(loaded).__name__} has another head")
    if compared < 2:
        raise AssertionError(f"{name}: nothing was compared")
    return compared


def main() -> None:
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    (cli,) = sys.argv[1:]
    for name in MODELS:
        print(f"{name}: {check(name, cli)} embeddings are those that were saved, with and without a head")


if __name__ == "__main__":
    main()
