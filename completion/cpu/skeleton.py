"""What transformers says about a model whose weights only the kernels hold."""

import copy
from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM

from completion.cpu.layers import Sizes
from kvcache.rotary import rope_type

KINDS = ("llama", "mistral", "qwen2")
"""Model types of transformers whose layers are those of :mod:`completion.cpu.layers`."""

_UNSTEADY = ("dynamic", "longrope")
"""A pass looks angles up in a table, which is longer than what is read of it."""


def misfit(config: Any) -> str:
    """Why the kernels cannot run a model of this configuration; empty when they can."""
    if config.model_type not in KINDS:
        return f"models of type {config.model_type!r} have other layers"
    if config.hidden_act != "silu":
        return f"its activation is {config.hidden_act}"
    if rope_type(config) in _UNSTEADY:
        return f"its angles change with the length ({rope_type(config)})"
    return ""


def sizes_of(config: Any) -> Sizes:
    """What the arrays of weights do not say."""
    heads = int(config.num_attention_heads)
    dim = int(getattr(config, "head_dim", None) or config.hidden_size // heads)
    return Sizes(
        heads=heads,
        kv_heads=int(getattr(config, "num_key_value_heads", None) or heads),
        dim=dim,
        epsilon=float(config.rms_norm_eps),
        scaling=dim**-0.5,
    )


def skeleton(config: Any) -> Any:
    """A model of this configuration with one layer and random weights, in evaluation mode.

    Its attention turns keys as every layer of the whole model does.
    """
    small = copy.deepcopy(config)
    small.num_hidden_layers, small.vocab_size, small.intermediate_size = 1, 64, 64
    small.layer_types = None if getattr(config, "layer_types", None) is None else config.layer_types[:1]
    small.pad_token_id = None
    auto = cast("Any", AutoModelForCausalLM)
    torch_random = cast("Any", torch.random)
    with torch_random.fork_rng(devices=[]):
        torch_random.manual_seed(0)
        return auto.from_config(small, dtype=torch.float32).eval().requires_grad_(False)
