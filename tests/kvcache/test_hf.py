"""The store behind transformers' interface computes what transformers' own cache computes."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Starcoder2Config,
)

from completion.loading import LoadedModel
from kvcache.audit import largest_error
from kvcache.errors import AuditError, UnsupportedCache
from kvcache.hf import attend_slots, cache_shape
from kvcache.store import KVStore


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
    store._values[1, 0, 1] += 0.5  # breaking it is the point
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


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_rotary_frequencies_that_change_with_length_are_refused(kind: str) -> None:
    config = LlamaConfig(num_hidden_layers=1)
    config.rope_parameters = {"rope_type": kind, "rope_theta": 1e4, "factor": 2.0}
    with pytest.raises(UnsupportedCache, match=kind):
        cache_shape(config, 4)
    config.rope_parameters = {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}
    assert cache_shape(config, 4).layers == 1


def test_sliding_windows_are_refused_by_name() -> None:
    for config in (MistralConfig(sliding_window=4096), Starcoder2Config(sliding_window=4096)):
        with pytest.raises(UnsupportedCache, match=f"{config.model_type}.*4096"):
            cache_shape(config, 4)
    assert cache_shape(Qwen2Config(sliding_window=4096, use_sliding_window=False), 4)
    with pytest.raises(UnsupportedCache, match="sliding_attention"):
        cache_shape(Gemma3TextConfig(num_hidden_layers=6), 4)
