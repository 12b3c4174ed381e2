"""A turned key is the key the model computes there. The oracle is the model itself."""

from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    DeepseekV2Config,
    FalconConfig,
    Gemma3TextConfig,
    GlmConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MambaConfig,
    Phi3Config,
    PhiConfig,
    Qwen2Config,
    Qwen3NextConfig,
    SmolLM3Config,
    Starcoder2Config,
)

from kvcache.errors import UnsupportedShift
from kvcache.rotary import Rotary, rope_type, rotary_of

POSITIONS = 5000
"""More than the table of angles has at first."""

SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.2,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
GROUPED = {**SIZES, "num_key_value_heads": 2}
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 1000}
LONG = {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8, "factor": 5.0}


def scaled(kind: str, **rest: Any) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 1e4, **rest}}


TURNING = {
    "qwen2": (Qwen2Config, GROUPED),
    "llama": (LlamaConfig, GROUPED),
    "linear, as DeepSeek-Coder": (LlamaConfig, {**GROUPED, **scaled("linear", factor=4.0)}),
    "llama3": (LlamaConfig, {**GROUPED, **scaled("llama3", factor=8.0, **LLAMA3)}),
    "yarn": (LlamaConfig, {**GROUPED, **scaled("yarn", factor=5.0, original_max_position_embeddings=1000)}),
    "starcoder2 with a window": (Starcoder2Config, {**GROUPED, "sliding_window": 32}),
    "phi, half of each key": (PhiConfig, {**GROUPED, **scaled("default", partial_rotary_factor=0.5)}),
    "gpt-neox, a quarter": (GPTNeoXConfig, SIZES),
    "cohere, interleaved": (CohereConfig, GROUPED),
    "glm, half of each, interleaved": (GlmConfig, {**GROUPED, "head_dim": 16}),
}
REFUSED = {
    "'phi3'.*longrope": (
        Phi3Config,
        {**GROUPED, **scaled("longrope", **LONG), "original_max_position_embeddings": 1000},
    ),
    "'llama'.*dynamic": (LlamaConfig, {**GROUPED, **scaled("dynamic", factor=2.0)}),
    "'gemma3_text'.*full_attention, sliding_attention": (
        Gemma3TextConfig,
        {**GROUPED, "num_hidden_layers": 6},
    ),
    "'qwen3_next'.*linear_attention": (Qwen3NextConfig, GROUPED),
    "'mamba'.*linear_attention": (MambaConfig, {"vocab_size": 64, "hidden_size": 64, "num_hidden_layers": 1}),
    "'smollm3'.*layer 3 does not turn": (SmolLM3Config, GROUPED),
    "'gpt2'.*no rotary positions": (GPT2Config, {"vocab_size": 64, "n_embd": 64, "n_layer": 1, "n_head": 4}),
    "'falcon'.*no rotary positions": (FalconConfig, {**SIZES, "alibi": True}),
    "'deepseek_v2'.*cannot be tried": (
        DeepseekV2Config,
        {**SIZES, "num_key_value_heads": 4, "first_k_dense_replace": 4, "head_dim": 64},
    ),
}

positions = st.lists(st.tuples(*[st.integers(0, POSITIONS - 1)] * 3), min_size=1, max_size=6).map(
    lambda rows: torch.tensor(rows).T
)


@cache
def build(name: str, dtype: torch.dtype = torch.float32) -> tuple[Any, Rotary]:
    kind, values = TURNING[name]
    model = random_model(kind(**values), dtype)
    return model, rotary_of(model, 16, POSITIONS)


def random_model(config: Any, dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=dtype).eval()


def keys_at(model: Any, where: torch.Tensor) -> torch.Tensor:
    """What the model caches for some tokens at these positions: [layers, kv_heads, n, head_dim]."""
    ids = torch.arange(3, 3 + len(where))[None]
    with torch.inference_mode():
        out = model(ids, position_ids=where[None], use_cache=True)
    return torch.stack([layer.keys[0] for layer in out.past_key_values.layers])


def off(ours: torch.Tensor, truth: torch.Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((ours.float() - truth.float()).abs().max() / truth.float().abs().max())


@pytest.mark.parametrize("name", TURNING)
@settings(deadline=None, max_examples=40)
@given(positions)
def test_turned_keys_are_those_the_model_computes_there(name: str, where: torch.Tensor) -> None:
    """Any positions for any token. Only the first layer does not look at other tokens."""
    model, rotary = build(name)
    p, q, r = where
    first = keys_at(model, p)[:1]
    before = first.clone()
    turned = rotary.turn(first, computed_at=p, wanted_at=q)
    assert off(turned, keys_at(model, q)[:1]) < 1e-5
    by_the_way_of_r = rotary.turn(rotary.turn(first, computed_at=p, wanted_at=r), computed_at=r, wanted_at=q)
    assert off(by_the_way_of_r, turned) < 1e-5
    assert off(rotary.turn(first, computed_at=p, wanted_at=p), first) < 1e-6
    assert torch.equal(first, before)
    assert torch.equal(turned[..., rotary.width :], first[..., rotary.width :])


@pytest.mark.parametrize("name", TURNING)
def test_a_whole_sequence_moves_in_every_layer(name: str) -> None:
    """Attention sees distances alone, so all layers of a moved sequence can be compared."""
    model, rotary = build(name)
    here = torch.arange(20)
    for distance in (1, 700, POSITIONS - 20):
        there = here + distance
        ours = rotary.turn(keys_at(model, here), computed_at=here, wanted_at=there)
        assert off(ours, keys_at(model, there)) < 1e-3


@pytest.mark.parametrize("name", TURNING)
@settings(deadline=None, max_examples=5)
@given(positions)
def test_half_precision_is_kept_and_close(name: str, where: torch.Tensor) -> None:
    model, rotary = build(name, torch.bfloat16)
    p, q, _ = where
    turned = rotary.turn(keys_at(model, p)[:1], computed_at=p, wanted_at=q)
    assert turned.dtype == torch.bfloat16
    assert off(turned, keys_at(model, q)[:1]) < 0.03


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_moved_is_refused_by_name(reason: str) -> None:
    kind, values = REFUSED[reason]
    model = random_model(kind(**values))
    with pytest.raises(UnsupportedShift, match=reason):
        rotary_of(model, 16, POSITIONS)


def test_a_model_that_turns_its_keys_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rotary module is believed only as far as the keys bear it out."""
    model = random_model(LlamaConfig(**GROUPED))
    with pytest.raises(UnsupportedShift, match=r"'llama'.*8 wide"):
        rotary_of(model, 8, POSITIONS)
    frequencies = model.model.rotary_emb.inv_freq
    original = model.model.rotary_emb.forward

    def drifting(x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        frequencies.mul_(1.01)
        return original(x, position_ids)

    monkeypatch.setattr(model.model.rotary_emb, "forward", drifting)
    with pytest.raises(UnsupportedShift, match=r"'llama'.*layer 0 does not turn"):
        rotary_of(model, 16, POSITIONS)


def test_trying_leaves_the_model_as_it_was() -> None:
    model, _ = build("qwen2")
    where = torch.arange(5)
    before = keys_at(model, where)
    rotary_of(model, 16, POSITIONS)
    assert torch.equal(keys_at(model, where), before)
    assert not any(layer._forward_pre_hooks for layer in model.model.layers)


def test_positions_beyond_the_model_are_an_error() -> None:
    _, rotary = build("qwen2")
    keys = torch.ones(1, 2, 1, 16)
    for wrong in (-1, POSITIONS):
        with pytest.raises(ValueError, match=f"{wrong}.*{POSITIONS}"):
            rotary.turn(keys, computed_at=torch.tensor([7]), wanted_at=torch.tensor([wrong]))


def test_no_keys_turn_into_no_keys() -> None:
    _, rotary = build("qwen2")
    none = torch.empty(0, dtype=torch.int64)
    assert rotary.turn(torch.empty(4, 2, 0, 16), computed_at=none, wanted_at=none).shape == (4, 2, 0, 16)


def test_the_kind_of_scaling_is_read_off_old_and_new_configurations() -> None:
    config = LlamaConfig(**GROUPED)
    assert rope_type(config) == "default"
    config.rope_parameters = {"type": "linear", "factor": 4.0}
    assert rope_type(config) == "linear"
