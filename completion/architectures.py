"""How the architectures we convert are called in GGUF and in transformers. Pure tables.

Rotary: llama.cpp stores the query and key rows of Llama-shaped models for interleaved pairs;
transformers pairs halves, so those rows are permuted back. Qwen is stored unpermuted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from completion.errors import UnsupportedModel


class Metadata(Protocol):
    """What is read of a GGUF file here."""

    def value(self, key: str, default: Any = None) -> Any: ...
    def need(self, key: str) -> Any: ...


@dataclass(frozen=True)
class Architecture:
    """One GGUF architecture and its transformers counterpart."""

    model_type: str
    class_name: str
    permuted: bool = False
    """Query and key rows are stored for interleaved rotary pairs."""


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({
    "llama": Architecture("llama", "LlamaForCausalLM", permuted=True),
    "qwen2": Architecture("qwen2", "Qwen2ForCausalLM"),
    "qwen3": Architecture("qwen3", "Qwen3ForCausalLM"),
})  # fmt: skip

_WHOLE = MappingProxyType({
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
})  # fmt: skip
_IN_LAYER = MappingProxyType({
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
})  # fmt: skip


def tensor_name(gguf_name: str) -> str:
    """The transformers name of a tensor; raises UnsupportedModel for one we do not know."""
    if gguf_name in _WHOLE:
        return _WHOLE[gguf_name]
    match gguf_name.split("."):
        case ["blk", layer, part, ("weight" | "bias") as kind] if part in _IN_LAYER:
            return f"model.layers.{layer}.{_IN_LAYER[part]}.{kind}"
        case _:
            raise UnsupportedModel(f"The model has a tensor {gguf_name}, which is not supported.")


def permuted_heads(gguf_name: str, config: Mapping[str, Any]) -> int | None:
    """How many heads the rows of this tensor are permuted by; None: they are not."""
    if not ARCHITECTURES[config["model_type"]].permuted:
        return None
    return {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}.get(
        gguf_name.split(".")[2] if gguf_name.startswith("blk.") else ""
    )


def model_config(meta: Metadata, name: str, *, vocab_size: int, tied: bool) -> dict[str, Any]:
    """The ``config.json`` of a model whose architecture ``name`` is in the table.

    Raises CorruptModel for missing metadata, UnsupportedModel for an unknown rotary scaling.
    """
    architecture = ARCHITECTURES[name]
    heads = int(meta.need(f"{name}.attention.head_count"))
    hidden = int(meta.need(f"{name}.embedding_length"))
    return {
        "architectures": [architecture.class_name],
        "model_type": architecture.model_type,
        "dtype": "float16",
        "vocab_size": vocab_size,
        "hidden_size": hidden,
        "intermediate_size": int(meta.need(f"{name}.feed_forward_length")),
        "num_hidden_layers": int(meta.need(f"{name}.block_count")),
        "num_attention_heads": heads,
        "num_key_value_heads": int(meta.value(f"{name}.attention.head_count_kv", heads)),
        "head_dim": int(meta.value(f"{name}.attention.key_length", hidden // heads)),
        "hidden_act": "silu",
        "max_position_embeddings": int(meta.need(f"{name}.context_length")),
        "rms_norm_eps": float(meta.need(f"{name}.attention.layer_norm_rms_epsilon")),
        "rope_parameters": _rotary(meta, name),
        "tie_word_embeddings": tied,
        "bos_token_id": meta.value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": meta.value("tokenizer.ggml.eos_token_id"),
        "pad_token_id": meta.value("tokenizer.ggml.padding_token_id"),
        "use_cache": True,
    }


def _rotary(meta: Metadata, name: str) -> dict[str, Any]:
    kind = str(meta.value(f"{name}.rope.scaling.type", "none"))
    base = {"rope_theta": float(meta.value(f"{name}.rope.freq_base", 10_000.0))}
    factor = float(meta.value(f"{name}.rope.scaling.factor", 1.0))
    if kind == "none" or factor == 1.0:
        return {"rope_type": "default", **base}
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor, **base}
    if kind == "yarn":
        length = int(meta.need(f"{name}.rope.scaling.original_context_length"))
        return {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": length, **base}
    raise UnsupportedModel(f"The model scales its rotary positions by {kind!r}, which is not supported.")
