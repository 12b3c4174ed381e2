"""The tables from GGUF to transformers."""

import pytest

from completion.architectures import model_config, permuted_heads, tensor_name
from completion.errors import UnsupportedModel


class Meta(dict):
    """Metadata with a default for every number that must be there."""

    def value(self, key, default=None):
        return self.get(key, default)

    def need(self, key):
        return self.get(key, 8)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output.weight", "lm_head.weight"),
        ("blk.3.attn_q.bias", "model.layers.3.self_attn.q_proj.bias"),
        ("blk.11.ffn_norm.weight", "model.layers.11.post_attention_layernorm.weight"),
        ("blk.0.attn_k_norm.weight", "model.layers.0.self_attn.k_norm.weight"),
    ],
)
def test_names(ours: str, theirs: str) -> None:
    assert tensor_name(ours) == theirs


@pytest.mark.parametrize("name", ["blk.0.ssm_in.weight", "blk.0.attn_q.scale", "rope", "blk.weight"])
def test_an_unknown_tensor_is_named(name: str) -> None:
    with pytest.raises(UnsupportedModel, match=name):
        tensor_name(name)


def test_only_llama_permutes_and_only_queries_and_keys() -> None:
    llama = {"model_type": "llama", "num_attention_heads": 8, "num_key_value_heads": 2}
    assert permuted_heads("blk.0.attn_q.weight", llama) == 8
    assert permuted_heads("blk.0.attn_k.weight", llama) == 2
    assert permuted_heads("blk.0.attn_v.weight", llama) is None
    assert permuted_heads("output.weight", llama) is None
    assert permuted_heads("blk.0.attn_q.weight", llama | {"model_type": "qwen2"}) is None


@pytest.mark.parametrize(
    ("meta", "rotary"),
    [
        ({}, {"rope_type": "default", "rope_theta": 10_000.0}),
        ({"llama.rope.freq_base": 5.0}, {"rope_type": "default", "rope_theta": 5.0}),
        (
            {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0},
            {"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0},
        ),
        (
            {"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 2.0},
            {
                "rope_type": "yarn",
                "factor": 2.0,
                "original_max_position_embeddings": 8,
                "rope_theta": 10_000.0,
            },
        ),
    ],
)
def test_rotary_scaling(meta: dict, rotary: dict) -> None:
    assert model_config(Meta(meta), "llama", vocab_size=8, tied=True)["rope_parameters"] == rotary
