"""Tiny models of the kinds that the kernels run, and what transformers makes of them in 8 bits."""

from typing import Any, cast

import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PretrainedConfig, Qwen2Config

from completion.cpu.integers import GROUP
from tests.completion.cpu.unpacking import unpacked

SIZES: dict[str, Any] = {
    "vocab_size": 150,
    "hidden_size": 64,
    "intermediate_size": 100,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}

CONFIGS: dict[str, PretrainedConfig] = {
    "qwen2": Qwen2Config(**SIZES, tie_word_embeddings=True),
    "llama with biases": LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True, tie_word_embeddings=False),
    "llama, linear angles": LlamaConfig(
        **SIZES, rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 100_000.0}
    ),
    "mistral with wide heads": MistralConfig(**SIZES, head_dim=24, sliding_window=None),
    "llama without groups": LlamaConfig(**{**SIZES, "num_key_value_heads": 4, "hidden_size": 48}),
}


def make(config: PretrainedConfig) -> Any:
    """A model with random weights, in evaluation mode."""
    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(config, attn_implementation="eager").eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.1)
    return model


def in_few_bits(model: Any, bits: int = 8) -> Any:
    """``model`` itself, its weights and what goes into its linear layers rounded as the kernels do."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear | nn.Embedding):
            own = bits if ".layers." in name else 8
            module.weight = nn.Parameter(unpacked(module.weight.detach(), own), requires_grad=False)
        if isinstance(module, nn.Linear):
            cast("Any", module).register_forward_pre_hook(lambda _, args: (_rounded(args[0]),))
    return model


def _rounded(x: torch.Tensor) -> torch.Tensor:
    width = x.shape[-1]
    full = nn.functional.pad(x, (0, -width % GROUP)).unflatten(-1, (-1, GROUP))
    step = full.abs().amax(dim=-1, keepdim=True).clamp_min(1e-30) / 127
    return ((full / step).round() * step).flatten(-2)[..., :width]
