"""The store behind transformers' interface computes what transformers' own cache computes."""

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    DeepseekV2Config,
    Gemma3TextConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    Phi3Config,
    PretrainedConfig,
    Qwen2Config,
    Qwen3NextConfig,
    RwkvConfig,
    Starcoder2Config,
)

from completion.forward import Forward
from completion.loading import LoadedModel
from completion.passes import TransformersPass
from kvcache.audit import largest_error
from kvcache.errors import AuditError, UnsupportedCache
from kvcache.hf import ATTENTION, attend_slots, cache_shape, position_limit, register_attention
from kvcache.store import KVStore

SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
LONG = {"short_factor": [1.0] * 8, "long_factor": [4.0] * 8}


def scaled(kind: str, **rest: Any) -> dict[str, Any]:
    return {"rope_type": kind, "rope_theta": 1e4, **rest}


def fresh_store(tiny: LoadedModel) -> KVStore:
    return KVStore(tiny.shape, 128, dtype=tiny.dtype, device=tiny.device)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 700), min_size=2, max_size=40), st.data())
def test_logits_equal_transformers_own(tiny: LoadedModel, tokens: list[int], data: st.DataObject) -> None:
    """Encode in pieces, forget some, encode again: the logits are those of one plain pass."""
    store = fresh_store(tiny)
    tiny.forward.encode(store, tokens)
    store.truncate(data.draw(st.integers(0, len(tokens) - 1)))
    rest = tokens[len(store) :]
    middle = data.draw(st.integers(0, len(rest) - 1))
    if middle:
        tiny.forward.encode(store, rest[:middle])
    ours = tiny.forward.logits(store, rest[middle:])
    reference = AutoModelForCausalLM.from_pretrained(tiny.model.name_or_path, attn_implementation="eager")
    with torch.inference_mode():
        theirs = reference(torch.tensor([tokens])).logits[0, -1]
    assert torch.allclose(ours, theirs, atol=1e-3)
    assert largest_error(store, tiny.forward.cold) < 1e-4


def test_the_audit_finds_a_changed_value(tiny: LoadedModel) -> None:
    store = fresh_store(tiny)
    tiny.forward.encode(store, [1, 2, 3])
    store._arenas.values[1, 0, 1] += 0.5  # breaking it is the point
    assert largest_error(store, tiny.forward.cold) > 0.4
    store._sequence._ids.append(4)
    with pytest.raises(AuditError):
        largest_error(store, tiny.forward.cold)


def test_grouped_attention_equals_repeated_heads() -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 6, 5, 8, generator=generator)
    key, value = torch.randn(2, 1, 2, 9, 8, generator=generator)
    mask = torch.rand(1, 1, 5, 9, generator=generator) < 0.6
    mask[..., 0] = True
    ours, _ = attend_slots(torch.nn.Identity(), query, key, value, mask, scaling=0.3)
    scores = query @ key.repeat_interleave(3, dim=1).transpose(-1, -2) * 0.3
    weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
    theirs = (weights @ value.repeat_interleave(3, dim=1)).transpose(1, 2)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_shape_is_read_off_the_configuration() -> None:
    config = Qwen2Config(hidden_size=64, num_attention_heads=8, num_key_value_heads=2, num_hidden_layers=5)
    assert cache_shape(config, 4).token_bytes == 2 * 5 * 2 * 8 * 4
    assert cache_shape(LlamaConfig(head_dim=16), 2).head_dim == 16


def test_where_the_cache_stops_being_plain_is_read_off_the_configuration() -> None:
    dynamic = LlamaConfig(max_position_embeddings=512, rope_parameters=scaled("dynamic", factor=2.0))
    assert position_limit(dynamic) == 512
    assert position_limit(LlamaConfig(rope_parameters=scaled("linear", factor=4.0))) is None
    beside = Phi3Config(
        **SIZES, original_max_position_embeddings=1024, rope_parameters=scaled("longrope", **LONG)
    )
    inside = LlamaConfig(
        **SIZES, rope_parameters=scaled("longrope", original_max_position_embeddings=256, factor=4.0, **LONG)
    )
    assert (position_limit(beside), position_limit(inside)) == (1024, 256)
    assert position_limit(MistralConfig(sliding_window=2048)) == 2048
    assert position_limit(Starcoder2Config(sliding_window=None)) is None
    assert position_limit(Qwen2Config(sliding_window=4096, use_sliding_window=False)) is None
    slides = Qwen2Config(sliding_window=64, use_sliding_window=True, max_window_layers=0)
    assert set(slides.layer_types) == {"sliding_attention"}
    assert position_limit(slides) == 64
    assert cache_shape(slides, 4).layers == slides.num_hidden_layers


@pytest.mark.parametrize(
    "config",
    [
        Starcoder2Config(**SIZES, max_position_embeddings=64, sliding_window=24),
        Qwen2Config(
            **SIZES,
            max_position_embeddings=64,
            sliding_window=24,
            use_sliding_window=True,
            max_window_layers=0,
        ),
        Phi3Config(
            **SIZES,
            max_position_embeddings=64,
            original_max_position_embeddings=24,
            rope_parameters=scaled("longrope", **LONG),
        ),
        LlamaConfig(**SIZES, max_position_embeddings=24, rope_parameters=scaled("dynamic", factor=8.0)),
    ],
    ids=lambda config: config.model_type,
)
def test_up_to_the_limit_logits_equal_transformers_own(config: PretrainedConfig) -> None:
    """And one token further they do not: the limit is no smaller than it must be."""
    limit = position_limit(config)
    assert limit == 24
    register_attention()
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(SIZES["vocab_size"], (limit + 1,), generator=generator).tolist()
    for length in (limit, limit + 1):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, attn_implementation=ATTENTION).eval()
        shape = cache_shape(config, 4)
        store = KVStore(shape, 32, dtype=torch.float32, device=torch.device("cpu"))
        cpu = torch.device("cpu")
        forward = Forward(TransformersPass(model), shape, dtype=torch.float32, device=cpu)
        forward.encode(store, tokens[:9])
        ours = forward.logits(store, tokens[9:length])
        torch.manual_seed(0)
        reference = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
        with torch.inference_mode():
            theirs = reference(torch.tensor([tokens[:length]])).logits[0, -1]
        assert torch.allclose(ours, theirs, atol=1e-3) == (length == limit)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (Gemma3TextConfig(num_hidden_layers=6), "gemma3_text.*full_attention, sliding_attention"),
        (Qwen3NextConfig(), "qwen3_next.*linear_attention"),
        (MambaConfig(), "mamba.*linear_attention"),
        (RwkvConfig(), "rwkv.*no attention heads"),
        (DeepseekV2Config(), "deepseek_v2.*compressed"),
    ],
    ids=lambda value: getattr(value, "model_type", ""),
)
def test_caches_that_are_not_plain_are_refused_by_name(config: PretrainedConfig, reason: str) -> None:
    with pytest.raises(UnsupportedCache, match=reason):
        cache_shape(config, 4)
