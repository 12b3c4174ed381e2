"""What the kernels can run is told from the configuration alone."""

import pytest
import torch
from transformers import LlamaConfig, MistralConfig, Qwen2Config, Starcoder2Config

from completion.cpu.skeleton import misfit, sizes_of, skeleton
from kvcache.rotary import rotary_of
from tests.completion.cpu.models import CONFIGS, make


def test_what_fits_and_what_does_not() -> None:
    assert all(misfit(config) == "" for config in (LlamaConfig(), MistralConfig(), Qwen2Config()))
    assert "starcoder2" in misfit(Starcoder2Config())
    assert "gelu" in misfit(LlamaConfig(hidden_act="gelu"))
    dynamic = LlamaConfig(rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4})
    assert "angles change" in misfit(dynamic)


@pytest.mark.parametrize("name", CONFIGS)
def test_sizes_are_the_models_own(name: str) -> None:
    model = make(CONFIGS[name])
    sizes, attention = sizes_of(model.config), model.model.layers[0].self_attn
    assert (sizes.dim, sizes.scaling) == (attention.head_dim, pytest.approx(attention.scaling))
    assert attention.q_proj.out_features == sizes.heads * sizes.dim
    assert attention.k_proj.out_features == sizes.kv_heads * sizes.dim


@pytest.mark.parametrize("name", CONFIGS)
def test_a_skeleton_turns_keys_as_the_model_does(name: str) -> None:
    config = CONFIGS[name]
    state = torch.random.get_rng_state()
    bones = skeleton(config)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert bones.config.num_hidden_layers == 1
    assert config.num_hidden_layers == 3
    keys, at = torch.randn(1, 2, 5, sizes_of(config).dim), torch.arange(5)
    turned = [
        rotary_of(model, sizes_of(config).dim, 4096).turn(keys, computed_at=at, wanted_at=at + 900)
        for model in (bones, make(config))
    ]
    assert torch.equal(*turned)
